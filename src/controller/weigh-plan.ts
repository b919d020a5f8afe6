// The gate of a plan: guards of the catalog and built-in rules, under the facts of now. Weighed when the plan is made, and
// once more directly before its first change and before its fallback.
import type { ActionTools } from "../actions/action.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { Gate, Mode } from "../domain/gate/gate.ts";
import { weighGate } from "../domain/gate/weigh-gate.ts";
import type { Plan } from "../domain/planning/plan.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { evaluateGuards } from "../domain/policies/evaluate-guards.ts";
import { factsNeeded } from "../domain/policies/facts-needed.ts";
import { Problem } from "../domain/problem.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import { gatherFacts } from "./gather-facts.ts";
import { findProtection } from "./protection.ts";

/** @throws Problem API_*: what it touches cannot be read, so it is not changed */
export async function weighPlan(
  plan: Plan,
  facts: Facts,
  catalog: Catalog,
  tools: ActionTools,
  ports: DecisionPorts,
): Promise<{ readonly gate: Gate; readonly mode: Mode }> {
  const verdicts = await evaluateGuards(catalog, facts, plan);
  const touched = plan.target === null ? plan.touches.objects : [...plan.touches.objects, plan.target];
  const problem = await findProtection(touched, tools, ports);
  const protection = problem === null ? [] : [problem.message];
  const ownedByOperator = facts.target.available && facts.target.value?.managedBy === "operator";
  return weighGate(plan, verdicts, { live: ports.live, ownedByOperator, protection });
}

/**
 * What may not run live any more is refused. The execution itself counts as no earlier attempt.
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
  const gathered = await gatherFacts(alert, factsNeeded(alert.name, catalog), tools, ports);
  const facts = { ...gathered, history: withoutSelf(gathered.history, executionId) };
  const { gate, mode } = await weighPlan(plan, facts, catalog, tools, ports);
  if (mode === "live" || gate.kind === "refused") return gate;
  const reason = "what it touches is only observed now";
  return { kind: "refused", reasons: [{ rule: "built-in/live", effect: "observe", reason }] };
}

function withoutSelf(history: Facts["history"], executionId: string): Facts["history"] {
  if (!history.available) return history;
  const attempts = history.value.attempts.filter((attempt) => attempt.executionId !== executionId);
  return { available: true, value: { attempts } };
}
