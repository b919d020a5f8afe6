// What comes after the steps: the fallback, once, where the steps have failed and are undone; then `finally`; then the end.
// Pure. `finally` runs only where something was changed: what it restores was not touched otherwise.
import type { Plan, PlannedStep } from "../planning/plan.ts";
import { type Execution, finallyBegan, finallySteps, stateOf } from "./execution.ts";
import { type End, endEvent, type Work } from "./work.ts";

/** @param busy steps that the driver is at */
export function finish(
  state: Execution,
  plan: Plan,
  end: End,
  busy: ReadonlySet<string>,
  now: string,
): readonly Work[] {
  if (busy.size === 0 && mayFallBack(state, plan, end) && plan.fallback !== null) {
    if (state.paused !== null) return [{ type: "paused", until: state.paused.until }];
    return [{ type: "fallback", template: plan.fallback.template.name, reason: end.reason }];
  }
  const steps = state.changes.length === 0 ? [] : finallySteps(state, plan);
  if (steps.every((step) => hasEnded(state, step))) {
    return [
      { type: "record", events: [endEvent(withFallback(state, plan, withFinally(state, steps, end)))] },
    ];
  }
  return runFinally(state, plan, steps, busy, now);
}

/** Only after a failure that was taken back whole, while somebody still needs it, and once. */
function mayFallBack(state: Execution, plan: Plan, { outcome }: End): boolean {
  if (plan.fallback === null || state.fallbackAt !== null || state.gateAgain !== null) return false;
  if (finallyBegan(state) || state.cancel !== null || state.firing.size === 0) return false;
  const stopped = plan.steps.some(
    (step) => step.onFailure === "stop" && stateOf(state, step).status === "failed",
  );
  return !stopped && (outcome === "failed" || outcome === "rolled_back");
}

/** One that fails stops no other: each restores something of its own. */
function runFinally(
  state: Execution,
  plan: Plan,
  steps: readonly PlannedStep[],
  busy: ReadonlySet<string>,
  now: string,
): readonly Work[] {
  const open = steps.filter((step) => !busy.has(step.name) && isReady(state, steps, step));
  const due = open.filter((step) => (stateOf(state, step).retryAt ?? now) <= now);
  const wakeUps = open.flatMap((step) => stateOf(state, step).retryAt ?? []).filter((at) => at > now);
  return [
    ...due
      .slice(0, Math.max(0, plan.maxParallel - busy.size))
      .map((step): Work => ({ type: "start", step, state: stateOf(state, step) })),
    ...wakeUps.map((until): Work => ({ type: "wait", until })),
  ];
}

function isReady(state: Execution, steps: readonly PlannedStep[], step: PlannedStep): boolean {
  const { status } = stateOf(state, step);
  if (status === "retrying") return true;
  if (status !== "pending") return false;
  return steps.filter(({ name }) => step.dependsOn.includes(name)).every((other) => hasEnded(state, other));
}

function hasEnded(state: Execution, step: PlannedStep): boolean {
  return ["succeeded", "failed", "skipped", "unknown"].includes(stateOf(state, step).status);
}

function withFinally(state: Execution, steps: readonly PlannedStep[], end: End): End {
  const failed = steps.filter((step) => ["failed", "unknown"].includes(stateOf(state, step).status));
  if (failed.length === 0) return end;
  const names = failed.map(({ name }) => name).join(", ");
  const outcome = end.outcome === "succeeded" ? "partly" : end.outcome;
  return { outcome, reason: `${end.reason}; not done at the end: ${names}`, escalated: true };
}

/** Why there was none, or that it was this one: whoever reads the end has to know what was tried. */
function withFallback(state: Execution, plan: Plan, end: End): End {
  if (state.fallbackAt !== null)
    return { ...end, reason: `fallback ${plan.fallback?.template.name ?? ""}: ${end.reason}` };
  if (end.outcome !== "failed" && end.outcome !== "rolled_back") return end;
  if (state.gateAgain !== null && plan.fallback !== null) {
    const why = state.gateAgain.reasons.map(({ reason }) => reason).join("; ");
    return { ...end, reason: `${end.reason}; its fallback is not allowed now: ${why}` };
  }
  return plan.fallbackImpossible === null
    ? end
    : { ...end, reason: `${end.reason}; no fallback: ${plan.fallbackImpossible}` };
}
