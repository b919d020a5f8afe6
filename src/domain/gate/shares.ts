// Limits by share: which part of a cluster, a zone, a namespace or a workload a plan takes out, and when that is too large a part.
// Nodes and pods are counted, each once; a rollout of a whole workload takes out as many as the workload's own settings allow.
import { durationText } from "../duration.ts";
import type { KubernetesObject, ObjectRef } from "../facts/objects.ts";
import type { Limit, LimitScope } from "../policies/selection.ts";

/** What a plan takes out in one place. Members of a place count in it as `<key>#<member>`. */
export interface Part {
  readonly scope: LimitScope & ("cluster" | "zone" | "namespace" | "workload");
  readonly cluster: string;
  /** `nodes/prod-eu`, `zone/prod-eu/a`, `pods/prod-eu/shop`, `replicas/prod-eu/apps/Deployment/shop/api`. */
  readonly key: string;
  /** Names of nodes or pods, each once. */
  readonly members: readonly string[];
}

/** With how many there are to take out. */
export interface CountedPart extends Part {
  readonly total: number;
}

/** The members that running and recent executions take out, by the part's key. */
export type TakenOut = ReadonlyMap<string, readonly string[]>;

type Found = readonly { readonly ref: ObjectRef; readonly object: KubernetesObject | null }[];
type Place = Omit<Part, "members">;

export const zoneLabel = "topology.kubernetes.io/zone";

/** Of the objects that a plan touches, as they were read. What is gone already takes out nothing. */
export function partsOf(found: Found): readonly Part[] {
  const parts = new Map<string, Place & { readonly members: Set<string> }>();
  for (const { ref, object } of found) {
    for (const place of object === null ? [] : placesOf(ref, object)) {
      const part = parts.get(place.key) ?? { ...place, members: new Set() };
      parts.set(place.key, part);
      part.members.add(ref.name);
    }
  }
  return [...parts.values()].map((part) => ({ ...part, members: [...part.members] }));
}

/** What an execution with these parts counts in. */
export function keysOfParts(parts: readonly Part[]): readonly string[] {
  return parts.flatMap(({ key, members }) => [key, ...members.map((member) => `${key}#${member}`)]);
}

function placesOf({ cluster, namespace, kind, apiVersion }: ObjectRef, object: KubernetesObject): Place[] {
  if (apiVersion !== "v1") return [];
  if (kind === "Node") {
    const zone = object.metadata.labels?.[zoneLabel];
    const nodes: Place = { scope: "cluster", cluster, key: `nodes/${cluster}` };
    return zone === undefined ? [nodes] : [nodes, { scope: "zone", cluster, key: `zone/${cluster}/${zone}` }];
  }
  if (kind !== "Pod" || namespace === null) return [];
  const pods: Place = { scope: "namespace", cluster, key: `pods/${cluster}/${namespace}` };
  const workload = workloadOf(object);
  return workload === null
    ? [pods]
    : [pods, { scope: "workload", cluster, key: `replicas/${cluster}/${workload(namespace)}` }];
}

/** A Deployment's ReplicaSets carry its name and the hash that their pods are labelled with: its pods count together. */
function workloadOf({ metadata }: KubernetesObject): ((namespace: string) => string) | null {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return null;
  const suffix = `-${metadata.labels?.["pod-template-hash"] ?? ""}`;
  const ofDeployment = owner.kind === "ReplicaSet" && suffix !== "-" && owner.name.endsWith(suffix);
  const kind = ofDeployment ? "Deployment" : owner.kind;
  const name = ofDeployment ? owner.name.slice(0, -suffix.length) : owner.name;
  return (namespace) => `${owner.apiVersion.split("/")[0]}/${kind}/${namespace}/${name}`;
}

/** At least one, so that what is small is not left alone for ever. */
function allowedOf(percent: number, total: number): number {
  return Math.max(1, Math.floor((percent * total) / 100));
}

/** Why the part would be too large; null: it is not, or takes out nothing that is not out already. */
export function shareReached(
  { share, perSeconds }: Pick<Limit, "share" | "perSeconds">,
  parts: readonly CountedPart[],
  taken: TakenOut,
): string | null {
  if (share === undefined) return null;
  for (const { key, scope, members, total } of parts) {
    const before = taken.get(key) ?? [];
    const all = new Set([...before, ...members]);
    const allowed = allowedOf(share, total);
    if (all.size <= allowed || all.size === before.length) continue;
    const what = scope === "cluster" || scope === "zone" ? "nodes" : "pods";
    return `${all.size} of ${total} ${what} of ${key} would have been touched within ${durationText(perSeconds)}, ${before.length} of them already; at most ${allowed} (${share}%) may be`;
  }
  return null;
}
