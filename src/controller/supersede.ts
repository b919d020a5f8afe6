// While people are asked about a plan, a worse alert of the same target may have a remedy that needs nobody's approval: then the
// request gives way. Its owner closes it and ends the execution, as it ends any other; the firing is decided again after that.
// Each half is durable by itself, so that a crash between them only delays. Every other firing joins.
import { fold } from "../domain/execution/evolve.ts";
import type { Execution } from "../domain/execution/execution.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { asBadOrWorse, severityRank } from "../domain/intake/severity.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { selectTemplate } from "../domain/policies/select-template.ts";
import type { Chosen, DecisionPorts } from "./decision-ports.ts";
import type { DueFiring, FiringDecision } from "./ports.ts";

const longestRetrySeconds = 60;

/** @param decide makes the plan of the firing. @returns null: it joins */
export async function supersede(
  { alert, undecidedCount }: DueFiring,
  running: string,
  facts: Facts,
  catalog: Catalog,
  decide: (selection: Chosen) => Promise<FiringDecision>,
  { alerts, executions }: DecisionPorts,
): Promise<FiringDecision | null> {
  // Most of a storm is no worse than what is there: one row says so, instead of all that has joined before.
  const { severity } = alert;
  if (severityRank(severity) === 0 || (await alerts.hasFiringOf(running, asBadOrWorse(severity))))
    return null;
  const state = fold(await executions.events(running));
  if (!givesWay(state) || severityRank(severity) <= worst(state)) return null;
  const selection = await selectTemplate(facts, catalog);
  if (selection.kind !== "match") return null;
  const decision = await decide({ ...selection, again: running });
  if (!startsAtOnce(decision)) return null;
  const reason = `${alert.name} (${alert.severity}) has a remedy that needs no approval: ${selection.template}`;
  const retrySeconds = Math.min(2 ** Math.min(undecidedCount, 10), longestRetrySeconds);
  return {
    kind: "superseding",
    revision: catalog.revision,
    executionId: running,
    reasons: [reason],
    retrySeconds,
  };
}

function givesWay({ phase, approved, cancel }: Execution): boolean {
  return phase === "awaiting_approval" && !approved && cancel === null;
}

function worst({ alerts }: Execution): number {
  return alerts.valueSeq().reduce((most, { severity }) => Math.max(most, severityRank(severity)), 0);
}

function startsAtOnce(decision: FiringDecision): boolean {
  if (decision.kind !== "execution" || decision.claimKey === null || decision.notice !== undefined)
    return false;
  const gate = decision.events.find(({ event }) => event.type === "GateDecided")?.event;
  return gate?.type === "GateDecided" && gate.gate.kind === "open";
}
