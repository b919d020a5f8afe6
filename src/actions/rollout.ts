// How far the rollout of a workload is, by the rules of `kubectl rollout status`.
import type { KubernetesObject } from "../domain/facts/objects.ts";

export interface Rollout {
  /** The controller has seen the newest spec and all pods are of it; says nothing of their health. */
  readonly rolledOut: boolean;
  /** Rolled out, and every pod that should be there is available. */
  readonly complete: boolean;
  readonly desired: number;
  /** What is missing, for people; "" when complete. */
  readonly missing: string;
}

/** Deployment, StatefulSet, DaemonSet and ReplicaSet; anything else counts as rolled out with nothing desired. */
export function rolloutOf(workload: KubernetesObject): Rollout {
  const counts = countsOf(workload);
  if (counts === null) return { rolledOut: true, complete: true, desired: 0, missing: "" };
  const observed = count(workload.status?.observedGeneration) >= (workload.metadata.generation ?? 0);
  const { desired, updated, total, available } = counts;
  const rolledOut = observed && updated >= desired && total <= updated;
  return {
    rolledOut,
    complete: rolledOut && available >= desired,
    desired,
    missing: missingText(observed, counts),
  };
}

interface Counts {
  readonly desired: number;
  readonly updated: number;
  readonly total: number;
  readonly available: number;
}

function countsOf({ kind, spec, status }: KubernetesObject): Counts | null {
  const replicas = count(spec?.replicas ?? 1);
  switch (kind) {
    case "Deployment":
      return {
        desired: replicas,
        updated: count(status?.updatedReplicas),
        total: count(status?.replicas),
        available: count(status?.availableReplicas),
      };
    case "StatefulSet":
      return {
        desired: replicas,
        updated: statefulSetUpdated(status, replicas),
        total: count(status?.replicas),
        available: count(status?.readyReplicas),
      };
    case "DaemonSet":
      return {
        desired: count(status?.desiredNumberScheduled),
        updated: count(status?.updatedNumberScheduled),
        total: count(status?.updatedNumberScheduled),
        available: count(status?.numberAvailable),
      };
    case "ReplicaSet":
      return {
        desired: replicas,
        updated: count(status?.replicas),
        total: count(status?.replicas),
        available: count(status?.availableReplicas),
      };
    default:
      return null;
  }
}

/** A StatefulSet leaves `updatedReplicas` out while nothing is being rolled out. */
function statefulSetUpdated(status: KubernetesObject["status"], replicas: number): number {
  const settled = status?.currentRevision === status?.updateRevision;
  return settled ? Math.min(replicas, count(status?.replicas)) : count(status?.updatedReplicas);
}

function missingText(observed: boolean, { desired, updated, total, available }: Counts): string {
  if (!observed) return "the controller has not seen the newest spec yet";
  if (updated < desired) return `${updated} of ${desired} pods are of the newest revision`;
  if (total > updated) return `${total - updated} pods of an older revision are still there`;
  if (available < desired) return `${available} of ${desired} pods are available`;
  return "";
}

function count(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
