// What the actions on Deployments share: reading one that must be there and may be changed.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import { Problem } from "../domain/problem.ts";
import type { ActionInput, ActionTools } from "./action.ts";
import { deploymentRef, type Situation } from "./parameters.ts";

export interface ReadDeployment {
  readonly ref: ObjectRef;
  readonly object: KubernetesObject;
}

/** @throws Problem TARGET_GONE when it is not there or is being deleted. */
export async function readDeployment(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<ReadDeployment> {
  const ref = deploymentRef(input, situation);
  const object = await tools.cluster(ref.cluster).get(ref);
  if (object === null || object.metadata.deletionTimestamp !== undefined) {
    throw new Problem("TARGET_GONE", `${deploymentText(ref)} no longer exists`);
  }
  return { ref, object };
}

/** @throws Problem PRECONDITION_FAILED: a person holds its rollouts, a new template would wait for who knows how long. */
export function refusePaused({ ref, object }: ReadDeployment): void {
  if (object.spec?.paused !== true) return;
  throw new Problem("PRECONDITION_FAILED", `the rollouts of ${deploymentText(ref)} are paused by a person`);
}

export function deploymentText({ namespace, name }: ObjectRef): string {
  return `deployment ${namespace}/${name}`;
}
