// What the actions on Deployments, StatefulSets and DaemonSets share: which one, and reading it.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import type { JsonObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";
import type { RbacRule } from "../domain/templates/action-description.ts";
import type { ActionInput, ActionTools } from "./action.ts";
import { type Situation, textOf } from "./parameters.ts";

export const workloadKinds = ["Deployment", "StatefulSet", "DaemonSet"] as const;

export const kindParameter: JsonObject = {
  enum: [...workloadKinds, ...workloadKinds.map((kind) => kind.toLowerCase())],
  description: "Kind of the workload. Default: the target's; Deployment where only a name is given.",
};

export function workloadRbac(...verbs: RbacRule["verbs"]): readonly RbacRule[] {
  return ["deployments", "statefulsets", "daemonsets"].map((resource) => ({
    apiGroup: "apps",
    resource,
    verbs,
  }));
}

/** @throws Problem PARAMETER_INVALID: the input names none and the target is none of the three. */
export function workloadRef(input: ActionInput, { cluster, target }: Situation): ObjectRef {
  const asked = textOf(input, "kind")?.toLowerCase();
  const own = target !== null && workloadKinds.some((kind) => kind === target.kind) ? target : null;
  const sameNamespace = (textOf(input, "namespace") ?? own?.namespace) === own?.namespace;
  const named = textOf(input, "workload");
  const kind =
    workloadKinds.find((known) => known.toLowerCase() === asked) ??
    workloadKinds.find((known) => known === own?.kind) ??
    "Deployment";
  const fits = own !== null && sameNamespace && own.kind === kind;
  const name = named ?? (fits ? own.name : null);
  const namespace = textOf(input, "namespace") ?? target?.namespace ?? null;
  if (name === null || namespace === null) {
    throw new Problem(
      "PARAMETER_INVALID",
      `say which workload: the input has no "workload" and the incident's target is no ${asked === undefined ? workloadKinds.join(", ") : kind}`,
    );
  }
  return { cluster, apiVersion: "apps/v1", kind, namespace, name };
}

export interface ReadWorkload {
  readonly ref: ObjectRef;
  readonly object: KubernetesObject;
}

/** @throws Problem TARGET_GONE when it is not there or is being deleted. */
export async function readWorkload(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<ReadWorkload> {
  const ref = workloadRef(input, situation);
  const object = await tools.cluster(ref.cluster).get(ref);
  if (object === null || object.metadata.deletionTimestamp !== undefined)
    throw new Problem("TARGET_GONE", `${workloadText(ref)} no longer exists`);
  return { ref, object };
}

export function workloadText({ kind, namespace, name }: ObjectRef): string {
  return `${kind.toLowerCase()} ${namespace}/${name}`;
}
