// When an incident is over, what a remedy left in place on purpose is taken back: by an execution of its own, whose plan the remedy's
// plan carried, under the approvals that this one got. What may not begin now waits; what has waited too long is told to people.
import { customActions } from "../actions/custom/custom-action.ts";
import { durationText } from "../domain/duration.ts";
import type { ExecutionEvent, RecordedEvent } from "../domain/execution/events.ts";
import { fold } from "../domain/execution/evolve.ts";
import type { Execution } from "../domain/execution/execution.ts";
import { followUpPlan, keepSecondsOf } from "../domain/execution/follow-up.ts";
import type { Alert } from "../domain/facts/alert.ts";
import { shortId } from "../domain/gate/approval-file.ts";
import type { Gate } from "../domain/gate/gate.ts";
import { isStricter } from "../domain/gate/is-stricter.ts";
import { gateAsMet } from "../domain/gate/next-approvers.ts";
import { pauseText, placesOf } from "../domain/gate/why-paused.ts";
import type { Plan } from "../domain/planning/plan.ts";
import { type Catalog, isRevoked, revokedText } from "../domain/policies/catalog.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { countDecision } from "./count-events.ts";
import type { DecisionPorts } from "./decision-ports.ts";
import type { Drives } from "./drives.ts";
import type { DueFollowUp, FollowUpStore } from "./follow-up-ports.ts";
import { findAction } from "./make-plan.ts";
import type { NewExecution } from "./new-execution.ts";
import { number } from "./session.ts";
import { weighNow } from "./weigh-plan.ts";

export type FollowUpPorts = DecisionPorts & { readonly followUps: FollowUpStore };

const takeLimit = 20;
const claimSeconds = 60;
/** Below the claim: nobody else begins it meanwhile. */
const weighMilliseconds = 20_000;
const lookAgainSeconds = 30;

/** One round: everything that is due, side by side. */
export async function startFollowUps(
  catalog: Catalog | null,
  drives: Pick<Drives, "start">,
  ports: FollowUpPorts,
): Promise<void> {
  if (catalog === null) return;
  const due = await ports.followUps.takeDue(takeLimit, claimSeconds);
  await Promise.all(
    due.map((one) =>
      followUp(one, catalog, drives, ports).catch((error: unknown) => {
        const { code, message } = toProblem(error);
        const fields = { executionId: one.executionId, code, reason: message };
        ports.log.error(fields, "what was left in place could not be taken back, trying again");
      }),
    ),
  );
}

async function followUp(
  due: DueFollowUp,
  catalog: Catalog,
  drives: Pick<Drives, "start">,
  ports: FollowUpPorts,
): Promise<void> {
  const past = await pastOf(due, ports);
  const never = due.expired ? keptTooLong(due, past) : whyNever(past, catalog, ports);
  const later = never === null ? await whyLater(due, past, catalog, ports) : null;
  if (later !== null) return putOff(due, later, ports);
  const gate = never === null ? past.gate : refusal(never, past, ports);
  const decision = decisionOf(due, past, gate, catalog, ports);
  await ports.faults.at("decision-before-commit");
  const started = await ports.followUps.start(due, past.alert.name, decision);
  await ports.faults.at("decision-after-commit");
  if (started.result === "busy") return putOff(due, `execution ${started.executionId} is under way`, ports);
  if (started.result !== "committed") return;
  const { executionId } = decision;
  countDecision(decision, ports.metrics);
  ports.log.info(
    { executionId, follows: due.executionId, reasons: decision.reasons },
    "a remedy is taken back",
  );
  drives.start({ id: executionId, epoch: 1 });
}

interface Past {
  readonly state: Execution;
  readonly alert: Alert;
  readonly gate: Gate;
  /** What takes it back. */
  readonly plan: Plan;
  /** The request and the answer that its own plan got. */
  readonly approval: readonly ExecutionEvent[];
}

async function pastOf(
  { executionId }: DueFollowUp,
  { executions, actions }: Pick<FollowUpPorts, "executions" | "actions">,
): Promise<Past> {
  const events = await executions.events(executionId);
  const state = fold(events);
  const { alert, gate } = state;
  if (alert === null || gate === null)
    throw new Problem("INTERNAL", `${executionId} ended without an alert or a gate`);
  const all = new Map([...actions, ...customActions(state.plan?.actions ?? [])]);
  const plan = followUpPlan(executionId, state, all);
  return { state, alert, gate, plan, approval: approvalIn(events) };
}

function approvalIn(events: readonly RecordedEvent[]): readonly ExecutionEvent[] {
  const granted = events.findLastIndex(({ event }) => event.type === "ApprovalGranted");
  if (granted < 0) return [];
  const before = events.slice(0, granted);
  const requested = before.findLastIndex(({ event }) => event.type === "ApprovalRequested");
  // Who was added in the meantime is part of what was met.
  const kept = before.filter(({ event }, index) => index === requested || event.type === "ApproversAdded");
  return [...kept, ...events.slice(granted, granted + 1)].map(({ event }) => event);
}

