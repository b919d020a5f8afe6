// Decides what an execution needs next, from its state alone. Pure; the driver (controller/drive-execution.ts) does it.
// The order of the questions is the order of the engine: ended? cancelled? approved? claimed? failed? then steps.

import type { Gate } from "../gate/gate.ts";
import { nextTimes } from "../gate/next-approvers.ts";
import { plusSeconds } from "../instant.ts";
import type { Plan, PlannedStep } from "../planning/plan.ts";
import { escalationName } from "../templates/escalation.ts";
import { chooseSteps, longestWayFirst } from "./choose-steps.ts";
import type { ExecutionEvent } from "./events.ts";
import {
  type Change,
  type Execution,
  finallyBegan,
  finallySteps,
  newStep,
  planInUse,
  stateOf,
} from "./execution.ts";
import { finish } from "./finish.ts";
import { lapsedLift, untilLapse } from "./lapsed-lift.ts";
import { changesAhead, isReadyToObserve } from "./observe.ts";
import { type End, endEvent, ended, type Work } from "./work.ts";

const endOfTime = "9999-12-31T23:59:59.999Z";

/** An undo is given up after this long: then people finish by hand. */
export const undoBudgetSeconds = 600;
const undoBackoffSeconds = [1, 2, 5, 10, 30];

/** `busy`: steps (or, while undoing, the step being undone) that the driver is at. `now`: ISO 8601, UTC. */
export function nextWork(state: Execution, busy: ReadonlySet<string>, now: string): readonly Work[] {
  const { plan, gate } = state;
  if (state.phase === "ended" || plan === null || gate === null) return [];
  if (state.mode === "observe") return observe(state, plan, busy, now);
  if (gate.kind === "refused") return [refused(gate, state)];
  if (!hasStarted(state) || !state.claimed) {
    const end = endBeforeStart(state);
    if (end !== null) return [end];
  }
  if (gate.kind === "approval" && !state.approved) return awaitApproval(state, gate, now);
  if (!state.claimed) {
    const unused = lapsedLift(state, now);
    if (unused !== null) return [{ type: "record", events: [endEvent(unused)] }];
    return [whilePaused(state) ?? { type: "claim" }, ...untilLapse(state, now)];
  }
  return [...run(state, plan, busy, now), ...untilLapse(state, now)];
}

/**
 * What belongs to somebody else (Argo CD, an operator), or was left in place and is not taken back, is for people: nobody will
 * try again with more luck.
 */
function refused({ reasons }: Gate, { follows }: Execution): Work {
  const theirs = reasons.some(({ rule }) => rule === "built-in/managed");
  return ended("refused", reasons.map(({ reason }) => reason).join("; "), theirs || follows !== null);
}

function hasStarted(state: Execution): boolean {
  return [...state.steps.values()].some((step) => step.status !== "pending");
}

function whilePaused({ paused }: Execution): Work | null {
  return paused === null ? null : { type: "paused", until: paused.until };
}

function endBeforeStart(state: Execution): Work | null {
  if (state.cancel !== null)
    return ended(
      "cancelled",
      `cancelled by ${state.cancel.by}: ${state.cancel.reason}`,
      state.cancel.revoked,
    );
  if (state.firing.size === 0) return ended("cancelled", "every alert was resolved before the first step");
  return null;
}

/** Its time runs from the gate's decision, also while the forge is away. */
function awaitApproval(
  { approval, added, gateDecidedAt }: Execution,
  { demands, expiresSeconds }: Extract<Gate, { kind: "approval" }>,
  now: string,
): readonly Work[] {
  const since = gateDecidedAt ?? now;
  const expiresAt = approval?.expiresAt ?? plusSeconds(since, expiresSeconds);
  const nextAt = nextTimes(demands, { added, since });
  if (now < expiresAt)
    return [approval === null ? { type: "ask-approval" } : { type: "await-approval", expiresAt, nextAt }];
  return [
    {
      type: "record",
      events: [
        { type: "ApprovalExpired" },
        endEvent({ outcome: "expired", reason: "nobody approved it in time", escalated: true }),
      ],
    },
  ];
}

function run(state: Execution, plan: Plan, busy: ReadonlySet<string>, now: string): readonly Work[] {
  const resumed = resumable(state, plan, busy);
  if (resumed.length > 0) return resumed;
  const next = nextOfSteps(state, plan, busy, now);
  return "outcome" in next ? finish(state, plan, next, busy, now) : next;
}

/** The work of the steps and of their undo; once there is none, how it ends. */
function nextOfSteps(
  state: Execution,
  plan: Plan,
  busy: ReadonlySet<string>,
  now: string,
): readonly Work[] | End {
  const inUse = planInUse(state, plan);
  const atEnd = finallyBegan(state) || finallySteps(state, plan).some(({ name }) => busy.has(name));
  // Once `finally` has begun, how it ends is settled: no clock that jumps back may start a step again.
  const stop = whyStop(state, inUse, atEnd ? endOfTime : now);
  if (stop === null) return atEnd ? endOfSteps(state, inUse) : runSteps(state, inUse, busy, now);
  if (busy.size > 0 && !atEnd)
    return stop.abort === null || state.phase === "undoing" ? [] : [{ type: "abort", code: stop.abort }];
  const next = stop.undo ? goBack(state, plan, stop, now) : stop;
  // A cancel may have come while `finally` was about to begin: what it asks for waits until nothing else runs.
  return "outcome" in next || busy.size === 0 ? next : [];
}

