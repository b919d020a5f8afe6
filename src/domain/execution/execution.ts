// The state of one execution, folded from its events. Pure data: everything else is decided from it.
import { Set as ImmutableSet, OrderedMap } from "immutable";
import type { Alert, AlertReference } from "../facts/alert.ts";
import type { Subject } from "../facts/objects.ts";
import type { AddedApprovers, Gate, Mode, PlanEdit } from "../gate/gate.ts";
import type { Json } from "../json.ts";
import type { Effect, Preview } from "../planning/effect.ts";
import type { ActionCall, Plan, PlannedStep, Undo } from "../planning/plan.ts";
import type { ProblemCode } from "../problem.ts";
import type {
  ApprovalLifted,
  ApprovalRequested,
  AssessmentMade,
  ByHand,
  FoundObject,
  MatchRecord,
  Outcome,
  Paused,
  Phase,
  RepairPrepared,
} from "./events.ts";

export type StepStatus = "pending" | "running" | "retrying" | "succeeded" | "failed" | "skipped" | "unknown";

export interface StepFailure {
  readonly code: ProblemCode;
  readonly message: string;
  readonly changed: boolean;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | null;
}

export interface StepState {
  readonly status: StepStatus;
  /** The last attempt that began; counted over the action and its alternatives. */
  readonly attempt: number;
  /** Attempts of the present call. */
  readonly tries: number;
  /** -1: the step's own action; else the index of the alternative in use. */
  readonly alternative: number;
  /** What the last StepStarted said it would do. */
  readonly call: ActionCall | null;
  readonly effect: Effect | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly retryAt: string | null;
  readonly output: Json;
  readonly failure: StepFailure | null;
  readonly skipped: { readonly reason: string; readonly byCondition: boolean } | null;
  /** Why a step that could start has not yet. */
  readonly waitsFor: string | null;
  /** What was done otherwise than planned, for people: `replicas 4 -> 6: …`. */
  readonly adapted: readonly string[];
}

/** An effect that was made, or may have been: undone in reverse order when the execution has to go back. */
export interface Change {
  readonly step: string;
  readonly attempt: number;
  readonly call: ActionCall;
  readonly effect: Effect;
  readonly undo: Undo;
  readonly undoStatus: "none" | "running" | "retrying" | "undone" | "failed";
  readonly undoAttempt: number;
  readonly undoEffect: Effect | null;
  readonly undoFailedAt: string | null;
  readonly undoNote: string | null;
}

export interface Execution {
  readonly version: number;
  readonly phase: Phase;
  readonly outcome: Outcome | null;
  readonly endReason: string | null;
  readonly escalated: boolean;
  /** What it changed, as it was when it ended; empty unless escalated. */
  readonly found: readonly FoundObject[];
  readonly mode: Mode;
  readonly incident: string;
  readonly revision: string;
  readonly alert: Alert | null;
  readonly subject: Subject | null;
  /** `cluster/fingerprint` of alerts that are firing, and all that ever joined, its own first: thousands, in a storm. */
  readonly firing: ImmutableSet<string>;
  readonly alerts: OrderedMap<string, AlertReference>;
  readonly match: MatchRecord | null;
  readonly byHand: ByHand | null;
  /** The ended execution whose `when_resolved` it does. */
  readonly follows: string | null;
  readonly plan: Plan | null;
  readonly previews: readonly Preview[];
  readonly gate: Gate | null;
  /** What the guards said when they were weighed again, where that is stricter than `gate` and cannot be asked for any more. */
  readonly gateAgain: Gate | null;
  /** Expiry counts from here, so that a repeated request says the same. */
  readonly gateDecidedAt: string | null;
  /** What people changed while they were asked. */
  readonly edits: readonly PlanEdit[];
  /** Who has said hold, and when: each is heard once. */
  readonly holds: readonly string[];
  /** What people merge instead of an approval file; null: they are asked about the plan. */
  readonly repair: Pick<RepairPrepared, "forStep" | "effect"> | null;
  readonly approval: (ApprovalRequested & { readonly requestedAt: string }) | null;
  /** Who may approve beside those that the gate names first. */
  readonly added: readonly AddedApprovers[];
  readonly approved: boolean;
  /** Break-glass: `approved` comes from it. */
  readonly lift: ApprovalLifted | null;
  readonly claimed: boolean;
  /** When the first step could start. */
  readonly startedAt: string | null;
  readonly steps: ReadonlyMap<string, StepState>;
  /** In order of start. */
  readonly changes: readonly Change[];
  readonly undoStartedAt: string | null;
  /** Set when the plan's fallback was chosen: its steps run now, with a time limit of their own. */
  readonly fallbackAt: string | null;
  /** While people have paused it; `at`: since when. */
  readonly paused: (Paused & { readonly at: string }) | null;
  /** How long it was, since its steps (or those of its fallback) could start: so much later is its time over. */
  readonly pausedSeconds: number;
  readonly assessment: AssessmentMade | null;
  readonly cancel: {
    readonly by: string;
    readonly reason: string;
    readonly keep: boolean;
    readonly revoked: boolean;
  } | null;
}

export const newStep: StepState = {
  status: "pending",
  attempt: 0,
  tries: 0,
  alternative: -1,
  call: null,
  effect: null,
  startedAt: null,
  endedAt: null,
  retryAt: null,
  output: null,
  failure: null,
  skipped: null,
  waitsFor: null,
  adapted: [],
};

export const newExecution: Execution = {
  version: 0,
  phase: "planning",
  outcome: null,
  endReason: null,
  escalated: false,
  found: [],
  mode: "observe",
  incident: "",
  revision: "",
  alert: null,
  subject: null,
  firing: ImmutableSet(),
  alerts: OrderedMap(),
  match: null,
  byHand: null,
  follows: null,
  plan: null,
  previews: [],
  gate: null,
  gateAgain: null,
  gateDecidedAt: null,
  edits: [],
  holds: [],
  repair: null,
  approval: null,
  added: [],
  approved: false,
  lift: null,
  claimed: false,
  startedAt: null,
  steps: new Map(),
  changes: [],
  undoStartedAt: null,
  fallbackAt: null,
  paused: null,
  pausedSeconds: 0,
  assessment: null,
  cancel: null,
};

/** The plan whose steps run: the fallback's once it was chosen. */
export function planInUse(state: Execution, plan: Plan): Plan {
  return state.fallbackAt === null ? plan : (plan.fallback ?? plan);
}

/** What is done once at the end: the fallback's own, then the template's. */
export function finallySteps(state: Execution, plan: Plan): readonly PlannedStep[] {
  const inUse = planInUse(state, plan);
  return inUse === plan ? plan.finally : [...inUse.finally, ...plan.finally];
}

export function finallyBegan(state: Execution): boolean {
  if (state.plan === null) return false;
  return finallySteps(state, state.plan).some(({ name }) => state.steps.get(name)?.status !== "pending");
}

/** Whether a change of its steps was not undone. */
export function leavesChange(state: Execution, plan: Plan): boolean {
  const last = new Set(finallySteps(state, plan).map(({ name }) => name));
  return state.changes.some(
    ({ step, effect, undoStatus }) => effect.kind !== "send" && undoStatus !== "undone" && !last.has(step),
  );
}

export function stateOf(state: Execution, step: Pick<PlannedStep, "name">): StepState {
  return state.steps.get(step.name) ?? newStep;
}
