// What rules of a bounded folder are asked about: those that choose, only about alerts of its own places, so that nobody takes the
// remedies of others away; guards, only about plans that touch its places or come from it, so that nobody holds others up.
import type { Facts } from "../facts/facts.ts";
import {
  allowsPlace,
  isWithin,
  type Scope,
  scopeOfFile,
  scopeText,
  wholeRepository,
} from "../templates/scope.ts";
import { isCatalogFile } from "./catalog-files.ts";
import { lifts } from "./lifts.ts";
import type { GuardedPlan, GuardRule, RuleBase } from "./rule.ts";

/** `free`: bounded by none, as the floor. null: by one that there is not, so that it may choose and lift nothing. */
function scopeOfRule(
  { position: { file } }: Pick<RuleBase, "position">,
  scopes: readonly Scope[],
): Scope | "free" | null {
  return scopes.length === 0 || !isCatalogFile(file) ? "free" : scopeOfFile(file, scopes);
}

/** Why a rule may not choose for this alert; null: it may. */
export function whyOutside(rule: RuleBase, facts: Facts, scopes: readonly Scope[]): string | null {
  const scope = scopeOfRule(rule, scopes);
  const place = placeOf(facts);
  if (scope === null) return `${rule.name} is not asked: gitmend.yaml has no scope for ${rule.position.file}`;
  if (scope === "free" || allowsPlace(scope, place)) return null;
  const where = place.namespace === null ? "no namespace" : `namespace ${place.namespace}`;
  return `${rule.name} is not asked: ${where} of cluster ${place.cluster} is outside of ${scopeText(scope)}`;
}

/** Of the object that was found; until then of the one that the alert names. */
function placeOf({ alert, subject, target }: Facts): {
  readonly cluster: string;
  readonly namespace: string | null;
} {
  const { cluster, labels } = alert;
  if (target.available && target.value !== null) return target.value;
  if (subject.available && subject.value !== null) return { cluster, namespace: subject.value.namespace };
  return { cluster, namespace: labels["namespace"] ?? null };
}

/** Whether `now` holds wherever `old` does, by the folders that they stand in. */
export function reachesAsFar(old: GuardRule, now: GuardRule, scopes: readonly Scope[]): boolean {
  const [before, after] = [old, now].map((guard) => {
    const scope = scopeOfRule(guard, scopes);
    return scope === null || scope === "free" ? wholeRepository : scope.path;
  });
  return after === wholeRepository || before === after;
}

/** A plan of an execution that is older than the scopes is everybody's. */
export function isConcerned(guard: GuardRule, plan: GuardedPlan, scopes: readonly Scope[]): boolean {
  const scope = scopeOfRule(guard, scopes);
  if (scope === "free") return true;
  if (guard.event.type === "waive-approval") return scope?.path === wholeRepository;
  if (scope === null || plan.scopes === undefined) return !lifts(guard.event);
  if (!lifts(guard.event) && plan.scopes.some(({ path }) => isWithin(path, scope.path))) return true;
  const isWithinScope = ({ cluster, namespace }: GuardedPlan["touches"]["objects"][number]) =>
    cluster === undefined ? !lifts(guard.event) : allowsPlace(scope, { cluster, namespace });
  const { objects } = plan.touches;
  return lifts(guard.event) ? objects.every(isWithinScope) : objects.some(isWithinScope);
}
