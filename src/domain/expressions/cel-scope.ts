// How plain data becomes CEL values: integers go in as BigInt (CEL knows 64-bit integers), only own properties are
// copied, and each root is converted once, when it is first read.
import { durationSeconds } from "../duration.ts";
import { Problem } from "../problem.ts";
import { type Root, roots, type Scope } from "./scope.ts";

/** Longest list that an expression may meet, by how deep its comprehensions are nested: rounds multiply. */
const longestLists = [Number.POSITIVE_INFINITY, 1_000, 200] as const;

/** CEL's view of `history`: only `attempts(window)`. */
export class AttemptHistory {
  readonly #attempts: readonly number[];
  readonly #now: number | null;
  constructor(attempts: readonly number[], now: number | null) {
    this.#attempts = attempts;
    this.#now = now;
  }
  /** Attempts within the window before now. @throws Problem EXPRESSION_FAILED without `now`. */
  within(window: string): bigint {
    if (this.#now === null) throw new Problem("EXPRESSION_FAILED", "history needs to know the time");
    const from = this.#now - durationSeconds(window) * 1_000;
    return BigInt(this.#attempts.filter((at) => at > from).length);
  }
}

/** Milliseconds of an ISO 8601 text. Reads no clock. */
function instant(text: unknown): number {
  // oxlint-disable-next-line no-restricted-globals -- parses what was passed in
  const milliseconds = typeof text === "string" ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(milliseconds))
    throw new Problem("EXPRESSION_FAILED", `${JSON.stringify(text)} is not a time`);
  return milliseconds;
}

function convertList(list: readonly unknown[], longest: number): unknown[] {
  if (list.length > longest) {
    throw new Problem(
      "EXPRESSION_FAILED",
      `a list of ${list.length} entries is too long for a comprehension`,
    );
  }
  return list.map((item) => convert(item, longest));
}

function convert(value: unknown, longest: number): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return convertList(value, longest);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([key, member]) => [key, convert(member, longest)]));
}

function convertHistory(history: unknown, now: unknown): AttemptHistory {
  const attempts = (history as { attempts?: readonly { readonly at: unknown }[] } | null)?.attempts ?? [];
  return new AttemptHistory(
    attempts.map(({ at }) => instant(at)),
    now === undefined ? null : instant(now),
  );
}

function convertRoot(root: Root, scope: Scope, longest: number): unknown {
  // oxlint-disable-next-line no-restricted-globals -- CEL's timestamps are Dates
  if (root === "now") return new Date(instant(scope.now));
  if (root === "history") return convertHistory(scope.history, scope.now);
  return convert(scope[root], longest);
}

/** CEL keeps the word `namespace` for itself; this name of the same length takes its place, so that offsets hold. */
export const namespaceName = "namespac_";

export type CelScope = Readonly<Record<string, unknown>>;

/** CEL values by root, converted when first read. `depth`: how deep comprehensions are nested in the expression. */
export function celScope(scope: Scope, depth: 0 | 1 | 2): CelScope {
  const longest = longestLists[depth];
  const result = {};
  for (const root of roots) {
    if (scope[root] === undefined) continue;
    const known: { value?: unknown } = {};
    Object.defineProperty(result, root === "namespace" ? namespaceName : root, {
      enumerable: true,
      get: () => ("value" in known ? known.value : (known.value = convertRoot(root, scope, longest))),
    });
  }
  return result;
}
