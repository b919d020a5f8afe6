// What a live execution counts in, and which of these a limit asks about. The database counts; here it is said what and judged.

import { durationText } from "../duration.ts";
import { objectKey } from "../facts/objects.ts";
import type { Count, Usage } from "../facts/usage.ts";
import type { Plan } from "../planning/plan.ts";
import type { Limit, LimitScope } from "../policies/selection.ts";
import { type CountedPart, shareReached, type TakenOut } from "./shares.ts";

type Counted = Pick<Plan, "template" | "target" | "touches">;

/** A limit that a guard asks for, with what has to be counted for it. */
export interface AppliedLimit extends Limit {
  /** `policy/rule`. */
  readonly rule: string;
  readonly keys: readonly string[];
  /** Of a limit by share: what the plan takes out in each place of its scope. */
  readonly parts?: readonly CountedPart[];
}

export type Counts = ReadonlyMap<string, Count>;

/** Outcomes of executions that changed nothing because they never ran: no start, and no earlier attempt. */
export const neverRan: readonly string[] = [
  "observed",
  "refused",
  "rejected",
  "expired",
  "outdated",
  "superseded",
];

const usageScopes: readonly (keyof Usage)[] = ["global", "cluster", "namespace", "target", "template"];

/** The keys of one scope: one for each cluster or namespace that the plan touches. */
export function keysOf(scope: LimitScope, { template, target, touches }: Counted): readonly string[] {
  const objects = target === null ? touches.objects : [...touches.objects, target];
  const unique = (keys: readonly string[]) => [...new Set(keys)].map((key) => `${scope}/${key}`);
  switch (scope) {
    case "global":
      return ["global"];
    case "cluster":
      return unique(objects.map(({ cluster }) => cluster));
    case "namespace":
      return unique(
        objects.flatMap(({ cluster, namespace }) => (namespace === null ? [] : [`${cluster}/${namespace}`])),
      );
    case "target":
      return target === null ? [] : unique([objectKey(target)]);
    case "template":
      return unique([template.name]);
    case "zone":
    case "workload":
      return [];
  }
}

/** Everything that an execution of the plan counts in. */
export function everyKey(plan: Counted): readonly string[] {
  return usageScopes.flatMap((scope) => keysOf(scope, plan));
}

/** Of several clusters or namespaces the one where most is. */
export function usageOf(plan: Counted, counts: Counts): Usage {
  const most = (scope: LimitScope): Count => {
    const all = keysOf(scope, plan).flatMap((key) => counts.get(key) ?? []);
    return {
      running: Math.max(0, ...all.map(({ running }) => running)),
      starts: Math.max(0, ...all.map(({ starts }) => starts)),
    };
  };
  return {
    global: most("global"),
    cluster: most("cluster"),
    namespace: most("namespace"),
    target: most("target"),
    template: most("template"),
  };
}

/** Why one more is too many; null: it is not. */
export function limitReached(
  limit: AppliedLimit,
  counts: Counts,
  taken: TakenOut = new Map(),
): string | null {
  const { running, starts, perSeconds, keys, parts = [] } = limit;
  for (const key of keys) {
    const found = counts.get(key) ?? { running: 0, starts: 0 };
    if (running !== null && found.running >= running)
      return `${found.running} are under way in ${key}, at most ${running} may be`;
    if (starts !== null && found.starts >= starts)
      return `${found.starts} were started in ${key} within ${durationText(perSeconds)}, at most ${starts} may be`;
  }
  return shareReached(limit, parts, taken);
}
