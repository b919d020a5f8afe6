// What an execution needs next, as data: nextWork says it, the driver (controller/drive-execution.ts) does it.
import type { PlannedStep } from "../planning/plan.ts";
import type { ExecutionEvent, Outcome } from "./events.ts";
import type { Change, StepState } from "./execution.ts";

export type Work =
  /** Append these: they follow from the state, nothing needs to be done in the world. */
  | { readonly type: "record"; readonly events: readonly ExecutionEvent[] }
  | { readonly type: "ask-approval" }
  /** `nextAt`: when others are asked; of those whose demand is met, times that are over may stand there. */
  | { readonly type: "await-approval"; readonly expiresAt: string; readonly nextAt: readonly string[] }
  | { readonly type: "claim" }
  | { readonly type: "start"; readonly step: PlannedStep; readonly state: StepState }
  /** StepStarted is recorded, its outcome is not, and nobody is at it: find out what happened before anything else. */
  | { readonly type: "resume"; readonly step: PlannedStep; readonly state: StepState }
  | { readonly type: "undo"; readonly change: Change }
  | { readonly type: "resume-undo"; readonly change: Change }
  /** Weigh the guards once more; FallbackChosen, or what they said. */
  | { readonly type: "fallback"; readonly template: string; readonly reason: string }
  /** Running attempts have to stop: the driver aborts them and records what came of each. */
  | { readonly type: "abort"; readonly code: "EXECUTION_TIMEOUT" | "CANCELLED" }
  /** People have paused it: look whether they still do. */
  | { readonly type: "paused"; readonly until: string | null }
  | { readonly type: "wait"; readonly until: string };

/** How an execution is going to end, before its fallback and its `finally` had their turn. */
export interface End {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly escalated: boolean;
}

export function endEvent({ outcome, reason, escalated }: End): ExecutionEvent {
  return { type: "Ended", outcome, reason, escalated };
}

export function ended(outcome: Outcome, reason: string, escalated = false): Work {
  return { type: "record", events: [endEvent({ outcome, reason, escalated })] };
}
