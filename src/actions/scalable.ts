// Whether something else decides the number of replicas: a HorizontalPodAutoscaler or a KEDA ScaledObject. What it has set it sets
// again, so such a workload is scaled through the bounds of its autoscaler and not beside it.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import { isObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";
import type { RbacRule } from "../domain/templates/action-description.ts";
import type { ActionTools } from "./action.ts";

/** autoscaling/v1 shows the autoscalers of every version. */
const autoscalers = [
  { apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler" },
  { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject" },
] as const;

export const autoscalerRbac: readonly RbacRule[] = [
  { apiGroup: "autoscaling", resource: "horizontalpodautoscalers", verbs: ["list"] },
  { apiGroup: "keda.sh", resource: "scaledobjects", verbs: ["list"] },
];

/** @throws Problem PRECONDITION_FAILED naming the autoscaler and its bounds; API_FORBIDDEN when nobody may know. */
export async function refuseAutoscaled(workload: ObjectRef, tools: ActionTools): Promise<void> {
  for (const { apiVersion, kind } of autoscalers) {
    const found = (await listed(apiVersion, kind, workload, tools)).find((one) => scales(one, workload));
    if (found === undefined) continue;
    throw new Problem(
      "PRECONDITION_FAILED",
      `${kind} ${workload.namespace}/${found.metadata.name} decides how many pods ${workload.kind} ${workload.name} has ` +
        `(${boundsOf(found)}): change its bounds instead`,
      { details: { autoscaler: found.metadata.name, kind } },
    );
  }
}

async function listed(
  apiVersion: string,
  kind: string,
  { cluster, namespace }: ObjectRef,
  tools: ActionTools,
): Promise<readonly KubernetesObject[]> {
  try {
    return await tools.cluster(cluster).list({ apiVersion, kind, namespace });
  } catch (error) {
    if (error instanceof Problem && error.code === "API_NOT_FOUND") return [];
    throw error;
  }
}

function scales({ spec }: KubernetesObject, { kind, name }: ObjectRef): boolean {
  const target = isObject(spec?.scaleTargetRef) ? spec.scaleTargetRef : {};
  return target.name === name && (target.kind ?? "Deployment") === kind;
}

function boundsOf({ kind, spec = {} }: KubernetesObject): string {
  const [least, most] =
    kind === "ScaledObject"
      ? [spec.minReplicaCount ?? 0, spec.maxReplicaCount ?? 100]
      : [spec.minReplicas ?? 1, spec.maxReplicas];
  return `${JSON.stringify(least)} to ${JSON.stringify(most)}`;
}
