// Which pods a drain moves off a node, and which of them forbid it: as `kubectl drain` decides it.
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";
import type { ClusterApi } from "./action.ts";
import { controllerOf } from "./pods.ts";

export interface DrainRules {
  readonly ignoreDaemonSets: boolean;
  readonly deleteLocalData: boolean;
  /** Also pods that nothing makes again. */
  readonly force: boolean;
}

export async function podsOnNode(api: ClusterApi, node: string): Promise<readonly KubernetesObject[]> {
  const fieldSelector = `spec.nodeName=${node}`;
  return api.list({ apiVersion: "v1", kind: "Pod", namespace: null, fieldSelector });
}

/** Pods that stay: the kubelet's own (mirror pods), those of DaemonSets, and those that are on their way out. */
export function isDrained(pod: KubernetesObject): boolean {
  const { annotations = {}, deletionTimestamp } = pod.metadata;
  if (annotations["kubernetes.io/config.mirror"] !== undefined || deletionTimestamp !== undefined)
    return false;
  return controllerOf(pod)?.kind !== "DaemonSet";
}

/** @throws Problem PRECONDITION_FAILED with every pod that forbids the drain, and why. */
export function refuseUndrainable(pods: readonly KubernetesObject[], node: string, rules: DrainRules): void {
  const reasons = pods.flatMap((pod) => {
    const why = whyNot(pod, rules);
    return why === null ? [] : [`${podText(pod)} ${why}`];
  });
  if (reasons.length === 0) return;
  const shown = reasons.slice(0, 10).join("; ");
  const more = reasons.length > 10 ? `; and ${reasons.length - 10} more` : "";
  throw new Problem("PRECONDITION_FAILED", `node ${node} cannot be drained: ${shown}${more}`);
}

function whyNot(
  pod: KubernetesObject,
  { ignoreDaemonSets, deleteLocalData, force }: DrainRules,
): string | null {
  const controller = controllerOf(pod);
  if (controller?.kind === "DaemonSet")
    return ignoreDaemonSets ? null : "belongs to a DaemonSet, which would start it again (ignore_daemonsets)";
  // What has ended loses nothing.
  if (!isDrained(pod) || pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return null;
  if (controller === null && !force) return "has no controller that would make it again (force)";
  if (hasLocalData(pod) && !deleteLocalData)
    return "keeps data in an emptyDir, which would be lost (delete_local_data)";
  return null;
}

function hasLocalData({ spec }: KubernetesObject): boolean {
  const volumes = Array.isArray(spec?.volumes) ? (spec.volumes as unknown[]) : [];
  return volumes.some((volume) => isObject(volume) && volume.emptyDir !== undefined);
}

export function podText({ metadata }: Pick<KubernetesObject, "metadata">): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
