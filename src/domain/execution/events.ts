// The closed lists of an execution: events, phases, outcomes. These words are the labels, trailers and columns everywhere.
// A stored event is never rewritten: a new shape gets a new version and an upcaster.
import type { Alert, AlertReference } from "../facts/alert.ts";
import type { ObjectRef, Subject } from "../facts/objects.ts";
import type { Pause } from "../facts/pause.ts";
import type { AddedApprovers, Approval, Gate, Mode, PlanEdit } from "../gate/gate.ts";
import type { Json, JsonObject } from "../json.ts";
import type { BranchEffect, Effect, FieldChange, Preview } from "../planning/effect.ts";
import type { ActionCall, Plan } from "../planning/plan.ts";
import type { ProblemCode } from "../problem.ts";

export const phases = ["planning", "awaiting_approval", "waiting", "running", "undoing", "ended"] as const;
export type Phase = (typeof phases)[number];

export const outcomes = [
  "succeeded",
  "partly",
  "failed",
  "rolled_back",
  "rollback_incomplete",
  "unknown",
  "cancelled",
  "refused",
  "rejected",
  "expired",
  "outdated",
  "superseded",
  "observed",
] as const;
export type Outcome = (typeof outcomes)[number];

/** Why this template: recorded with the execution, shown by `executions show`. */
export interface MatchRecord {
  readonly rule: string;
  readonly template: string;
  readonly reasons: readonly string[];
  /** The facts that rules read, as they were. */
  readonly facts: JsonObject;
}

/** A person's start counts as no approval of the same person. */
export interface ByHand {
  readonly by: string;
  readonly reason: string;
  /** The ended execution that is tried again, and the step from which on; left out: there is none. */
  readonly again?: Again;
}

export interface Again {
  readonly execution: string;
  /** null: as a whole. */
  readonly from: string | null;
}

export interface ExecutionRequested {
  readonly type: "ExecutionRequested";
  readonly incident: string;
  readonly alert: Alert;
  readonly subject: Subject | null;
  readonly match: MatchRecord;
  /** `main@sha1:<40 hex>`. */
  readonly revision: string;
  readonly mode: Mode;
  /** Who started it and why; left out when its alert did. */
  readonly byHand?: ByHand;
  /** The ended execution whose `when_resolved` it does; left out: none. */
  readonly follows?: string;
}
export interface Planned {
  readonly type: "Planned";
  readonly plan: Plan;
  readonly previews: readonly Preview[];
}
export interface GateDecided {
  readonly type: "GateDecided";
  readonly gate: Gate;
}
/** People changed parameters in the request for approval: the plan and the gate that follow are asked about instead. */
export interface PlanEdited extends PlanEdit {
  readonly type: "PlanEdited";
}
/** Somebody said `/gitmend hold` beside the request: it was paused for them, once for each time that they said it. */
export interface HoldRequested {
  readonly type: "HoldRequested";
  readonly by: string;
  /** ISO 8601, as the forge says. */
  readonly at: string;
}
/** What people are asked to merge, where the repair in Git is the approval: whoever asks again asks for the same commit. */
export interface RepairPrepared {
  readonly type: "RepairPrepared";
  /** The step whose effect it is. */
  readonly forStep: string;
  readonly effect: BranchEffect;
}
export interface ApprovalRequested {
  readonly type: "ApprovalRequested";
  readonly repository: string;
  readonly branch: string;
  readonly base: string;
  /** Commit that people approve. */
  readonly head: string;
  readonly expiresAt: string;
}
/** Nobody has decided in time: these may approve too, from now on, and are told. */
export interface ApproversAdded {
  readonly type: "ApproversAdded";
  readonly added: readonly AddedApprovers[];
}
export interface ApprovalGranted {
  readonly type: "ApprovalGranted";
  readonly approvals: readonly Approval[];
  /** The merge commit. */
  readonly commit: string;
}
export interface ApprovalDenied {
  readonly type: "ApprovalDenied";
  readonly by: string | null;
  readonly reason: string;
}
/** Break-glass: one of the emergency people has lifted the approvals that were missing, for this plan and until then. */
export interface ApprovalLifted {
  readonly type: "ApprovalLifted";
  readonly by: string;
  readonly reason: string;
  /** Digest of the plan that was signed for. */
  readonly digest: string;
  readonly at: string;
  readonly until: string;
  /** Armored SSH signature of the statement, so that whoever reads the record can check it again. */
  readonly signature: string;
}
export interface ApprovalExpired {
  readonly type: "ApprovalExpired";
}
export interface AlertJoined {
  readonly type: "AlertJoined";
  readonly alert: AlertReference;
}
export interface AlertResolved {
  readonly type: "AlertResolved";
  readonly cluster: string;
  readonly fingerprint: string;
  readonly endsAt: string;
}
export interface Claimed {
  readonly type: "Claimed";
  readonly keys: readonly string[];
}
/** Durable before the effect. `effect` is null for read-only actions. */
export interface StepStarted {
  readonly type: "StepStarted";
  readonly step: string;
  /** 1-based, counted over the step's action and its alternatives. */
  readonly attempt: number;
  readonly call: ActionCall;
  readonly effect: Effect | null;
}
export interface StepSucceeded {
  readonly type: "StepSucceeded";
  readonly step: string;
  readonly attempt: number;
  readonly output: Json;
}
export interface StepFailed {
  readonly type: "StepFailed";
  readonly step: string;
  readonly attempt: number;
  readonly code: ProblemCode;
  readonly message: string;
  /** The effect was made before the failure. */
  readonly changed: boolean;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | null;
}
export interface StepSkipped {
  readonly type: "StepSkipped";
  readonly step: string;
  readonly reason: string;
  /** Skipped by its own condition: what depends on it still runs. */
  readonly byCondition: boolean;
}
export interface StepOutcomeUnknown {
  readonly type: "StepOutcomeUnknown";
  readonly step: string;
  readonly attempt: number;
  readonly message: string;
}
export interface RetryScheduled {
  readonly type: "RetryScheduled";
  readonly step: string;
  /** The attempt to come. */
  readonly attempt: number;
  readonly at: string;
}
export interface AlternativeChosen {
  readonly type: "AlternativeChosen";
  readonly step: string;
  /** 0-based index into the step's alternatives. */
  readonly alternative: number;
  readonly action: string;
}
/** The engine went another way than the plan, within what the plan allows. Stands before the step's start, or with it. */
export interface StepAdapted {
  readonly type: "StepAdapted";
  readonly step: string;
  /** A parameter of the step; `start` when it has to wait for something outside of its plan. */
  readonly what: string;
  readonly from: Json;
  readonly to: Json;
  readonly reason: string;
}
/** Durable before the undo's effect. `effect` is null when the fields hold their old values already or nothing needs undoing. */
export interface UndoStarted {
  readonly type: "UndoStarted";
  readonly step: string;
  readonly attempt: number;
  readonly call: ActionCall | null;
  readonly effect: Effect | null;
}
export interface StepUndone {
  readonly type: "StepUndone";
  readonly step: string;
  readonly attempt: number;
  readonly note: string;
}
export interface UndoFailed {
  readonly type: "UndoFailed";
  readonly step: string;
  readonly attempt: number;
  readonly code: ProblemCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: JsonObject;
}
/** The steps have failed and are undone: the plan's fallback is tried, once. */
export interface FallbackChosen {
  readonly type: "FallbackChosen";
  readonly template: string;
  readonly reason: string;
}
/** No further step starts; what runs goes on, an undo too. Said again when who paused it, why or until when has changed. */
export interface Paused extends Pause {
  readonly type: "Paused";
}
export interface Resumed {
  readonly type: "Resumed";
  readonly by: string;
  readonly reason: string;
}
export interface CancelRequested {
  readonly type: "CancelRequested";
  readonly by: string;
  readonly reason: string;
  /** Leave what was done instead of undoing it. */
  readonly keep: boolean;
  /** Its template is revoked: the step that runs gets to its end, and people have to look at it. */
  readonly revoked?: true;
}
/** An object that was changed, as it was found when people were needed. */
export interface FoundObject {
  readonly object: ObjectRef;
  /** `replaced`: another one has its name. */
  readonly state: "there" | "gone" | "replaced" | "unread";
  /** Why it could not be read; null unless `unread`. */
  readonly problem: string | null;
  /** Each field that was written: `before` is what gitmend wrote last, `after` what was found. */
  readonly changes: readonly FieldChange[];
}
export interface Ended {
  readonly type: "Ended";
  readonly outcome: Outcome;
  readonly reason: string;
  /** People have to look at it. */
  readonly escalated: boolean;
  /** Left out where nothing was changed, or nobody has to look. */
  readonly found?: readonly FoundObject[];
}

