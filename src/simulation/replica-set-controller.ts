// ReplicaSets: as many pods as asked for, the unhealthy and the youngest deleted first.
import { createPods, sameRefusal } from "./create-pods.ts";
import type { Condition, Pod, ReplicaSet } from "./objects.ts";
import { startDeletion } from "./pod-deletion.ts";
import { byOwner, type Controller, newMetadata, randomSuffix, type World, withCondition } from "./world.ts";

export const replicaSetController: Controller = (world) => {
  const pods = byOwner(world.store.list("pods") as Pod[]);
  const wakeTimes = (world.store.list("replicasets") as ReplicaSet[])
    .filter((set) => set.metadata.deletionTimestamp === undefined)
    .map((set) => syncReplicaSet(world, set, pods.get(set.metadata.uid) ?? []));
  return Math.min(Infinity, ...wakeTimes);
};

const isActive = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined && status.phase !== "Succeeded" && status.phase !== "Failed";

const readyCondition = ({ status }: Pod) =>
  status.conditions?.find((one) => one.type === "Ready" && one.status === "True");

function syncReplicaSet(world: World, set: ReplicaSet, owned: readonly Pod[]): number {
  const active = owned.filter(isActive);
  const missing = set.spec.replicas - active.length;
  const refusal = createPods(world, set, missing, () => newPod(world, set));
  if (missing < 0) {
    for (const pod of active.toSorted(leastWorthFirst).slice(0, -missing)) startDeletion(world, pod, null);
  }
  const left = missing < 0 ? active.toSorted(leastWorthFirst).slice(-missing) : active;
  return writeStatus(world, set, left, refusal);
}

function leastWorthFirst(a: Pod, b: Pod): number {
  const worth = (pod: Pod) => (readyCondition(pod) ? 2 : 0) + (pod.spec.nodeName === undefined ? 0 : 1);
  return worth(a) - worth(b) || Number(b.metadata.resourceVersion) - Number(a.metadata.resourceVersion);
}

function newPod(world: World, set: ReplicaSet): Pod {
  const { template } = set.spec;
  const { name, namespace, uid } = set.metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: newMetadata(world, {
      name: `${name}-${randomSuffix(world)}`,
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels },
      ...(template.metadata?.annotations ? { annotations: { ...template.metadata.annotations } } : {}),
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name, uid, controller: true, blockOwnerDeletion: true },
      ],
    }),
    spec: structuredClone(template.spec),
    status: { phase: "Pending" },
  };
}

function writeStatus(world: World, set: ReplicaSet, pods: readonly Pod[], refusal: string | null): number {
  const latest = world.store.get(
    "replicasets",
    set.metadata.namespace ?? null,
    set.metadata.name,
  ) as ReplicaSet;
  const minimum = (set.spec.minReadySeconds ?? 0) * 1000;
  const readySince = pods
    .map(readyCondition)
    .filter((one) => one !== undefined)
    .map((one) => Date.parse(one.lastTransitionTime ?? "") + minimum);
  const counts = {
    fullyLabeledReplicas: pods.length,
    readyReplicas: readySince.length,
    availableReplicas: readySince.filter((at) => at <= world.now()).length,
  };
  const shown = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  const conditions = failureOf(world, latest, refusal);
  world.store.put({
    ...latest,
    status: {
      replicas: pods.length,
      ...shown,
      observedGeneration: latest.metadata.generation ?? 1,
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  } as ReplicaSet);
  return Math.min(Infinity, ...readySince.filter((at) => at > world.now()));
}

/** As it stands while it is refused for the same reason again. */
function failureOf(world: World, { status }: ReplicaSet, refusal: string | null): Condition[] {
  if (refusal === null) return [];
  const old = status.conditions?.find(({ type }) => type === "ReplicaFailure");
  if (old !== undefined && sameRefusal(old.message ?? "", refusal)) return [old];
  const failed = {
    type: "ReplicaFailure",
    status: "True",
    reason: "FailedCreate",
    message: refusal,
  } as const;
  return withCondition([], failed, world.now());
}
