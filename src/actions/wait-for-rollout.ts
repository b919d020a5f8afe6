// Waits until all pods of a workload are of its newest revision and ready.
import type { ObjectRef } from "../domain/facts/objects.ts";
import { Problem } from "../domain/problem.ts";
import type { ActionTools } from "./action.ts";
import { podsOf, podTrouble, worstOf } from "./pods.ts";
import { rolloutOf } from "./rollout.ts";
import { type Look, waitFor } from "./wait.ts";

/** @throws Problem NOT_HEALTHY with what was missing after `limitSeconds`; TARGET_GONE */
export async function waitForRollout(
  ref: ObjectRef,
  limitSeconds: number,
  tools: ActionTools,
): Promise<void> {
  await waitFor(tools, limitSeconds, () => lookAtRollout(ref, tools));
}

async function lookAtRollout(ref: ObjectRef, tools: ActionTools): Promise<Look<true>> {
  const api = tools.cluster(ref.cluster);
  const workload = await api.get(ref);
  if (workload === null)
    throw new Problem("TARGET_GONE", `${ref.kind} ${ref.namespace}/${ref.name} no longer exists`);
  const { complete, missing } = rolloutOf(workload);
  if (complete) return { done: true, value: true };
  const worst = worstOf(await podsOf(api, workload));
  const trouble = worst === null || worst.ready ? "" : ` (${podTrouble(worst)})`;
  return { done: false, waitingFor: `${missing}${trouble}` };
}