export const verdicts = ["effective", "ineffective", "inconclusive"] as const;
export type Verdict = (typeof verdicts)[number];

/** One thing that was looked at. `supports`: it speaks for the remedy, against it, or says nothing. */
export interface AssessmentEvidence {
  readonly what: "alert" | "target" | "check";
  readonly finding: string;
  readonly supports: "effective" | "ineffective" | "nothing";
}

/** Did it help? The only event that may follow `Ended`; an inconclusive one may be followed by another. */
export interface AssessmentMade {
  readonly type: "AssessmentMade";
  readonly verdict: Verdict;
  /** 1-based. */
  readonly round: number;
  readonly evidence: readonly AssessmentEvidence[];
  /** ISO 8601; null: this one is final. */
  readonly again: string | null;
}

export type ExecutionEvent =
  | ExecutionRequested
  | Planned
  | GateDecided
  | PlanEdited
  | HoldRequested
  | RepairPrepared
  | ApprovalRequested
  | ApproversAdded
  | ApprovalGranted
  | ApprovalDenied
  | ApprovalLifted
  | ApprovalExpired
  | AlertJoined
  | AlertResolved
  | Claimed
  | StepStarted
  | StepSucceeded
  | StepFailed
  | StepSkipped
  | StepOutcomeUnknown
  | RetryScheduled
  | AlternativeChosen
  | StepAdapted
  | UndoStarted
  | StepUndone
  | UndoFailed
  | FallbackChosen
  | Paused
  | Resumed
  | CancelRequested
  | Ended
  | AssessmentMade;

/** An event as stored: `seq` counts from 1 without gaps. */
export interface RecordedEvent {
  readonly seq: number;
  /** ISO 8601, UTC, by the database's clock as the writer knew it. */
  readonly at: string;
  /** Version of the event type's shape. */
  readonly version: number;
  readonly event: ExecutionEvent;
}
