// Decides what an execution needs next, from its state alone. Pure; the driver (controller/drive-execution.ts) does it.
// The order of the questions is the order of the engine: ended? cancelled? approved? claimed? failed? then steps.
import { plusSeconds } from "../instant.ts";
import type { Plan, PlannedStep } from "../planning/plan.ts";
import { escalationName } from "../templates/escalation.ts";
import type { ExecutionEvent, Outcome } from "./events.ts";
import type { Change, Execution, StepState } from "./execution.ts";
import { newStep } from "./execution.ts";
import { changesAhead, isReadyToObserve } from "./observe.ts";

/** An undo is given up after this long: then people finish by hand. */
export const undoBudgetSeconds = 600;
const undoBackoffSeconds = [1, 2, 5, 10, 30];

export type Work =
  /** Append these: they follow from the state, nothing needs to be done in the world. */
  | { readonly type: "record"; readonly events: readonly ExecutionEvent[] }
  | { readonly type: "ask-approval" }
  | { readonly type: "await-approval"; readonly expiresAt: string }
  | { readonly type: "claim" }
  | { readonly type: "start"; readonly step: PlannedStep; readonly state: StepState }
  /** StepStarted is recorded, its outcome is not, and nobody is at it: find out what happened before anything else. */
  | { readonly type: "resume"; readonly step: PlannedStep; readonly state: StepState }
  | { readonly type: "undo"; readonly change: Change }
  | { readonly type: "resume-undo"; readonly change: Change }
  /** Running attempts have to stop: the driver aborts them and records what came of each. */
  | { readonly type: "abort"; readonly code: "EXECUTION_TIMEOUT" | "CANCELLED" }
  | { readonly type: "wait"; readonly until: string };

/** `busy`: steps (or, while undoing, the step being undone) that the driver is at. `now`: ISO 8601, UTC. */
export function nextWork(state: Execution, busy: ReadonlySet<string>, now: string): readonly Work[] {
  const { plan, gate } = state;
  if (state.phase === "ended" || plan === null || gate === null) return [];
  if (state.mode === "observe") return observe(state, plan, busy, now);
  if (gate.kind === "refused")
    return [ended("refused", gate.reasons.map((reason) => reason.reason).join("; "))];
  if (!hasStarted(state)) {
    const end = endBeforeStart(state);
    if (end !== null) return [end];
  }
  if (gate.kind === "approval" && !state.approved) return awaitApproval(state, now);
  if (!state.claimed) return [{ type: "claim" }];
  return run(state, plan, busy, now);
}

function hasStarted(state: Execution): boolean {
  return [...state.steps.values()].some((step) => step.status !== "pending");
}

function endBeforeStart(state: Execution): Work | null {
  if (state.cancel !== null)
    return ended("cancelled", `cancelled by ${state.cancel.by}: ${state.cancel.reason}`);
  if (state.firing.size === 0) return ended("cancelled", "every alert was resolved before the first step");
  return null;
}

function awaitApproval(state: Execution, now: string): readonly Work[] {
  if (state.approval === null) return [{ type: "ask-approval" }];
  const { expiresAt } = state.approval;
  if (now < expiresAt) return [{ type: "await-approval", expiresAt }];
  return [
    {
      type: "record",
      events: [{ type: "ApprovalExpired" }, end("expired", "nobody approved it in time", true)],
    },
  ];
}

function run(state: Execution, plan: Plan, busy: ReadonlySet<string>, now: string): readonly Work[] {
  const resumed = resumable(state, plan, busy);
  if (resumed.length > 0) return resumed;
  const stop = whyStop(state, plan, now);
  if (stop === null) return runSteps(state, plan, busy, now);
  if (busy.size > 0)
    return stop.abort === null || state.phase === "undoing" ? [] : [{ type: "abort", code: stop.abort }];
  if (stop.undo) return goBack(state, stop, now);
  return [ended(stop.outcome, stop.reason, stop.escalated)];
}

