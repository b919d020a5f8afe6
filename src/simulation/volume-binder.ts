// Claims are bound to a new volume when their class is there, at once; a claim of a class that is not there waits for ever, and so do
// the pods that use it.
import type { ApiObject, PersistentVolumeClaim } from "./objects.ts";
import { type Controller, newMetadata, type World } from "./world.ts";

const defaultClassKey = "storageclass.kubernetes.io/is-default-class";

export const volumeBinder: Controller = (world) => {
  for (const claim of world.store.list("persistentvolumeclaims") as PersistentVolumeClaim[])
    if (claim.status.phase === "Pending") bind(world, claim);
  return Infinity;
};

function bind(world: World, claim: PersistentVolumeClaim): void {
  const name = classOf(world, claim);
  if (name === undefined || world.store.get("storageclasses", null, name) === undefined) return;
  const { namespace = "", name: claimName, uid } = claim.metadata;
  const volume = `pvc-${uid}`;
  world.store.put({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: newMetadata(world, { name: volume }),
    spec: {
      storageClassName: name,
      claimRef: { kind: "PersistentVolumeClaim", namespace, name: claimName, uid },
    },
    status: { phase: "Bound" },
  } as ApiObject);
  const annotations = { ...claim.metadata.annotations, "pv.kubernetes.io/bind-completed": "yes" };
  world.store.put({
    ...claim,
    metadata: { ...claim.metadata, annotations },
    spec: { ...claim.spec, storageClassName: name, volumeName: volume },
    status: { ...claim.status, phase: "Bound" },
  });
}

function classOf(world: World, { spec }: PersistentVolumeClaim): string | undefined {
  if (spec.storageClassName !== undefined) return spec.storageClassName;
  const classes = world.store.list("storageclasses");
  return classes.find(({ metadata }) => metadata.annotations?.[defaultClassKey] === "true")?.metadata.name;
}

/** In the scheduler's words; null: all claims of the pod are bound. */
export function claimTrouble(
  world: World,
  namespace: string | null,
  claims: readonly string[],
): string | null {
  for (const name of claims) {
    const claim = world.store.get("persistentvolumeclaims", namespace, name);
    if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
    if ((claim as PersistentVolumeClaim).status.phase !== "Bound")
      return "pod has unbound immediate PersistentVolumeClaims";
  }
  return null;
}
