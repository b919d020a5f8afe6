// Facts as rules see them: `alert` carries namespace and resource of the subject, `plan` is what guards judge.
import { factScope, type Scope } from "../expressions/scope.ts";
import type { Facts, FetchedFact } from "../facts/facts.ts";
import type { Usage } from "../facts/usage.ts";
import type { GuardedPlan } from "./rule.ts";

export interface FactValues {
  /** Serves paths and expressions alike; unavailable facts are not in it. */
  readonly scope: Scope;
  /** Why a fact is not there. */
  readonly unavailable: ReadonlyMap<FetchedFact, string>;
}

const fetched: readonly FetchedFact[] = ["subject", "subjects", "target", "namespace", "owner", "history"];

function planScope({ risk, digest, template, repair = "live", touches }: GuardedPlan) {
  const { clusters, namespaces, objects, actions } = touches;
  return { risk, digest, template: template.name, repair, clusters, namespaces, objects, actions };
}

/** @param usage null: nobody has asked for it */
export function factValues(facts: Facts, plan: GuardedPlan | null, usage: Usage | null = null): FactValues {
  const unavailable = new Map<FetchedFact, string>();
  for (const name of fetched) {
    const fact = facts[name];
    if (!fact.available) unavailable.set(name, fact.why);
  }
  const scope = factScope(facts);
  const judged = plan === null ? {} : { plan: planScope(plan) };
  return { scope: { ...scope, ...judged, ...(usage === null ? {} : { usage }) }, unavailable };
}
