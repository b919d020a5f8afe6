// What events say in numbers: the one place where executions, steps, approvals, assessments and rollbacks are counted.
// Called where events have become durable, with the state before them.
import type { ExecutionEvent, RecordedEvent } from "../domain/execution/events.ts";
import { evolve } from "../domain/execution/evolve.ts";
import { type Execution, newExecution } from "../domain/execution/execution.ts";
import { secondsBetween } from "../domain/instant.ts";
import type { Metrics } from "./metrics.ts";
import type { FiringDecision } from "./ports.ts";

export function countEvents(before: Execution, events: readonly RecordedEvent[], metrics: Metrics): void {
  if (events.length === 0) return;
  metrics.count("events_appended_total", {}, events.length);
  let state = before;
  for (const recorded of events) {
    const after = evolve(state, recorded);
    countEvent(state, after, recorded, metrics);
    state = after;
  }
}

function countEvent(
  before: Execution,
  after: Execution,
  { at, event }: RecordedEvent,
  metrics: Metrics,
): void {
  const template = after.match?.template ?? "";
  switch (event.type) {
    case "ExecutionRequested":
      metrics.count("matches_total", { policy: policyOf(event.match.rule), template });
      break;
    case "StepSucceeded":
    case "StepFailed":
    case "StepOutcomeUnknown":
      countAttempt(before, event, at, metrics);
      break;
    case "ApprovalGranted":
    case "ApprovalLifted":
    case "ApprovalDenied":
    case "ApprovalExpired":
      countApproval(before, event, at, metrics);
      break;
    case "Ended":
      metrics.count("executions_total", { template, outcome: event.outcome });
      if (before.undoStartedAt !== null) metrics.count("rollbacks_total", { result: undone(before) });
      break;
    case "FallbackChosen":
      if (before.undoStartedAt !== null) metrics.count("rollbacks_total", { result: undone(before) });
      break;
    case "AssessmentMade":
      metrics.count("assessments_total", { template, verdict: event.verdict });
      if (event.verdict !== "inconclusive")
        metrics.observe("assessment_score", event.verdict === "effective" ? 1 : 0, { template });
      break;
    default:
  }
}

type AttemptEnd = Extract<ExecutionEvent, { type: "StepSucceeded" | "StepFailed" | "StepOutcomeUnknown" }>;
const results = { StepSucceeded: "succeeded", StepFailed: "failed", StepOutcomeUnknown: "unknown" } as const;

/** A step that failed before it had started (its precondition) has no call of its own yet. */
function countAttempt(before: Execution, event: AttemptEnd, at: string, metrics: Metrics): void {
  const step = before.steps.get(event.step);
  const planned = before.plan?.steps.find(({ name }) => name === event.step);
  const action = step?.call?.action ?? planned?.call.action ?? "";
  metrics.count("step_attempts_total", { action, result: results[event.type] });
  if (step?.status === "running" && step.startedAt !== null)
    metrics.observe("step_duration_seconds", secondsBetween(step.startedAt, at), { action });
}

const decisions = {
  ApprovalGranted: "granted",
  ApprovalLifted: "lifted",
  ApprovalDenied: "denied",
  ApprovalExpired: "expired",
} as const;

function countApproval(
  { approval }: Execution,
  { type }: { readonly type: keyof typeof decisions },
  at: string,
  metrics: Metrics,
): void {
  metrics.count("approvals_total", { decision: decisions[type] });
  if (approval !== null)
    metrics.observe("approval_wait_seconds", secondsBetween(approval.requestedAt, at), {});
}

/** Whether everything that was to be taken back was. */
function undone({ changes }: Execution): string {
  return changes.every(({ undoStatus }) => undoStatus === "undone") ? "complete" : "incomplete";
}

/** `policy/rule` -> the policy. */
function policyOf(rule: string): string {
  return rule.split("/", 1)[0] ?? rule;
}

/** A decision that starts nothing is a suppressed alert; one that does leaves its first events. */
export function countDecision(decision: FiringDecision, metrics: Metrics): void {
  if (decision.kind === "execution") countEvents(newExecution, decision.events, metrics);
  else metrics.count("alerts_suppressed_total", { reason: decision.kind });
}
