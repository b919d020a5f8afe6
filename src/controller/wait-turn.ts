// A step that could start and has to wait for something outside of its plan: nothing is tried meanwhile, so nothing is used up.
// It is asked again from its beginning every two seconds, until the execution's own time is over.
import type { ActionTools } from "../actions/action.ts";
import { disruptionRoom } from "../actions/disruption-room.ts";
import { type PodState, podsOf } from "../actions/pods.ts";
import { rolloutOf } from "../actions/rollout.ts";
import { type Execution, stateOf } from "../domain/execution/execution.ts";
import { isObject } from "../domain/json.ts";
import type { PlannedStep } from "../domain/planning/plan.ts";
import { isOfFallback, ownName } from "../domain/planning/step-names.ts";
import { pause, type Session } from "./session.ts";

const askAgainMilliseconds = 2_000;

/** Says once in the record why the step waits, and lets some time pass. The driver starts it again. */
export async function waitTurn(
  step: PlannedStep,
  reason: string,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  if (stateOf(session.state(), step).waitsFor === null)
    await session.record([
      { type: "StepAdapted", step: step.name, what: "start", from: "now", to: "later", reason },
    ]);
  // An abort is answered by what comes next: the step has not begun.
  await pause(askAgainMilliseconds, signal).catch(() => undefined);
}

/**
 * Of a step for each pod of a workload: never more pods are down at once than the workload and its budgets allow, counting those
 * that the steps before it took down until what replaces them is ready, or has crashed as they had.
 * @returns why it has to wait; null: it may start. @throws Problem API_*
 */
export async function whyNotYet(
  step: PlannedStep,
  state: Execution,
  tools: ActionTools,
): Promise<string | null> {
  const target = state.plan?.target ?? null;
  if (!step.changes || step.subject?.kind !== "Pod" || target === null) return null;
  const before = stepsBefore(step, state);
  if (before.length === 0) return null;
  const api = tools.cluster(target.cluster);
  const workload = await api.get(target);
  if (workload === null) return null;
  const pods = (await podsOf(api, workload)).filter(({ terminating }) => !terminating);
  const replacements = new Set(before.map((one) => replacementOf(one, state)));
  const starting = pods.filter((pod) => replacements.has(pod.name) && !pod.ready && !hasCrashed(pod));
  const missing = Math.max(0, rolloutOf(workload).desired - pods.length);
  const down = missing + starting.length;
  if (down === 0) return null;
  const room = await disruptionRoom(workload, api);
  if (down < room) return null;
  return `${down} of ${rolloutOf(workload).desired} pods of ${target.kind} ${target.name} are not back yet, and ${room} may be down at once`;
}

/** Steps of the same `for_each` that took a pod down. */
function stepsBefore(step: PlannedStep, state: Execution): readonly PlannedStep[] {
  const { name } = ownName(step.name);
  const siblings = [...(state.plan?.steps ?? []), ...(state.plan?.fallback?.steps ?? [])].filter(
    (other) =>
      other.name !== step.name &&
      ownName(other.name).name === name &&
      isOfFallback(other.name) === isOfFallback(step.name),
  );
  return siblings.filter((other) => state.changes.some((change) => change.step === other.name));
}

function replacementOf(step: PlannedStep, state: Execution): string | null {
  const { output } = stateOf(state, step);
  const name = isObject(output) ? output["replacement"] : null;
  return typeof name === "string" ? name : null;
}

/** It has come as far as it gets: whether the next pod is restarted all the same is the template's to say (`output.ready`). */
function hasCrashed({ restarts, waitingReason }: PodState): boolean {
  return restarts > 0 || stuck.has(waitingReason);
}

const stuck: ReadonlySet<string | null> = new Set([
  "CrashLoopBackOff",
  "ImagePullBackOff",
  "ErrImagePull",
  "CreateContainerConfigError",
  "InvalidImageName",
]);