function resumable(state: Execution, plan: Plan, busy: ReadonlySet<string>): readonly Work[] {
  if (state.phase === "undoing") {
    const change = state.changes.find(({ undoStatus, step }) => undoStatus === "running" && !busy.has(step));
    return change === undefined ? [] : [{ type: "resume-undo", change }];
  }
  return plan.steps.flatMap((step): Work[] => {
    const stepState = stateOf(state, step);
    return stepState.status === "running" && !busy.has(step.name)
      ? [{ type: "resume", step, state: stepState }]
      : [];
  });
}

interface Stop {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly escalated: boolean;
  readonly undo: boolean;
  readonly abort: "EXECUTION_TIMEOUT" | "CANCELLED" | null;
}

/** Why no new step may start; null: go on. An unknown outcome outweighs all: what is not known is not touched. */
function whyStop(state: Execution, plan: Plan, now: string): Stop | null {
  const unknown = plan.steps.find((step) => stateOf(state, step).status === "unknown");
  if (unknown !== undefined) {
    const reason = `nobody knows whether step ${unknown.name} happened: ${stateOf(state, unknown).failure?.message ?? ""}`;
    return { outcome: "unknown", reason, escalated: true, undo: false, abort: null };
  }
  const failed = plan.steps.find(
    (step) => stateOf(state, step).status === "failed" && step.onFailure !== "continue",
  );
  if (failed !== undefined && state.cancel === null) {
    const reason = `step ${failed.name} failed: ${stateOf(state, failed).failure?.message ?? ""}`;
    return { outcome: "failed", reason, escalated: true, undo: failed.onFailure === "rollback", abort: null };
  }
  if (state.cancel !== null) {
    const { by, reason, keep } = state.cancel;
    return {
      outcome: "cancelled",
      reason: `cancelled by ${by}: ${reason}`,
      escalated: false,
      undo: !keep,
      abort: "CANCELLED",
    };
  }
  if (state.phase === "undoing" || (now >= deadline(state, plan) && !allDone(state, plan))) {
    const reason = `not finished within ${plan.timeoutSeconds} s`;
    return { outcome: "failed", reason, escalated: true, undo: true, abort: "EXECUTION_TIMEOUT" };
  }
  return null;
}

function runSteps(state: Execution, plan: Plan, busy: ReadonlySet<string>, now: string): readonly Work[] {
  const skips = plan.steps.flatMap((step) => skipOf(state, plan, step));
  if (skips.length > 0) return [{ type: "record", events: skips }];
  const free = plan.maxParallel - busy.size;
  const ready = plan.steps.filter((step) => !busy.has(step.name) && isReady(state, plan, step));
  const due = ready.filter((step) => (stateOf(state, step).retryAt ?? now) <= now);
  const work: Work[] = due
    .slice(0, Math.max(0, free))
    .map((step) => ({ type: "start", step, state: stateOf(state, step) }));
  if (work.length === 0 && busy.size === 0 && ready.length === 0) return [endOfSteps(state, plan)];
  const wakeUps = ready.flatMap((step) => stateOf(state, step).retryAt ?? []);
  return [
    ...work,
    { type: "wait", until: [deadline(state, plan), ...wakeUps.filter((at) => at > now)].reduce(earlier) },
  ];
}

function endOfSteps(state: Execution, plan: Plan): Work {
  const failed = plan.steps.filter((step) => stateOf(state, step).status === "failed");
  if (failed.length === 0) {
    return plan.template.name === escalationName
      ? ended("succeeded", "people were told", true)
      : ended("succeeded", "every step succeeded");
  }
  return ended(
    "partly",
    `failed, and the template goes on: ${failed.map((step) => step.name).join(", ")}`,
    true,
  );
}

/** A step whose dependency failed, or was skipped for such a reason, is skipped too. */
function skipOf(state: Execution, plan: Plan, step: PlannedStep): readonly ExecutionEvent[] {
  if (stateOf(state, step).status !== "pending") return [];
  const blocking = step.dependsOn.find((name) => {
    const dependency = state.steps.get(name) ?? newStep;
    return (
      dependency.status === "failed" ||
      (dependency.status === "skipped" && dependency.skipped?.byCondition !== true)
    );
  });
  if (blocking === undefined) return [];
  return [
    { type: "StepSkipped", step: step.name, reason: `${blocking} did not succeed`, byCondition: false },
  ];
}

