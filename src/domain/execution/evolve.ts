// Folds events into the state of an execution. Total on every event of every phase that can be stored; decides nothing.
import type { AlertReference } from "../facts/alert.ts";
import type { Gate } from "../gate/gate.ts";
import { secondsBetween } from "../instant.ts";
import { everyStep } from "../planning/plan.ts";
import { unreachable } from "../problem.ts";
import type {
  CancelRequested,
  ExecutionEvent,
  ExecutionRequested,
  RecordedEvent,
  StepAdapted,
  StepFailed,
  StepStarted,
} from "./events.ts";
import {
  type Change,
  type Execution,
  finallyBegan,
  newExecution,
  newStep,
  type StepState,
} from "./execution.ts";

/** The state after one more event. `recorded.seq` must be `state.version + 1`. */
export function evolve(state: Execution, recorded: RecordedEvent): Execution {
  return { ...apply(state, recorded.event, recorded.at), version: recorded.seq };
}

export function fold(events: Iterable<RecordedEvent>): Execution {
  let state = newExecution;
  for (const recorded of events) state = evolve(state, recorded);
  return state;
}

function apply(state: Execution, event: ExecutionEvent, at: string): Execution {
  switch (event.type) {
    case "ExecutionRequested":
      return requested(state, event);
    case "Planned":
      return {
        ...state,
        plan: event.plan,
        previews: event.previews,
        steps: new Map(everyStep(event.plan).map((step) => [step.name, newStep])),
      };
    case "GateDecided":
      return state.claimed ? weighedAgain(state, event.gate, at) : withGate(state, event.gate, at);
    case "PlanEdited":
    case "HoldRequested":
    case "RepairPrepared":
    case "ApprovalRequested":
    case "ApproversAdded":
    case "ApprovalGranted":
    case "ApprovalLifted":
    case "ApprovalDenied":
    case "ApprovalExpired":
      return applyToApproval(state, event, at);
    case "AlertJoined":
      return withAlert(state, event.alert);
    case "AlertResolved":
      return { ...state, firing: state.firing.remove(`${event.cluster}/${event.fingerprint}`) };
    case "Claimed":
      return withClaim(state, at);
    case "CancelRequested":
    case "Paused":
    case "Resumed":
      return applyControl(state, event, at);
    case "FallbackChosen":
      return { ...state, phase: "running", fallbackAt: at, undoStartedAt: null, pausedSeconds: 0 };
    case "AssessmentMade":
      return { ...state, assessment: event };
    case "Ended":
      return {
        ...state,
        phase: "ended",
        outcome: event.outcome,
        endReason: event.reason,
        escalated: event.escalated,
        found: event.found ?? [],
      };
    case "UndoStarted":
    case "StepUndone":
    case "UndoFailed":
      return applyToUndo(state, event, at);
    default:
      return applyToStep(state, event, at);
  }
}

function requested(state: Execution, event: ExecutionRequested): Execution {
  const { alert, byHand = null, follows = null, incident, match, mode, revision, subject } = event;
  return { ...withAlert(state, alert), alert, byHand, follows, incident, match, mode, revision, subject };
}

function withGate(state: Execution, gate: Gate, at: string): Execution {
  // Another plan that people make of the one they were asked about has no more time, and keeps the demands in their places.
  const asked = state.phase === "awaiting_approval";
  return {
    ...state,
    gate,
    gateDecidedAt: asked ? state.gateDecidedAt : at,
    added: asked ? state.added : [],
    phase: gate.kind === "approval" ? "awaiting_approval" : "waiting",
  };
}

/** Where people were asked about the fallback, its time begins now. */
function withClaim(state: Execution, at: string): Execution {
  const fallbackAt = state.fallbackAt === null ? null : at;
  return { ...state, claimed: true, phase: "running", startedAt: at, fallbackAt, pausedSeconds: 0 };
}

type ControlEvent = Extract<ExecutionEvent, { type: "CancelRequested" | "Paused" | "Resumed" }>;

function applyControl(state: Execution, event: ControlEvent, at: string): Execution {
  switch (event.type) {
    case "CancelRequested":
      return withCancel(state, event);
    case "Paused":
      return { ...state, paused: { ...event, at: state.paused?.at ?? at } };
    case "Resumed":
      return { ...state, paused: null, pausedSeconds: state.pausedSeconds + standstill(state, at) };
    default:
      return unreachable(event);
  }
}

