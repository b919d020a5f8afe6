// Whether the controller of a deleted pod has made up for it. After a deletion the pod may be gone with all that it knew,
// so the execution's target is asked: it has its replacement when as many pods live as it wants.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import type { ActionTools, ClusterApi } from "./action.ts";
import { workloadTarget } from "./choose-pod.ts";
import type { Situation } from "./parameters.ts";
import { controllerOf, podsOf } from "./pods.ts";
import { rolloutOf } from "./rollout.ts";
import type { Look } from "./wait.ts";

export interface DeletedPod {
  readonly object: ObjectRef;
  /** null: any pod of that name counts as the deleted one while it terminates. */
  readonly uid: string | null;
}

/** The replacement's name; null when nothing says that there will be one: the owner is unknown or makes no pod at once. */
export async function findReplacement(
  deleted: DeletedPod,
  situation: Situation,
  tools: ActionTools,
): Promise<Look<string | null>> {
  const api = tools.cluster(situation.cluster);
  const present = await api.get(deleted.object);
  const old = present !== null && isTheDeleted(present, deleted) ? present : null;
  // A StatefulSet gives the new pod the old name.
  if (present !== null && old === null) return { done: true, value: present.metadata.name };
  const owner = await ownerOf(old, deleted, situation, api);
  if (owner === null) return { done: true, value: null };
  const live = (await podsOf(api, owner)).filter(
    ({ uid, terminating }) => !terminating && uid !== deleted.uid,
  );
  const { desired } = rolloutOf(owner);
  if (live.length < desired) {
    return {
      done: false,
      waitingFor: `${owner.kind} ${owner.metadata.name} has ${live.length} of ${desired} pods`,
    };
  }
  const newest = live.toSorted((one, other) => other.createdAt.localeCompare(one.createdAt))[0];
  return { done: true, value: newest?.name ?? null };
}

function isTheDeleted(pod: KubernetesObject, { uid }: DeletedPod): boolean {
  return uid === null ? pod.metadata.deletionTimestamp !== undefined : pod.metadata.uid === uid;
}

async function ownerOf(
  pod: KubernetesObject | null,
  { object }: DeletedPod,
  situation: Situation,
  api: ClusterApi,
): Promise<KubernetesObject | null> {
  const controller = pod === null ? null : controllerOf(pod);
  if (controller !== null && replaces.has(controller.kind)) {
    const { apiVersion, kind, name } = controller;
    return api.get({ cluster: object.cluster, apiVersion, kind, namespace: object.namespace, name });
  }
  const target = workloadTarget({ namespace: object.namespace }, situation);
  return target !== null && replaces.has(target.kind) ? api.get(target) : null;
}

const replaces: ReadonlySet<string> = new Set(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]);