function resumable(state: Execution, plan: Plan, busy: ReadonlySet<string>): readonly Work[] {
  const change = state.changes.find(({ undoStatus, step }) => undoStatus === "running" && !busy.has(step));
  if (change !== undefined) return [{ type: "resume-undo", change }];
  return [...planInUse(state, plan).steps, ...finallySteps(state, plan)].flatMap((step): Work[] => {
    const stepState = stateOf(state, step);
    return stepState.status === "running" && !busy.has(step.name)
      ? [{ type: "resume", step, state: stepState }]
      : [];
  });
}

interface Stop extends End {
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
    const { by, reason, keep, revoked } = state.cancel;
    return {
      outcome: "cancelled",
      reason: `cancelled by ${by}: ${reason}`,
      escalated: revoked,
      undo: !keep,
      abort: revoked ? null : "CANCELLED",
    };
  }
  if (state.phase === "undoing" || (now >= deadline(state, plan) && !allDone(state, plan))) {
    const reason = `not finished within ${plan.timeoutSeconds} s`;
    return { outcome: "failed", reason, escalated: true, undo: true, abort: "EXECUTION_TIMEOUT" };
  }
  const unused = lapsedLift(state, now);
  if (unused !== null) return { ...unused, undo: false, abort: null };
  return state.gateAgain === null || state.changes.length > 0 ? null : closedAgain(state.gateAgain);
}

/** The guards got stricter before anything was changed. */
function closedAgain({ kind, reasons }: Gate): Stop {
  const why = reasons.map(({ reason }) => reason).join("; ");
  const rest = { escalated: true, undo: false, abort: null };
  return kind === "refused"
    ? { outcome: "refused", reason: why, ...rest }
    : {
        outcome: "outdated",
        reason: `more approval is needed now than when it was asked for: ${why}`,
        ...rest,
      };
}

function runSteps(
  state: Execution,
  plan: Plan,
  busy: ReadonlySet<string>,
  now: string,
): readonly Work[] | End {
  const skips = plan.steps.flatMap((step) => skipOf(state, plan, step));
  if (skips.length > 0) return [{ type: "record", events: skips }];
  const ready = plan.steps.filter((step) => !busy.has(step.name) && isReady(state, plan, step));
  const paused = whilePaused(state);
  if (paused !== null && ready.length > 0) return [paused];
  const due = longestWayFirst(
    plan,
    ready.filter((step) => (stateOf(state, step).retryAt ?? now) <= now),
  );
  const work = chooseSteps(state, plan, busy, firstChangeAlone(state, plan, busy, due)).map(
    (step): Work => ({ type: "start", step, state: stateOf(state, step) }),
  );
  if (work.length === 0 && busy.size === 0 && ready.length === 0) return endOfSteps(state, plan);
  const wakeUps = ready.flatMap((step) => stateOf(state, step).retryAt ?? []);
  return [
    ...work,
    { type: "wait", until: [deadline(state, plan), ...wakeUps.filter((at) => at > now)].reduce(earlier) },
  ];
}

/**
 * The guards are weighed once more directly before the first change. While one step is at that, no other that changes something
 * starts: it might change it after the first has been told to wait for people.
 */
function firstChangeAlone(
  state: Execution,
  plan: Plan,
  busy: ReadonlySet<string>,
  due: readonly PlannedStep[],
): readonly PlannedStep[] {
  if (state.changes.length > 0) return due;
  const underWay = plan.steps.some(({ changes, name }) => changes && busy.has(name));
  const first = underWay ? undefined : due.find(({ changes }) => changes);
  return due.filter((step) => !step.changes || step === first);
}

function endOfSteps(state: Execution, plan: Plan): End {
  const failed = plan.steps.filter((step) => stateOf(state, step).status === "failed");
  if (failed.length > 0) {
    const names = failed.map((step) => step.name).join(", ");
    return { outcome: "partly", reason: `failed, and the template goes on: ${names}`, escalated: true };
  }
  return plan.template.name === escalationName
    ? { outcome: "succeeded", reason: "people were told", escalated: true }
    : { outcome: "succeeded", reason: "every step succeeded", escalated: false };
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
function goBack(state: Execution, plan: Plan, stop: Stop, now: string): readonly Work[] | End {
  const kept = new Set(finallySteps(state, plan).map(({ name }) => name));
  const changes = state.changes.filter(({ step }) => !kept.has(step));
  const change = changes.findLast(({ undoStatus }) => undoStatus === "none" || undoStatus === "retrying");
  if (change === undefined) return endOfUndo(changes, stop);
  if (change.undoStatus === "none") return [{ type: "undo", change }];
  const backoff = undoBackoffSeconds[Math.min(change.undoAttempt, undoBackoffSeconds.length) - 1] ?? 1;
  const retryAt = plusSeconds(change.undoFailedAt ?? now, backoff);
  return retryAt <= now ? [{ type: "undo", change }] : [{ type: "wait", until: retryAt }];
}

function endOfUndo(changes: readonly Change[], stop: Stop): End {
  const failed = changes.filter(({ undoStatus }) => undoStatus === "failed");
  if (failed.length > 0) {
    const steps = failed.map(({ step }) => step).join(", ");
    const reason = `${stop.reason}; not undone: ${steps}`;
    return { outcome: "rollback_incomplete", reason, escalated: true };
  }
  if (stop.outcome !== "failed" || changes.length === 0) return stop;
  return { outcome: "rolled_back", reason: stop.reason, escalated: true };
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

function allDone(state: Execution, plan: Plan): boolean {
  return plan.steps.every((step) => ["succeeded", "failed", "skipped"].includes(stateOf(state, step).status));
}

function deadline(state: Execution, plan: Plan): string {
  const began = state.fallbackAt ?? state.startedAt;
  return began === null || state.paused !== null
    ? endOfTime
    : plusSeconds(began, plan.timeoutSeconds + state.pausedSeconds);
}

function earlier(left: string, right: string): string {
  return left < right ? left : right;
}
