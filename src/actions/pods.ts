// Pods as the actions see them: state in one record, and the pods that belong to a workload by ownership, not by label alone.
import type { KubernetesObject, OwnerReference } from "../domain/facts/objects.ts";
import type { ClusterApi } from "./action.ts";
import { selectorText } from "./selector-text.ts";

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: {
    readonly reason?: string;
    readonly exitCode?: number;
    readonly finishedAt?: string;
  };
}
interface ContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
}

export interface PodState {
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly ready: boolean;
  /** Ready since then, and no container has ended after it; null while it is not ready, or when nobody can tell. */
  readonly wellSince: string | null;
  readonly terminating: boolean;
  /** Of all containers, init containers included. */
  readonly restarts: number;
  /** Of the first container that waits: `CrashLoopBackOff`, `ImagePullBackOff`. */
  readonly waitingReason: string | null;
  /** Why the whole pod ended: `Evicted`. */
  readonly endReason: string | null;
  readonly lastTermination: {
    readonly container: string;
    readonly reason: string;
    readonly exitCode: number;
  } | null;
  readonly owner: OwnerReference | null;
  readonly node: string | null;
  readonly containers: readonly string[];
  readonly createdAt: string;
}

export function podState(pod: KubernetesObject): PodState {
  const { metadata, spec, status } = pod;
  const statuses = [
    ...list<ContainerStatus>(status?.initContainerStatuses),
    ...list<ContainerStatus>(status?.containerStatuses),
  ];
  const waiting = statuses.find(({ state }) => state?.waiting !== undefined)?.state?.waiting;
  const ready = list<Condition>(status?.conditions).find(
    (condition) => condition.type === "Ready" && condition.status === "True",
  );
  return {
    name: metadata.name,
    uid: metadata.uid,
    phase: typeof status?.phase === "string" ? status.phase : "Unknown",
    ready: ready !== undefined,
    wellSince: ready?.lastTransitionTime === undefined ? null : lastOf(ready.lastTransitionTime, statuses),
    terminating: metadata.deletionTimestamp !== undefined,
    restarts: statuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    waitingReason: waiting?.reason ?? null,
    endReason: typeof status?.reason === "string" ? status.reason : null,
    lastTermination: lastTermination(statuses),
    owner: controllerOf(pod),
    node: typeof spec?.nodeName === "string" ? spec.nodeName : null,
    containers: list<{ name: string }>(spec?.containers).map(({ name }) => name),
    createdAt: metadata.creationTimestamp ?? "",
  };
}

/** The later of the time when it became ready and the last end of a container. */
function lastOf(readySince: string, statuses: readonly ContainerStatus[]): string {
  const ends = statuses.flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? []);
  return [readySince, ...ends].toSorted().at(-1) ?? readySince;
}

function lastTermination(statuses: readonly ContainerStatus[]): PodState["lastTermination"] {
  for (const { name, state, lastState } of statuses) {
    const ended = state?.terminated ?? lastState?.terminated;
    if (ended !== undefined)
      return { container: name, reason: ended.reason ?? "", exitCode: ended.exitCode ?? 0 };
  }
  return null;
}

export function controllerOf(object: KubernetesObject): OwnerReference | null {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true) ?? null;
}

/** What is wrong with a pod that should be ready, for people: `api-0: CrashLoopBackOff, 5 restarts`. */
export function podTrouble(pod: PodState): string {
  const parts = [pod.waitingReason ?? (pod.ready ? "ready" : `${pod.phase}, not ready`)];
  if (pod.lastTermination !== null) parts.push(`last exit ${pod.lastTermination.exitCode}`);
  if (pod.restarts > 0) parts.push(pod.restarts === 1 ? "1 restart" : `${pod.restarts} restarts`);
  return `${pod.name}: ${parts.join(", ")}`;
}

/** Pods of a workload, terminating ones included; the pod itself for a Pod. Follows Deployment -> ReplicaSet -> Pod by uid. */
export async function podsOf(api: ClusterApi, workload: KubernetesObject): Promise<readonly PodState[]> {
  if (workload.kind === "Pod") return [podState(workload)];
  const owners = await podOwners(api, workload);
  const pods = await api.list({ apiVersion: "v1", kind: "Pod", ...selected(workload) });
  return pods.map(podState).filter(({ owner }) => owner !== null && owners.has(owner.uid));
}

async function podOwners(api: ClusterApi, workload: KubernetesObject): Promise<ReadonlySet<string>> {
  if (workload.kind !== "Deployment") return new Set([workload.metadata.uid]);
  return new Set((await replicaSetsOf(api, workload)).map(({ metadata }) => metadata.uid));
}

/** ReplicaSets that the Deployment controls. */
export async function replicaSetsOf(
  api: ClusterApi,
  deployment: KubernetesObject,
): Promise<readonly KubernetesObject[]> {
  const sets = await api.list({ apiVersion: "apps/v1", kind: "ReplicaSet", ...selected(deployment) });
  return sets.filter((set) => controllerOf(set)?.uid === deployment.metadata.uid);
}

function selected(workload: KubernetesObject): {
  readonly namespace: string | null;
  readonly labelSelector: string;
} {
  return {
    namespace: workload.metadata.namespace ?? null,
    labelSelector: selectorText(workload.spec?.selector),
  };
}

/** The pods that most need a look first: not ready before ready, then those with the most restarts. */
export function worstFirst(pods: readonly PodState[]): readonly PodState[] {
  const live = pods.filter(({ terminating }) => !terminating);
  return (live.length > 0 ? live : pods).toSorted(
    (one, other) =>
      Number(one.ready) - Number(other.ready) ||
      other.restarts - one.restarts ||
      one.name.localeCompare(other.name),
  );
}

export function worstOf(pods: readonly PodState[]): PodState | null {
  return worstFirst(pods)[0] ?? null;
}

function list<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}
