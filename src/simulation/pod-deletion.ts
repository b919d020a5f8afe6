// How pods go: by a client's delete, by their ReplicaSet, or because their owner or node is gone.
import { timestamp } from "./clock.ts";
import type { ApiObject, Pod } from "./objects.ts";
import type { Controller, World } from "./world.ts";

/** Marks a pod as terminating, or removes it at once when nothing runs or the grace period is 0. */
export function startDeletion(world: World, pod: Pod, gracePeriodSeconds: number | null): Pod {
  const grace = gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  if (grace === 0 || pod.spec.nodeName === undefined) {
    world.store.remove(pod);
    return pod;
  }
  const deletionTimestamp = timestamp(world.now() + grace * 1000);
  const earlier = pod.metadata.deletionTimestamp;
  if (earlier !== undefined && Date.parse(earlier) <= Date.parse(deletionTimestamp)) return pod;
  return world.store.put({
    ...pod,
    metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: grace },
  });
}

const ownerKinds: Readonly<Record<string, string>> = {
  Deployment: "deployments",
  ReplicaSet: "replicasets",
  StatefulSet: "statefulsets",
  DaemonSet: "daemonsets",
  Job: "jobs",
};

/** Removes what belonged to an owner that is gone, and pods of nodes that are gone. */
export const garbageCollector: Controller = (world) => {
  const { store } = world;
  const ownerGone = (object: ApiObject) => {
    const owner = object.metadata.ownerReferences?.find((one) => one.controller);
    const plural = owner === undefined ? undefined : ownerKinds[owner.kind];
    if (owner === undefined || plural === undefined) return false;
    return store.get(plural, object.metadata.namespace ?? null, owner.name)?.metadata.uid !== owner.uid;
  };
  for (const set of store.list("replicasets").filter(ownerGone)) store.remove(set);
  const nodes = new Set(store.list("nodes").map((node) => node.metadata.name));
  for (const pod of store.list("pods") as Pod[]) {
    if (pod.spec.nodeName !== undefined && !nodes.has(pod.spec.nodeName)) store.remove(pod);
    else if (pod.metadata.deletionTimestamp === undefined && ownerGone(pod)) startDeletion(world, pod, null);
  }
  return Infinity;
};
