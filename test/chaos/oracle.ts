// Looks at the cluster, never at what gitmend says: were its changes made once, and are the fields that it wrote as they were
// at the start? Fields are those that the API server saw it write.
import { sameJson } from "../../src/actions/differences.ts";
import { segmentsOf, valueAt } from "../../src/actions/json-pointer.ts";
import type { SimulatedCluster } from "../../src/simulation/control.ts";
import type { PersistedEffect } from "../../src/simulation/effects.ts";
import type { ApiObject } from "../../src/simulation/objects.ts";

const plurals = ["deployments", "pods", "nodes"] as const;
const effectAnnotation = "gitmend.dev/effect";

/** The objects of a cluster at one moment, by uid. */
export type Snapshot = ReadonlyMap<string, ApiObject>;

export function snapshotOf(cluster: SimulatedCluster): Snapshot {
  const objects = plurals.flatMap((plural) => cluster.list(plural));
  return new Map(objects.map((object) => [object.metadata.uid, structuredClone(object)]));
}

/** What gitmend changed; notes (Events) are no changes. */
export function changesOf(cluster: SimulatedCluster): readonly PersistedEffect[] {
  return cluster.effects.of({ manager: "gitmend" }).filter(({ kind }) => kind !== "Event");
}

/** A step writes its name on the object with its change: the same name twice is the same change twice. */
export function madeTwice(cluster: SimulatedCluster): readonly string[] {
  const patches = changesOf(cluster).filter(({ verb }) => verb === "patch");
  const keys = patches.map(({ annotations }) => annotations[effectAnnotation] ?? "unnamed");
  return [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))];
}

/** Fields that gitmend wrote and that are not as they were: `Deployment api /spec/replicas`. Deletions are not undone. */
export function notAsBefore(cluster: SimulatedCluster, start: Snapshot): readonly string[] {
  const now = snapshotOf(cluster);
  return changesOf(cluster)
    .filter(({ verb }) => verb === "patch")
    .flatMap(({ uid, kind, name, fields }) =>
      fields
        .filter((pointer) => !isBookkeeping(pointer))
        .filter((pointer) => !sameJson(fieldOf(start.get(uid), pointer), fieldOf(now.get(uid), pointer)))
        .map((pointer) => `${kind} ${name} ${pointer}`),
    );
}

/** A map that is not there and an empty one are the same to the API server. */
function fieldOf(object: ApiObject | undefined, pointer: string) {
  const value = valueAt(object, pointer);
  return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? undefined : value;
}

function isBookkeeping(pointer: string): boolean {
  const [top, part = "", name] = segmentsOf(pointer);
  if (top !== "metadata") return top === "status";
  return (
    part !== "labels" && (part !== "annotations" || name === undefined || name.startsWith("gitmend.dev/"))
  );
}
