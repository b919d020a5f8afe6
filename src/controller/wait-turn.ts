// A step that could start and has to wait for something outside of its plan: nothing is tried meanwhile, so nothing is used up.
// It is asked again from its beginning every two seconds, until the execution's own time is over.
import type { ActionTools } from "../actions/action.ts";
import { disruptionRoom } from "../actions/disruption-room.ts";
import { type PodState, podsOf, podTrouble } from "../actions/pods.ts";
import { rolloutOf } from "../actions/rollout.ts";
import { type Execution, stateOf } from "../domain/execution/execution.ts";
import { isObject } from "../domain/json.ts";
import type { PlannedStep } from "../domain/planning/plan.ts";
import { isOfFallback, ownName } from "../domain/planning/step-names.ts";
import { Problem } from "../domain/problem.ts";
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
 * that the steps before it took down until what replaces them is ready.
 * @returns why it has to wait; null: it may start. @throws Problem NOT_HEALTHY: what replaced them does not come up. API_*
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
  const notReady = pods.filter(({ name, ready }) => replacements.has(name) && !ready);
  const missing = Math.max(0, rolloutOf(workload).desired - pods.length);
  const down = missing + notReady.length;
  if (down === 0) return null;
  const room = await disruptionRoom(workload, api);
  if (down < room) return null;
  refuseHopeless(notReady);
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

/** A pod that crashes like the one before it says that the next would too. */
function refuseHopeless(notReady: readonly PodState[]): void {
  const crashed = notReady.find(({ restarts, waitingReason }) => restarts > 0 || stuck.has(waitingReason));
  if (crashed === undefined) return;
  throw new Problem(
    "NOT_HEALTHY",
    `the pod that replaced the one before does not come up, so no other is taken down: ${podTrouble(crashed)}`,
  );
}

const stuck: ReadonlySet<string | null> = new Set([
  "CrashLoopBackOff",
  "ImagePullBackOff",
  "ErrImagePull",
  "CreateContainerConfigError",
  "InvalidImageName",
]);
