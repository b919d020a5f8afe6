// The gate of a plan: guards of the floor and of the catalog, and built-in rules, under the facts and the usage of now. Weighed
// when the plan is made, and once more directly before its first change and before its fallback.

import type { ActionTools } from "../actions/action.ts";
import { type FoundObject, protectionProblem } from "../actions/protected.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { objectKey } from "../domain/facts/objects.ts";
import type { Usage } from "../domain/facts/usage.ts";
import type { Breaker } from "../domain/gate/breaker.ts";
import type { Gate } from "../domain/gate/gate.ts";
import { everyKey, limitReached, usageOf } from "../domain/gate/limits.ts";
import { managerDenial, repairOf, type WantedRepair, wantedRepair } from "../domain/gate/managed-by.ts";
import { scopeDenials } from "../domain/gate/scope-denials.ts";
import { partsOf } from "../domain/gate/shares.ts";
import { refusedByLimit, type Weighed, weighGate } from "../domain/gate/weigh-gate.ts";
import type { Plan } from "../domain/planning/plan.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { asksForUsage, evaluateGuards } from "../domain/policies/evaluate-guards.ts";
import { factsNeeded } from "../domain/policies/facts-needed.ts";
import type { GuardedPlan } from "../domain/policies/rule.ts";
import { Problem } from "../domain/problem.ts";
import { withParts } from "./count-parts.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import { gatherFacts } from "./gather-facts.ts";
import { wayBack } from "./make-plan.ts";
import { readTouched } from "./protection.ts";
import { questionOf, stoppedText } from "./stopped-by-breaker.ts";

export interface WeighedPlan extends Weighed {
  /** Where its target is to be repaired. */
  readonly repair: WantedRepair;
}

/**
 * @param before the execution of this plan, if it exists: it does not count itself, nor what came after it
 * @throws Problem API_*: what it touches cannot be read, so it is not changed. DATABASE_UNAVAILABLE
 */
export async function weighPlan(
  plan: Plan,
  facts: Facts,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
  before?: string,
): Promise<WeighedPlan> {
  const touched = plan.target === null ? plan.touches.objects : [...plan.touches.objects, plan.target];
  const found = await readTouched(touched, tools);
  const usage = asksForUsage(facts.alert.name, catalog) ? await countFor(plan, ports, before) : null;
  const verdicts = await evaluateGuards(catalog, facts, withLabels(plan, found), usage);
  const problem = protectionProblem(found, ports.protection);
  const target = facts.target.available ? facts.target.value : null;
  const parts = partsOf(found);
  const repair = wantedRepair(verdicts, target);
  const weighed = weighGate(plan, verdicts, {
    live: ports.live,
    scope: scopeDenials(plan, catalog.scopes, (action) => wayBack(ports.actions, action)),
    manager: target === null ? null : managerDenial(plan, target, repair),
    protection: problem === null ? [] : [problem.message],
    parts,
  });
  return { ...weighed, repair, limits: await withParts(weighed.limits, parts, tools) };
}

const hourSeconds = 3_600;

async function countFor(plan: Plan, { alerts }: DecisionPorts, before?: string): Promise<Usage> {
  const counts = await alerts.usage(everyKey(plan), {
    perSeconds: hourSeconds,
    ...(before === undefined ? {} : { before }),
  });
  return usageOf(plan, counts);
}

/** What guards see: the objects with the labels that they have now. */
function withLabels(plan: Plan, found: readonly FoundObject[]): GuardedPlan {
  const labels = new Map(
    found.flatMap(({ ref, object }) =>
      object === null ? [] : [[objectKey(ref), object.metadata.labels ?? {}] as const],
    ),
  );
  const objects = plan.touches.objects.map((ref) => {
    const known = labels.get(objectKey(ref));
    return known === undefined ? ref : { ...ref, labels: known };
  });
  return { ...plan, repair: repairOf(plan), touches: { ...plan.touches, objects } };
}

/**
 * What may not run live any more is refused. The execution itself counts as no earlier attempt, and in no limit.
 * @throws Problem: it cannot be known now
 */
export async function weighNow(
  executionId: string,
  alert: Alert,
  plan: Plan,
  catalog: Catalog | null,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<Gate> {
  if (catalog === null) {
    throw new Problem("CATALOG_INVALID", "there is no catalog to weigh the plan with", { retryable: true });
  }
  const gathered = await gatherFacts(alert, factsNeeded(alert.name, catalog), tools, ports, plan.target);
  if (!gathered.target.available) throw unknownNow(gathered.target.why);
  const facts = { ...gathered, history: withoutSelf(gathered.history, executionId) };
  const { gate, mode, limits, unknown, countsIn } = await weighPlan(
    plan,
    facts,
    catalog,
    tools,
    ports,
    executionId,
  );
  if (unknown) throw unknownNow(gate.reasons.map(({ reason }) => reason).join("; "));
  if (gate.kind === "refused") return gate;
  if (mode === "observe") return onlyObserved(gate);
  const breaker = countsIn.length === 0 ? null : await ports.breakers.holding(questionOf(plan, alert));
  if (breaker !== null) return refusedByBreaker(breaker);
  for (const limit of limits) {
    const { keys, perSeconds, parts = [] } = limit;
    const asked = { perSeconds, before: executionId };
    const taken = await ports.alerts.takenOut(
      parts.map(({ key }) => key),
      asked,
    );
    const reason = limitReached(limit, await ports.alerts.usage(keys, asked), taken);
    if (reason !== null) return refusedByLimit(limit, reason);
  }
  return gate;
}

/** What was allowed is not refused for good by one answer that did not come. */
function unknownNow(why: string): Problem {
  return new Problem("API_UNREACHABLE", `the plan cannot be weighed again now: ${why}`, { retryable: true });
}

function refusedByBreaker(breaker: Breaker): Gate {
  return {
    kind: "refused",
    reasons: [{ rule: "built-in/breaker", effect: "deny", reason: stoppedText(breaker) }],
  };
}

function onlyObserved({ reasons }: Gate): Gate {
  const observed = reasons.filter(({ effect }) => effect === "observe");
  const reason = "what it touches is only observed now";
  const live = { rule: "built-in/live", effect: "observe", reason } as const;
  return { kind: "refused", reasons: observed.length > 0 ? observed : [live] };
}

function withoutSelf(history: Facts["history"], executionId: string): Facts["history"] {
  if (!history.available) return history;
  const attempts = history.value.attempts.filter((attempt) => attempt.executionId !== executionId);
  return { available: true, value: { attempts } };
}
