// StatefulSets: pods by number, one after the other unless they are made in parallel, each with its claims. A claim that is there
// already is taken as it is; one that is missing is made from its template together with its pod. A new template waits for a pod
// to be made anew.
import { createPods } from "./create-pods.ts";
import type { PersistentVolumeClaim, Pod, StatefulSet } from "./objects.ts";
import { startDeletion } from "./pod-deletion.ts";
import { byOwner, type Controller, newMetadata, type World } from "./world.ts";

export const statefulSetController: Controller = (world) => {
  const pods = byOwner(world.store.list("pods") as Pod[]);
  for (const set of world.store.list("statefulsets") as StatefulSet[])
    if (set.metadata.deletionTimestamp === undefined) syncSet(world, set, pods.get(set.metadata.uid) ?? []);
  return Infinity;
};

const isReady = ({ status }: Pod) =>
  status.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;

function syncSet(world: World, set: StatefulSet, owned: readonly Pod[]): void {
  const { replicas, podManagementPolicy } = set.spec;
  const wanted = Array.from({ length: replicas }, (_, number) => `${set.metadata.name}-${number}`);
  for (const name of wanted) {
    const pod = owned.find(({ metadata }) => metadata.name === name);
    if (pod === undefined) makePod(world, set, name);
    if (podManagementPolicy === "OrderedReady" && (pod === undefined || !isReady(pod))) break;
  }
  const surplus = owned.filter(({ metadata }) => !wanted.includes(metadata.name));
  for (const pod of surplus)
    if (pod.metadata.deletionTimestamp === undefined) startDeletion(world, pod, null);
  writeStatus(world, set, owned);
}

function makePod(world: World, set: StatefulSet, name: string): void {
  const { namespace } = set.metadata;
  const claims = (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    volume: metadata.name,
    claim: `${metadata.name}-${name}`,
    spec,
  }));
  for (const { claim, spec } of claims) {
    if (world.store.get("persistentvolumeclaims", namespace ?? null, claim) !== undefined) continue;
    world.store.put({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: newMetadata(world, {
        name: claim,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...set.spec.selector.matchLabels },
      }),
      spec: structuredClone(spec),
      status: { phase: "Pending" },
    } as PersistentVolumeClaim);
  }
  const volumes = claims.map(({ volume, claim }) => ({
    name: volume,
    persistentVolumeClaim: { claimName: claim },
  }));
  createPods(world, set, 1, () => newPod(world, set, name, volumes));
}

function newPod(world: World, set: StatefulSet, name: string, claims: Pod["spec"]["volumes"] & object): Pod {
  const { template } = set.spec;
  const { namespace, name: owner, uid } = set.metadata;
  const spec = structuredClone(template.spec);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: newMetadata(world, {
      name,
      generateName: `${owner}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, "statefulset.kubernetes.io/pod-name": name },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "StatefulSet",
          name: owner,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    }),
    spec: { ...spec, volumes: [...(spec.volumes ?? []), ...claims] },
    status: { phase: "Pending" },
  };
}

function writeStatus(world: World, set: StatefulSet, owned: readonly Pod[]): void {
  const ready = owned.filter(isReady).length;
  const counts = {
    readyReplicas: ready,
    availableReplicas: ready,
    currentReplicas: owned.length,
    updatedReplicas: owned.length,
  };
  world.store.put({
    ...set,
    status: {
      ...set.status,
      observedGeneration: set.metadata.generation ?? 1,
      replicas: owned.length,
      ...counts,
    },
  });
}