/** Of the time in which its steps could have started. A clock that jumps back takes nothing away. */
function standstill({ paused, startedAt, fallbackAt }: Execution, at: string): number {
  const began = fallbackAt ?? startedAt;
  if (paused === null || began === null) return 0;
  return Math.max(0, secondsBetween(paused.at > began ? paused.at : began, at));
}

/** A plan that nobody was asked about may still wait for people; whatever else got stricter ends it or its fallback. */
function weighedAgain(state: Execution, gate: Gate, at: string): Execution {
  const canAsk =
    gate.kind === "approval" && state.approval === null && state.lift === null && state.changes.length === 0;
  if (!canAsk) return { ...state, gateAgain: gate };
  return { ...withGate(state, gate, at), claimed: false, startedAt: null };
}

/** What has begun to end runs to its end, an undo too; of what might still begin after it, the fallback, nothing does. */
function withCancel(state: Execution, event: CancelRequested): Execution {
  const { by, reason, keep, revoked = false } = event;
  const undoing = state.phase === "undoing";
  const isLast = state.fallbackAt !== null || (state.plan?.fallback ?? null) === null;
  if (finallyBegan(state) || (undoing && isLast)) return state;
  // A person who cancels what is revoked already means at once.
  const before = state.cancel?.revoked === true && !revoked ? null : state.cancel;
  return { ...state, cancel: before ?? { by, reason, keep: keep && !undoing, revoked } };
}

type ApprovalEvent = Extract<
  ExecutionEvent,
  {
    type:
      | "PlanEdited"
      | "HoldRequested"
      | "RepairPrepared"
      | "ApprovalRequested"
      | "ApproversAdded"
      | "ApprovalGranted"
      | "ApprovalLifted"
      | "ApprovalDenied"
      | "ApprovalExpired";
  }
>;

function applyToApproval(state: Execution, event: ApprovalEvent, at: string): Execution {
  switch (event.type) {
    case "PlanEdited":
      return { ...state, edits: [...state.edits, { by: event.by, changes: event.changes }], approval: null };
    case "HoldRequested":
      return { ...state, holds: [...state.holds, `${event.by} ${event.at}`] };
    case "RepairPrepared":
      return { ...state, repair: { forStep: event.forStep, effect: event.effect } };
    case "ApprovalRequested":
      return { ...state, approval: { ...event, requestedAt: at } };
    case "ApproversAdded":
      return { ...state, added: [...state.added, ...event.added] };
    case "ApprovalGranted":
      return { ...state, approved: true, phase: "waiting" };
    case "ApprovalLifted":
      return { ...state, approved: true, lift: event, phase: "waiting" };
    case "ApprovalDenied":
    case "ApprovalExpired":
      return state;
    default:
      return unreachable(event);
  }
}

type StepEvent = Extract<
  ExecutionEvent,
  {
    type:
      | "StepStarted"
      | "StepSucceeded"
      | "StepFailed"
      | "StepSkipped"
      | "StepOutcomeUnknown"
      | "RetryScheduled"
      | "AlternativeChosen"
      | "StepAdapted";
  }
>;

type UndoEvent = Extract<ExecutionEvent, { type: "UndoStarted" | "StepUndone" | "UndoFailed" }>;

function applyToUndo(state: Execution, event: UndoEvent, at: string): Execution {
  const undoing = { ...state, phase: "undoing" as const, undoStartedAt: state.undoStartedAt ?? at };
  switch (event.type) {
    case "UndoStarted":
      return {
        ...undoing,
        changes: updateUndo(state, event, { undoStatus: "running", undoEffect: event.effect }),
      };
    case "StepUndone":
      return {
        ...undoing,
        changes: updateUndo(state, event, { undoStatus: "undone", undoNote: event.note }),
      };
    case "UndoFailed": {
      const undoStatus = event.retryable ? "retrying" : "failed";
      return {
        ...undoing,
        changes: updateUndo(state, event, { undoStatus, undoFailedAt: at, undoNote: event.message }),
      };
    }
    default:
      return unreachable(event);
  }
}

