// Faults that tests put in the way of requests: slow, refused, failed before or after the effect, hanging, cut off.

export type FaultKind =
  | { readonly kind: "latency"; readonly milliseconds: number }
  | {
      readonly kind: "status";
      readonly code: 401 | 403 | 404 | 409 | 422 | 429 | 500 | 502 | 503 | 504;
      /** `after`: the effect is persisted, the answer is the error all the same. */
      readonly when?: "before" | "after";
      readonly retryAfterSeconds?: number;
    }
  /** No answer until the client gives up or `release` is called. */
  | { readonly kind: "hang"; readonly when?: "before" | "after" }
  /** The connection is reset. */
  | { readonly kind: "reset"; readonly when?: "before" | "after" }
  /** The client dies of it: told, and its connection is gone. */
  | { readonly kind: "crash"; readonly when?: "before" | "after"; readonly crash: () => void };

export interface FaultRule {
  readonly method?: string;
  /** Matched against path and query. */
  readonly path?: RegExp;
  readonly userAgent?: RegExp;
  /** How many matching requests pass before the first fault. Default 0. */
  readonly skip?: number;
  /** How many requests it hits. Default 1; Infinity until removed. */
  readonly times?: number;
  /** Or what strikes this request, as somebody decides who may throw dice; null: nothing does. */
  readonly fault: FaultKind | ((method: string, url: string) => FaultKind | null);
}

export interface PlacedFault {
  hits(): number;
  /** Resolves when a request is hit for the first time. */
  readonly reached: Promise<void>;
  /** Lets requests that hang go on. */
  release(): void;
  remove(): void;
}

export interface Faults {
  add(rule: FaultRule): PlacedFault;
  clear(): void;
}

export interface ActiveFault {
  readonly fault: FaultKind;
  readonly released: Promise<void>;
}

export interface FaultTable extends Faults {
  /** The faults for this request, counted as hit. */
  take(method: string, url: string, userAgent: string): readonly ActiveFault[];
}

interface Entry {
  readonly rule: FaultRule;
  readonly reached: PromiseWithResolvers<void>;
  readonly released: PromiseWithResolvers<void>;
  seen: number;
  hits: number;
}

function applies(
  { method, path, userAgent }: FaultRule,
  request: readonly [string, string, string],
): boolean {
  return (
    (method === undefined || method === request[0]) &&
    (path === undefined || path.test(request[1])) &&
    (userAgent === undefined || userAgent.test(request[2]))
  );
}

export function createFaults(): FaultTable {
  const entries = new Set<Entry>();
  const take = (entry: Entry): boolean => {
    entry.seen += 1;
    if (entry.seen <= (entry.rule.skip ?? 0) || entry.hits >= (entry.rule.times ?? 1)) return false;
    entry.hits += 1;
    entry.reached.resolve();
    return true;
  };
  const remove = (entry: Entry) => {
    entry.released.resolve();
    entries.delete(entry);
  };
  return {
    add: (rule) => {
      const entry: Entry = {
        rule,
        reached: Promise.withResolvers<void>(),
        released: Promise.withResolvers<void>(),
        seen: 0,
        hits: 0,
      };
      entries.add(entry);
      return {
        hits: () => entry.hits,
        reached: entry.reached.promise,
        release: () => entry.released.resolve(),
        remove: () => remove(entry),
      };
    },
    clear: () => {
      for (const entry of entries) remove(entry);
    },
    take: (method, url, userAgent) =>
      [...entries]
        .filter(({ rule }) => applies(rule, [method, url, userAgent]))
        .filter(take)
        .flatMap(({ rule, released }) => {
          const fault = typeof rule.fault === "function" ? rule.fault(method, url) : rule.fault;
          return fault === null ? [] : [{ fault, released: released.promise }];
        }),
  };
}
