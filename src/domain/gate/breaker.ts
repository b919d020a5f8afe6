// The breaker: what did not help again and again is stopped until a person says otherwise. Types, and the words for people.
import { durationText } from "../duration.ts";

/** One template for one alert name and target; one template in one cluster; everything that changes something. */
export type BreakerScope = "target" | "template" | "global";

/** Trips at so many setbacks within the time, when they are at least half of what has ended. */
export interface BreakerRule {
  readonly scope: BreakerScope;
  readonly setbacks: number;
  readonly perSeconds: number;
}

export interface Breaker extends BreakerRule {
  readonly id: string;
  /** null: not part of the scope. */
  readonly template: string | null;
  readonly alertName: string | null;
  /** `cluster/group/kind/namespace/name`. */
  readonly target: string | null;
  readonly cluster: string | null;
  /** ISO 8601, UTC. */
  readonly trippedAt: string;
  /** One of the executions that it was tripped by. */
  readonly lastExecution: string;
  /** null: nothing of it starts. */
  readonly reset: { readonly at: string; readonly by: string; readonly reason: string } | null;
}

/** Besides these a verdict `ineffective` is a setback. */
export const setbackOutcomes: readonly string[] = ["failed", "rolled_back", "rollback_incomplete", "unknown"];

/** `restart-workload for KubePodCrashLooping on prod/shop/Deployment/api`. */
export function breakerScopeText({ scope, template, alertName, target, cluster }: Breaker): string {
  switch (scope) {
    case "target":
      return `${template}${alertName === null ? "" : ` for ${alertName}`} on ${placeText(target ?? "")}`;
    case "template":
      return `${template} in cluster ${cluster}`;
    case "global":
      return "everything that changes something";
  }
}

function placeText(key: string): string {
  const [cluster, , kind, namespace, name] = key.split("/");
  return [cluster, namespace, kind, name].filter((part) => part !== undefined && part !== "").join("/");
}

/** `breaker 3 stops restart-workload …: 3 executions within 1d failed or did not help`. */
export function breakerText(breaker: Breaker): string {
  return `breaker ${breaker.id} stops ${breakerScopeText(breaker)}: ${setbacksText(breaker)}`;
}

export function setbacksText({ setbacks, perSeconds }: BreakerRule): string {
  return `${setbacks} executions within ${durationText(perSeconds)} failed or did not help`;
}
