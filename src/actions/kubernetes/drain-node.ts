// drain_node: no new pods on a node, then evicts those that run there, as their disruption budgets allow.
// The cordon is the one effect, which undo takes back; the evictions follow it, each once for its pod's uid, so that whoever takes
// over goes on where the other stopped. Only the pods that the plan names are evicted: guards and people have seen no others.
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction, ClusterApi } from "../action.ts";
import {
  durationParameter,
  nodeRef,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { type DrainRules, isDrained, podsOnNode, podText, refuseUndrainable } from "../pods-on-node.ts";
import {
  changedOutput,
  hasChanged,
  isReady,
  nodeParameter,
  nodeRbac,
  readNode,
  unschedulableEffect,
} from "../schedulable.ts";
import { type Look, waitFor } from "../wait.ts";

const shownPods = 3;
const text = { type: "string", minLength: 1 };

export const drainNode: ChangeAction = {
  name: "drain_node",
  aliases: ["DrainNode", "CordonDrainNode"],
  type: "kubernetes",
  summary: "Cordons a node and evicts its pods, as their disruption budgets allow.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema({
    node: nodeParameter,
    wait_timeout: durationParameter("10m", "How long the evictions may take, waiting for budgets included."),
    grace_period_seconds: {
      type: "integer",
      minimum: 0,
      maximum: 3600,
      description: "Time that containers get to end by themselves. Default: what each pod asks for.",
    },
    ignore_daemonsets: {
      type: "boolean",
      default: true,
      description: "Leave pods of DaemonSets where they are. With false a node that has some is refused.",
    },
    delete_local_data: {
      type: "boolean",
      default: false,
      description: "Evict pods with an emptyDir too: what it holds is lost.",
    },
    force: {
      type: "boolean",
      default: false,
      description: "Evict pods without a controller too: nothing makes them again.",
    },
    pods: {
      type: "array",
      items: objectSchema({ namespace: text, name: text, uid: text }, ["namespace", "name", "uid"]),
      description: "The pods that are evicted and no others. Filled in when the plan is made.",
    },
    reason: reasonParameter,
  }),
  parameterAliases: { node_name: "node", name: "node", timeout: "wait_timeout" },
  identity: ["node", "pods"],
  text: ["reason"],
  output: outputSchema({
    node: { type: "string" },
    changed: changedOutput,
    evicted: {
      type: "array",
      items: { type: "string" },
      description: "The planned pods, `namespace/name`; all are off the node.",
    },
  }),
  rbac: [
    ...nodeRbac,
    { apiGroup: "", resource: "pods", verbs: ["list"] },
    { apiGroup: "", resource: "pods/eviction", verbs: ["create"] },
  ],
  undo: { how: "restore" },
  timeoutSeconds: 60,
  waitParameter: "wait_timeout",
  objects: (input, situation) => [
    nodeRef(input, situation),
    ...plannedPods(input).map(
      ({ namespace, name }): ObjectRef => ({
        cluster: situation.cluster,
        apiVersion: "v1",
        kind: "Pod",
        namespace,
        name,
      }),
    ),
  ],
  preview,
  resolve,
  prepare,
  settle,
};

interface PlannedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

function plannedPods({ pods }: ActionInput): readonly PlannedPod[] {
  return Array.isArray(pods) ? (pods.filter(isObject) as unknown as PlannedPod[]) : [];
}

function preview(input: ActionInput): string {
  const node = textOf(input, "node") ?? "the target";
  if (!Array.isArray(input.pods)) return `cordon node ${node} and evict its pods`;
  const names = plannedPods(input).map(({ namespace, name }) => `${namespace}/${name}`);
  if (names.length === 0) return `cordon node ${node}, which has no pods to evict`;
  const more = names.length > shownPods ? ` and ${names.length - shownPods} more` : "";
  const pods = names.length === 1 ? "1 pod" : `${names.length} pods`;
  return `cordon node ${node} and evict ${pods}: ${names.slice(0, shownPods).join(", ")}${more}`;
}

async function resolve(input: ActionInput, situation: Situation, tools: ActionTools): Promise<ActionInput> {
  const { ref, object } = await readNode(input, situation, tools);
  refuseNotReady(object);
  const pods = await podsOnNode(tools.cluster(ref.cluster), ref.name);
  refuseUndrainable(pods, ref.name, rulesOf(input));
  const planned = pods
    .filter(isDrained)
    .map(({ metadata: { namespace = "", name, uid } }) => ({ namespace, name, uid }))
    .toSorted((one, other) => one.uid.localeCompare(other.uid));
  return { ...input, node: ref.name, pods: planned };
}