function applyToStep(state: Execution, event: StepEvent, at: string): Execution {
  const step = state.steps.get(event.step) ?? newStep;
  switch (event.type) {
    case "StepStarted":
      return {
        ...withStep(state, event.step, started(step, event, at)),
        changes: withChange(state, step, event),
      };
    case "StepSucceeded":
      return withStep(state, event.step, {
        ...step,
        status: "succeeded",
        output: event.output,
        failure: null,
        endedAt: at,
      });
    case "StepFailed":
      return {
        ...withStep(state, event.step, failed(step, event, at)),
        changes: event.changed ? state.changes : withoutAttempt(state.changes, event),
      };
    case "StepSkipped":
      return withStep(state, event.step, {
        ...step,
        status: "skipped",
        skipped: { reason: event.reason, byCondition: event.byCondition },
        endedAt: at,
        waitsFor: null,
      });
    case "StepOutcomeUnknown":
      return withStep(state, event.step, {
        ...step,
        status: "unknown",
        failure: {
          code: "API_OUTCOME_UNKNOWN",
          message: event.message,
          changed: true,
          retryable: false,
          retryAfterSeconds: null,
        },
        endedAt: at,
      });
    case "RetryScheduled":
      return withStep(state, event.step, { ...step, status: "retrying", retryAt: event.at });
    case "StepAdapted":
      return withStep(state, event.step, adapted(step, event));
    case "AlternativeChosen":
      return withStep(state, event.step, {
        ...step,
        status: "retrying",
        retryAt: at,
        alternative: event.alternative,
        tries: 0,
      });
    default:
      return unreachable(event);
  }
}

/** What came of an adapted parameter stands in the call of the step's start. */
function adapted(step: StepState, { what, from, to, reason }: StepAdapted): StepState {
  if (what === "start") return { ...step, waitsFor: reason };
  const text = `${what} ${JSON.stringify(from)} -> ${JSON.stringify(to)}: ${reason}`;
  return { ...step, adapted: [...step.adapted, text] };
}

function started(step: StepState, event: StepStarted, at: string): StepState {
  return {
    ...step,
    status: "running",
    attempt: event.attempt,
    tries: step.tries + 1,
    call: event.call,
    effect: event.effect,
    startedAt: step.startedAt ?? at,
    retryAt: null,
    waitsFor: null,
  };
}

/** A failure before StepStarted (nothing was sent) counts as a try all the same. */
function failed(step: StepState, event: StepFailed, at: string): StepState {
  const { code, message, changed, retryable, retryAfterSeconds } = event;
  return {
    ...step,
    status: "failed",
    tries: event.attempt > step.attempt ? step.tries + 1 : step.tries,
    attempt: event.attempt,
    failure: { code, message, changed, retryable, retryAfterSeconds },
    startedAt: step.startedAt ?? at,
    endedAt: at,
    waitsFor: null,
  };
}

function withStep(state: Execution, name: string, step: StepState): Execution {
  return { ...state, steps: new Map(state.steps).set(name, step) };
}

function withChange(state: Execution, step: StepState, event: StepStarted): readonly Change[] {
  if (event.effect === null) return state.changes;
  const steps = state.plan === null ? [] : everyStep(state.plan);
  const planned = steps.find((candidate) => candidate.name === event.step);
  const undo = step.alternative < 0 ? planned?.undo : planned?.alternatives[step.alternative]?.undo;
  const change: Change = {
    step: event.step,
    attempt: event.attempt,
    call: event.call,
    effect: event.effect,
    undo: undo ?? { how: "restore" },
    undoStatus: "none",
    undoAttempt: 0,
    undoEffect: null,
    undoFailedAt: null,
    undoNote: null,
  };
  return [...state.changes, change];
}

function withoutAttempt(
  changes: readonly Change[],
  event: { step: string; attempt: number },
): readonly Change[] {
  return changes.filter((change) => change.step !== event.step || change.attempt !== event.attempt);
}

/** Undos go backwards: the one an event speaks of is the last change of its step that is not undone. */
function updateUndo(
  state: Execution,
  event: { step: string; attempt: number },
  update: Partial<Change>,
): readonly Change[] {
  const index = state.changes.findLastIndex(
    (change) =>
      change.step === event.step && change.undoStatus !== "undone" && change.undoStatus !== "failed",
  );
  return state.changes.map((change, at) =>
    at === index ? { ...change, undoAttempt: event.attempt, ...update } : change,
  );
}

function withAlert(state: Execution, alert: AlertReference): Execution {
  const key = `${alert.cluster}/${alert.fingerprint}`;
  const { alerts, firing } = state;
  return { ...state, firing: firing.add(key), alerts: alerts.has(key) ? alerts : alerts.set(key, alert) };
}