function isReady(state: Execution, plan: Plan, step: PlannedStep): boolean {
  const { status } = stateOf(state, step);
  if (status === "retrying") return true;
  if (status !== "pending") return false;
  return step.dependsOn.every((name) => {
    const dependency = state.steps.get(name) ?? newStep;
    return dependency.status === "succeeded" || dependency.skipped?.byCondition === true;
  });
}

/** Undoes the changes in reverse order of start, one at a time; a failed undo does not stop the others. */
function goBack(state: Execution, stop: Stop, now: string): readonly Work[] {
  const change = state.changes.findLast(
    ({ undoStatus }) => undoStatus === "none" || undoStatus === "retrying",
  );
  if (change === undefined) return [endOfUndo(state, stop)];
  if (change.undoStatus === "none") return [{ type: "undo", change }];
  const backoff = undoBackoffSeconds[Math.min(change.undoAttempt, undoBackoffSeconds.length) - 1] ?? 1;
  const retryAt = plusSeconds(change.undoFailedAt ?? now, backoff);
  return retryAt <= now ? [{ type: "undo", change }] : [{ type: "wait", until: retryAt }];
}

function endOfUndo(state: Execution, stop: Stop): Work {
  const failed = state.changes.filter(({ undoStatus }) => undoStatus === "failed");
  if (failed.length > 0) {
    const steps = failed.map(({ step }) => step).join(", ");
    return ended("rollback_incomplete", `${stop.reason}; not undone: ${steps}`, true);
  }
  if (stop.outcome === "failed" && state.changes.length > 0) return ended("rolled_back", stop.reason, true);
  return ended(stop.outcome, stop.reason, stop.escalated);
}

/** Observe runs read-only steps that no changing step comes before, then ends with the gate that it would have had. */
function observe(state: Execution, plan: Plan, busy: ReadonlySet<string>, now: string): readonly Work[] {
  if (state.cancel !== null && busy.size === 0)
    return [endBeforeStart(state) ?? ended("cancelled", "cancelled")];
  const resumed = resumable(state, plan, busy);
  if (resumed.length > 0) return resumed;
  const skips = plan.steps.filter(
    (step) => stateOf(state, step).status === "pending" && changesAhead(plan, step),
  );
  if (skips.length > 0) {
    const reason = "observe mode: nothing is changed";
    return [
      {
        type: "record",
        events: skips.map((step) => ({ type: "StepSkipped", step: step.name, reason, byCondition: false })),
      },
    ];
  }
  const ready = plan.steps.filter((step) => !busy.has(step.name) && isReadyToObserve(state, step));
  const due = ready.filter((step) => (stateOf(state, step).retryAt ?? now) <= now);
  if (ready.length === 0 && busy.size === 0) return [ended("observed", observedReason(state))];
  const wakeUps = ready.flatMap((step) => stateOf(state, step).retryAt ?? []).filter((at) => at > now);
  return [
    ...due
      .slice(0, plan.maxParallel)
      .map((step): Work => ({ type: "start", step, state: stateOf(state, step) })),
    ...wakeUps.map((until): Work => ({ type: "wait", until })),
  ];
}

function observedReason(state: Execution): string {
  switch (state.gate?.kind) {
    case "approval":
      return "observed only: live, it would have waited for approval";
    case "refused":
      return `observed only: live, it would have been refused: ${state.gate.reasons.map(({ reason }) => reason).join("; ")}`;
    default:
      return "observed only: live, it would have run";
  }
}

function stateOf(state: Execution, step: PlannedStep): StepState {
  return state.steps.get(step.name) ?? newStep;
}

function allDone(state: Execution, plan: Plan): boolean {
  return plan.steps.every((step) => ["succeeded", "failed", "skipped"].includes(stateOf(state, step).status));
}

function deadline(state: Execution, plan: Plan): string {
  return plusSeconds(state.startedAt ?? "9999-01-01T00:00:00.000Z", plan.timeoutSeconds);
}

function earlier(left: string, right: string): string {
  return left < right ? left : right;
}

function ended(outcome: Outcome, reason: string, escalated = false): Work {
  return { type: "record", events: [end(outcome, reason, escalated)] };
}

function end(outcome: Outcome, reason: string, escalated: boolean): ExecutionEvent {
  return { type: "Ended", outcome, reason, escalated };
}