function rulesOf(input: ActionInput): DrainRules {
  return {
    ignoreDaemonSets: input.ignore_daemonsets !== false,
    deleteLocalData: input.delete_local_data === true,
    force: input.force === true,
  };
}

/** Evicting from a node that does not answer ends nothing: its pods may still run and hold their volumes. */
function refuseNotReady(node: KubernetesObject): void {
  if (isReady(node)) return;
  throw new Problem(
    "PRECONDITION_FAILED",
    `node ${node.metadata.name} is not Ready: nobody can tell whether its pods have ended, so none is evicted`,
  );
}

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const { ref, object } = await readNode(input, context, tools);
  refuseNotReady(object);
  const pods = await podsOnNode(tools.cluster(ref.cluster), ref.name);
  refuseUndrainable(pods, ref.name, rulesOf(input));
  refuseUnplanned(pods, input, ref.name);
  return unschedulableEffect(ref, object, true);
}

/** @throws Problem PRECONDITION_FAILED: there are pods now that nobody has judged. Planned ones may be gone. */
function refuseUnplanned(pods: readonly KubernetesObject[], input: ActionInput, node: string): void {
  if (!Array.isArray(input.pods))
    throw new Problem("PRECONDITION_FAILED", `the plan does not say which pods of node ${node} are evicted`);
  const planned = new Set(plannedPods(input).map(({ uid }) => uid));
  const others = pods.filter((pod) => isDrained(pod) && !planned.has(pod.metadata.uid));
  if (others.length === 0) return;
  const names = others.slice(0, shownPods).map(podText).join(", ");
  const more = others.length > shownPods ? ` and ${others.length - shownPods} more` : "";
  throw new Problem(
    "PRECONDITION_FAILED",
    `node ${node} has pods that came after the plan was made, which nobody has judged: ${names}${more}`,
  );
}

async function settle(
  input: ActionInput,
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const ref = nodeRef(input, context);
  const { name: node } = ref;
  const api = tools.cluster(ref.cluster);
  // Between the plan and the cordon a pod may still have been placed there.
  refuseUnplanned(await podsOnNode(api, node), input, node);
  const planned = new Map(plannedPods(input).map((pod) => [pod.uid, pod]));
  await waitFor(tools, secondsOf(input, "wait_timeout", "10m"), () => evictOnce(planned, ref, input, api));
  const evicted = [...planned.values()].map(({ namespace, name }) => `${namespace}/${name}`);
  return { node, changed: hasChanged(effect), evicted };
}

/** Asks once more for every planned pod that is still there; done when none is. */
async function evictOnce(
  planned: ReadonlyMap<string, PlannedPod>,
  { cluster, name: node }: ObjectRef,
  input: ActionInput,
  api: ClusterApi,
): Promise<Look<true>> {
  const left = (await podsOnNode(api, node)).filter(({ metadata }) => planned.has(metadata.uid));
  const held: string[] = [];
  for (const pod of left.filter(isDrained)) {
    if (!(await evict(pod, cluster, input, api))) held.push(podText(pod));
  }
  if (left.length === 0) return { done: true, value: true };
  const budgets = held.length === 0 ? "" : `; disruption budgets hold back ${held.slice(0, 5).join(", ")}`;
  return {
    done: false,
    waitingFor: `${left.length} of ${planned.size} pods are still on node ${node}${budgets}`,
  };
}

/** false: a disruption budget forbids it now. @throws Problem API_* */
async function evict(
  { metadata }: KubernetesObject,
  cluster: string,
  input: ActionInput,
  api: ClusterApi,
): Promise<boolean> {
  const { name, namespace = "", uid } = metadata;
  const grace = input.grace_period_seconds;
  const gracePeriodSeconds = typeof grace === "number" ? grace : null;
  const pod = { cluster, apiVersion: "v1", kind: "Pod", namespace, name };
  try {
    await api.evict(pod, { uid, gracePeriodSeconds, dryRun: false });
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // Gone, or another pod of that name: this one is off the node.
    if (error.code === "API_NOT_FOUND" || error.code === "API_CONFLICT") return true;
    const causes = Array.isArray(error.details.causes) ? (error.details.causes as unknown[]) : [];
    if (error.code === "API_THROTTLED" && causes.includes("DisruptionBudget")) return false;
    throw error;
  }
}
