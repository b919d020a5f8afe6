// Whether a target is well, by its own state alone: no metric, no alert. Reads only.
import type { ClusterApi } from "../actions/action.ts";
import { type PodState, podState, podsOf, podTrouble } from "../actions/pods.ts";
import { rolloutOf } from "../actions/rollout.ts";
import type { TargetSeen } from "../domain/effectiveness/assess.ts";
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import { objectText } from "../domain/facts/objects.ts";

/** Why a container waits while its pod is only starting. */
const starting: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

/** null: it is of a kind that is neither ill nor well. @throws Problem API_* */
export async function targetHealth(
  target: ObjectRef & { readonly uid: string },
  api: ClusterApi,
): Promise<TargetSeen | null> {
  const name = objectText(target);
  const object = await api.get(target);
  if (object === null) return { health: "gone", finding: `${name} no longer exists` };
  if (object.metadata.uid !== target.uid)
    return { health: "gone", finding: `${name} was deleted and made anew since` };
  switch (object.kind) {
    case "Deployment":
    case "StatefulSet":
    case "DaemonSet":
      return workloadHealth(object, name, await podsOf(api, object));
    case "Pod":
      return podHealth(podState(object), name);
    case "Node":
      return nodeHealth(object, name);
    default:
      return null;
  }
}

/** A pod in trouble outweighs a rollout that goes on: whoever rolls out sees it too. */
function workloadHealth(object: KubernetesObject, name: string, pods: readonly PodState[]): TargetSeen {
  const broken = pods.find((pod) => !pod.terminating && isBroken(pod));
  if (broken !== undefined) return { health: "unhealthy", finding: `${name}: ${podTrouble(broken)}` };
  const { complete, desired, missing } = rolloutOf(object);
  if (!complete) return { health: "settling", finding: `${name}: ${missing}` };
  const ready = pods.filter((pod) => !pod.terminating && pod.ready);
  return ready.length < desired
    ? { health: "settling", finding: `${name}: ${ready.length} of ${desired} pods are ready` }
    : {
        health: "healthy",
        finding: `${name}: ${desired} of ${desired} pods are ready`,
        ...since(ready.map(({ wellSince }) => wellSince)),
      };
}

/** As long as the last of them is well; nothing where one does not say. */
function since(times: readonly (string | null)[]): Pick<TargetSeen, "since"> {
  const last = times.toSorted((one, other) => (one ?? "").localeCompare(other ?? "")).at(-1);
  return last === undefined || last === null || times.includes(null) ? {} : { since: last };
}

function podHealth(pod: PodState, name: string): TargetSeen {
  if (isBroken(pod)) return { health: "unhealthy", finding: `${name}: ${podTrouble(pod)}` };
  if (pod.ready || pod.phase === "Succeeded")
    return {
      health: "healthy",
      finding: `${name} is ${pod.ready ? "ready" : "done"}`,
      ...since([pod.wellSince]),
    };
  return { health: "settling", finding: `${name}: ${podTrouble(pod)}` };
}

function isBroken({ waitingReason, phase }: PodState): boolean {
  return phase === "Failed" || (waitingReason !== null && !starting.has(waitingReason));
}

function nodeHealth({ status }: KubernetesObject, name: string): TargetSeen {
  const conditions = (status?.["conditions"] ?? []) as readonly {
    type: string;
    status: string;
    reason?: string;
    lastTransitionTime?: string;
  }[];
  const ready = conditions.find(({ type }) => type === "Ready");
  if (ready?.status === "True") {
    return { health: "healthy", finding: `${name} is Ready`, ...since([ready.lastTransitionTime ?? null]) };
  }
  return {
    health: "unhealthy",
    finding: `${name} is not Ready${ready?.reason === undefined ? "" : `: ${ready.reason}`}`,
  };
}
