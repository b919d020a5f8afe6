// The log of every change that a client persisted: what tests count each effect by. Dry-runs, refusals and writes
// that change nothing are not in it, nor is what the cluster's own controllers do.
import type { ApiObject } from "./objects.ts";

export interface PersistedEffect {
  /** 1 for the first. */
  readonly number: number;
  /** ISO 8601, in the simulated cluster's time. */
  readonly at: string;
  readonly verb: "create" | "update" | "patch" | "delete" | "evict";
  /** fieldManager of the request; without one the first word of its user agent. */
  readonly manager: string;
  readonly userAgent: string;
  /** Whom the client acted as; left out: as itself. */
  readonly as?: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** JSON pointers of the changed fields; empty for deletions. */
  readonly fields: readonly string[];
  /** Of the object after it. */
  readonly annotations: Readonly<Record<string, string>>;
}

export type EffectFilter = Partial<
  Pick<PersistedEffect, "verb" | "manager" | "kind" | "namespace" | "name" | "uid" | "as">
>;

export interface Effects {
  all(): readonly PersistedEffect[];
  of(filter: EffectFilter): readonly PersistedEffect[];
  /** Events are left out unless asked for by kind: they are notes, not changes. */
  count(filter: EffectFilter): number;
  clear(): void;
}

export interface EffectLog extends Effects {
  record(
    object: ApiObject,
    effect: Pick<PersistedEffect, "at" | "verb" | "manager" | "userAgent" | "as" | "fields">,
  ): void;
}

export function createEffectLog(): EffectLog {
  let log: PersistedEffect[] = [];
  let number = 0;
  const of = (filter: EffectFilter) =>
    log.filter((effect) =>
      Object.entries(filter).every(([key, value]) => effect[key as keyof EffectFilter] === value),
    );
  return {
    all: () => [...log],
    of,
    count: (filter) => of(filter).filter(({ kind }) => filter.kind !== undefined || kind !== "Event").length,
    clear: () => {
      log = [];
    },
    record: ({ apiVersion, kind, metadata }, effect) => {
      number += 1;
      const { name, namespace = null, uid, resourceVersion, annotations = {} } = metadata;
      log.push({ number, apiVersion, kind, namespace, name, uid, resourceVersion, annotations, ...effect });
    },
  };
}