function keptTooLong({ problem }: DueFollowUp, { state, alert }: Past): string {
  const kept = durationText(keepSecondsOf(state) ?? 0);
  const why = problem ?? (state.byHand === null ? `${alert.name} is not over` : "no alert ends it");
  return `left in place for ${kept}, as long as its template keeps it: ${why}`;
}

/** What no waiting mends. */
function whyNever({ plan }: Past, catalog: Catalog, { clusters, actions }: FollowUpPorts): string | null {
  if (isRevoked(plan.template, catalog)) return revokedText(plan.template);
  const { cluster } = plan.target ?? {};
  if (cluster !== undefined && !clusters.names.includes(cluster))
    return `there is no cluster ${cluster} in the configuration any more`;
  const own = customActions(plan.actions ?? []);
  const missing = plan.touches.actions.find((name) => !actions.has(name) && !own.has(name));
  return missing === undefined ? null : `there is no action ${missing} in this version of gitmend`;
}

/** Paused, forbidden for now, stopped by a breaker, or not to be known: asked again until its time is over. */
async function whyLater(
  { executionId }: DueFollowUp,
  { alert, gate, plan, state }: Past,
  catalog: Catalog,
  ports: FollowUpPorts,
): Promise<string | null> {
  const pause = await ports.pauses.ask(placesOf(plan), null);
  if (pause !== null) return pauseText(pause);
  const tools = ports.clusters.tools(AbortSignal.timeout(weighMilliseconds), "");
  try {
    const now = await weighNow(executionId, alert, plan, catalog, tools, ports);
    return isStricter(gateAsMet(gate, state.added), now)
      ? now.reasons.map(({ reason }) => reason).join("; ")
      : null;
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "INTERNAL" || problem.code === "DATABASE_UNAVAILABLE") throw problem;
    return problem.message;
  }
}

async function putOff(due: DueFollowUp, problem: string, { followUps, log }: FollowUpPorts): Promise<void> {
  if (problem !== due.problem)
    log.info(
      { executionId: due.executionId, reason: problem },
      "what was left in place is not taken back yet",
    );
  await followUps.putOff(due, problem, lookAgainSeconds);
}

/** People do it instead: the reason says what. */
function refusal(why: string, { plan }: Past, { actions }: FollowUpPorts): Gate {
  const undone = plan.steps.map(({ name, call }) => `${name} (${summaryOf(call, plan, actions)})`).join(", ");
  return {
    kind: "refused",
    reasons: [{ rule: "built-in/when-resolved", effect: "deny", reason: `${why}; not done: ${undone}` }],
  };
}

function summaryOf(
  call: Plan["steps"][number]["call"],
  plan: Plan,
  actions: FollowUpPorts["actions"],
): string {
  try {
    const action = findAction(actions, call.action, plan);
    return action.changes ? action.preview(call.input) : call.action;
  } catch {
    return call.action;
  }
}

function decisionOf(
  { executionId: follows, incidentKey }: DueFollowUp,
  { state, alert, plan, approval }: Past,
  gate: Gate,
  { revision }: Catalog,
  { clock, ids }: FollowUpPorts,
): NewExecution {
  const reasons = [
    gate.kind === "refused"
      ? `what execution ${shortId(follows)} left in place stays`
      : `the incident of execution ${shortId(follows)} is over`,
  ];
  const { name: template } = plan.template;
  const first: readonly ExecutionEvent[] = [
    {
      type: "ExecutionRequested",
      incident: state.incident,
      // A firing of its own: the end of the other one is why it is here.
      alert: { ...alert, fingerprint: ids.next(), status: "firing", endsAt: null },
      subject: state.subject,
      match: { rule: "built-in/when-resolved", template, reasons, facts: {} },
      revision,
      mode: "live",
      follows,
    },
    { type: "Planned", plan, previews: [] },
    { type: "GateDecided", gate },
    ...(gate.kind === "approval" ? approval : []),
  ];
  const events = number(first, 0, clock.now());
  const { phase, outcome, escalated } = fold(events);
  return {
    kind: "execution",
    revision,
    reasons,
    executionId: ids.next(),
    incidentKey,
    incidentId: state.incident,
    claimKey: gate.kind === "refused" ? null : incidentKey,
    template,
    target: plan.target,
    mode: "live",
    cooldownSeconds: 0,
    limits: [],
    countsIn: [],
    breakers: null,
    rest: null,
    follows,
    events,
    projection: { phase, outcome, escalated },
  };
}
