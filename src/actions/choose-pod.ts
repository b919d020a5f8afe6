// Which pod a read-only action looks at when nobody named one: the target, or the pod of the target that most needs a look.
import type { ObjectRef } from "../domain/facts/objects.ts";
import type { ActionInput, ActionTools } from "./action.ts";
import { podRef, type Situation, textOf } from "./parameters.ts";
import { podsOf, worstOf } from "./pods.ts";

/** What owns pods, and says by a selector which. */
export const podOwnerKinds: ReadonlySet<string> = new Set([
  "Deployment",
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "Job",
]);

/** The incident's target when it owns pods and the input does not reach into another namespace. */
export function workloadTarget(input: ActionInput, { target }: Situation): Situation["target"] {
  if (target === null || !podOwnerKinds.has(target.kind)) return null;
  const namespace = textOf(input, "namespace");
  return namespace === null || namespace === target.namespace ? target : null;
}

/** null: the workload has no pods. @throws Problem PARAMETER_INVALID when neither input nor target leads to a pod. */
export async function choosePod(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<ObjectRef | null> {
  const target = textOf(input, "pod") === null ? workloadTarget(input, situation) : null;
  if (target === null) return podRef(input, situation);
  const api = tools.cluster(situation.cluster);
  const workload = await api.get(target);
  const worst = workload === null ? null : worstOf(await podsOf(api, workload));
  if (worst === null) return null;
  const { cluster, namespace } = target;
  return { cluster, apiVersion: "v1", kind: "Pod", namespace, name: worst.name };
}

/** The input with its pod written out, so that the plan says which one. */
export async function withPod(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<ActionInput> {
  const pod = await choosePod(input, situation, tools);
  return pod === null ? input : { ...input, namespace: pod.namespace, pod: pod.name };
}

/** The pod that the input names, or the target that its pod is chosen from. */
export function podOrTarget(input: ActionInput, situation: Situation): readonly ObjectRef[] {
  const target = textOf(input, "pod") === null ? workloadTarget(input, situation) : null;
  if (target === null) return [podRef(input, situation)];
  const { cluster, apiVersion, kind, namespace, name } = target;
  return [{ cluster, apiVersion, kind, namespace, name }];
}
