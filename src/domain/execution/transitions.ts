// Which event may come in which phase: the closed table that docs/reference/executions.md shows. Checked before an event is
// stored; what is stored is folded as it is.
import { Problem } from "../problem.ts";
import type { ExecutionEvent, Phase } from "./events.ts";

type EventType = ExecutionEvent["type"];

const live = ["awaiting_approval", "waiting", "running", "undoing"] as const;
/** `finally` may follow an undo; an observing execution reads without a claim. Nothing is changed before a claim. */
const stepPhases = live;
const undoPhases = ["running", "undoing"] as const;

export const legalPhases: Readonly<Record<EventType, readonly Phase[]>> = {
  ExecutionRequested: ["planning"],
  Planned: ["planning", "awaiting_approval"],
  GateDecided: ["planning", "awaiting_approval", "running", "undoing"],
  PlanEdited: ["awaiting_approval"],
  HoldRequested: ["awaiting_approval"],
  RepairPrepared: ["awaiting_approval"],
  ApprovalRequested: ["awaiting_approval"],
  ApproversAdded: ["awaiting_approval"],
  ApprovalGranted: ["awaiting_approval"],
  ApprovalDenied: ["awaiting_approval"],
  ApprovalLifted: ["awaiting_approval"],
  ApprovalExpired: ["awaiting_approval"],
  AlertJoined: live,
  AlertResolved: live,
  Claimed: ["waiting"],
  StepStarted: stepPhases,
  StepSucceeded: stepPhases,
  StepFailed: stepPhases,
  StepSkipped: stepPhases,
  StepOutcomeUnknown: stepPhases,
  RetryScheduled: stepPhases,
  AlternativeChosen: stepPhases,
  StepAdapted: stepPhases,
  UndoStarted: undoPhases,
  StepUndone: undoPhases,
  UndoFailed: undoPhases,
  FallbackChosen: undoPhases,
  Paused: live,
  Resumed: live,
  CancelRequested: live,
  Ended: live,
  AssessmentMade: ["ended"],
};

/** @throws Problem INTERNAL: the event would make a stream that nobody can read */
export function assertLegal(phase: Phase, event: ExecutionEvent): void {
  const { type } = event;
  const phasesOf = type === "StepStarted" && event.effect !== null ? undoPhases : legalPhases[type];
  if (phasesOf.includes(phase)) return;
  throw new Problem("INTERNAL", `${type} may not follow in the phase ${phase}`);
}
