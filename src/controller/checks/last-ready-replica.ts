// Nothing takes away the last pod that serves. A pod that is not ready serves nobody and may go.
import type { ClusterApi } from "../../actions/action.ts";
import { controllerOf, type PodState, podState, podsOf } from "../../actions/pods.ts";
import { type KubernetesObject, type ObjectRef, objectText } from "../../domain/facts/objects.ts";
import { Problem } from "../../domain/problem.ts";
import type { CheckedEffect } from "./step-check.ts";
import { writtenReplicas } from "./written-value.ts";

/** @throws Problem LAST_READY_REPLICA, retryable: another may become ready; API_*: what cannot be seen is not taken away */
export async function refuseLastReadyReplica({ effect, found, tools }: CheckedEffect): Promise<void> {
  const object = found[0]?.object ?? null;
  if (object === null || (effect.kind !== "delete" && effect.kind !== "patch")) return;
  const text = objectText(effect.object);
  if (effect.kind === "delete" && object.kind === "Pod") {
    if (await isLastReady(object, effect.object, tools.cluster(effect.object.cluster))) throw lastPod(text);
    return;
  }
  const stopsIt = effect.kind === "delete" || writtenReplicas(effect)?.after === 0;
  const ready = object.status?.["readyReplicas"];
  if (stopsIt && typeof ready === "number" && ready > 0) throw stopped(text, ready);
}

/** Runs to an end and serves nobody: what owns the pod is a Job, or nothing does. */
async function isLastReady(pod: KubernetesObject, ref: ObjectRef, api: ClusterApi): Promise<boolean> {
  const { ready, terminating, owner, uid } = podState(pod);
  if (!ready || terminating || owner === null || owner.kind === "Job") return false;
  const pods = await siblingsOf(pod, ref, api);
  return !pods.some((other) => other.uid !== uid && other.ready && !other.terminating);
}

/** The pods of the Deployment while it rolls out, of the pod's own owner else, whatever kind that is. */
async function siblingsOf(
  pod: KubernetesObject,
  { cluster, namespace }: ObjectRef,
  api: ClusterApi,
): Promise<readonly PodState[]> {
  const apps = (kind: string, name: string) =>
    api.get({ cluster, apiVersion: "apps/v1", kind, namespace, name });
  const owner = controllerOf(pod);
  const set = owner?.kind === "ReplicaSet" ? await apps("ReplicaSet", owner.name) : null;
  const above = set === null ? null : controllerOf(set);
  const deployment = above?.kind === "Deployment" ? await apps("Deployment", above.name) : null;
  if (deployment !== null) return podsOf(api, deployment);
  const pods = await api.list({ apiVersion: "v1", kind: "Pod", namespace });
  return pods.map(podState).filter((one) => one.owner?.uid === owner?.uid);
}

function lastPod(text: string): Problem {
  return new Problem(
    "LAST_READY_REPLICA",
    `${text} is the last ready pod of its owner: without it nothing serves. Scale up first, or use restart_deployment, which ` +
      "starts the new pod before it ends the old one",
    { retryable: true },
  );
}

function stopped(text: string, ready: number): Problem {
  return new Problem(
    "LAST_READY_REPLICA",
    `${text} serves with ${ready} ready ${ready === 1 ? "pod" : "pods"}, and nothing would be left: gitmend stops nothing that serves`,
    { retryable: true },
  );
}
