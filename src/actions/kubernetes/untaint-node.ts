// untaint_node: takes a taint off a node that somebody has left behind, so that pods may be placed there again. What Kubernetes
// itself puts there says that something is wrong with the node, and stays.
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import {
  nameParameter,
  nodeRef,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  textOf,
} from "../parameters.ts";
import { patchEffect } from "../patch-effect.ts";
import { hasChanged, isReady, readNode } from "../schedulable.ts";

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const ofKubernetes = /(^|[.])kubernetes\.io\/|^node\.cilium\.io\//;

export const untaintNode: ChangeAction = {
  name: "untaint_node",
  aliases: ["RemoveTaint"],
  type: "kubernetes",
  summary: "Takes a taint off a node; never one that Kubernetes itself puts there.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      node: nameParameter("Node", "the target, when that is a node; else the one node that has the taint"),
      key: { type: "string", minLength: 1, maxLength: 316, description: "The taint's key." },
      effect: { enum: effects, description: "Its effect. Default: all that stand under the key." },
      verify_health: {
        type: "boolean",
        default: true,
        description: "Refuse while the node is not Ready, or is cordoned: then somebody still works on it.",
      },
      reason: reasonParameter,
    },
    ["key"],
  ),
  parameterAliases: { node_name: "node", name: "node" },
  identity: ["node", "key", "effect"],
  text: ["reason"],
  output: outputSchema({
    node: { type: "string" },
    changed: { type: "boolean", description: "false: the node did not have it." },
  }),
  rbac: [{ apiGroup: "", resource: "nodes", verbs: ["get", "list", "patch"] }],
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => (isNamed(input, situation) ? [nodeRef(input, situation)] : []),
  preview: (input) =>
    `take the taint ${textOf(input, "key") ?? "?"} off node ${textOf(input, "node") ?? "that has it"}`,
  resolve: async (input, context, tools) => ({ ...input, node: await chooseNode(input, context, tools) }),
  prepare,
  settle: async (input, effect, context) => ({
    node: nodeRef(input, context).name,
    changed: hasChanged(effect),
  }),
};

function isNamed(input: ActionInput, { target }: Situation): boolean {
  return textOf(input, "node") !== null || target?.kind === "Node";
}

/** @throws Problem PRECONDITION_FAILED: no node has it, or several have */
async function chooseNode(input: ActionInput, situation: Situation, tools: ActionTools): Promise<string> {
  refuseClusters(input);
  if (isNamed(input, situation)) return nodeRef(input, situation).name;
  const query = { apiVersion: "v1", kind: "Node", namespace: null };
  const nodes = await tools.cluster(situation.cluster).list(query);
  const names = nodes
    .filter((node) => taintsOf(node).some(isMeant(input)))
    .map(({ metadata }) => metadata.name);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new Problem(
    "PRECONDITION_FAILED",
    names.length === 0
      ? `no node has the taint ${textOf(input, "key") ?? ""}`
      : `several nodes have the taint ${textOf(input, "key") ?? ""}, so say which: ${names.slice(0, 5).join(", ")}`,
  );
}

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  refuseClusters(input);
  const { ref, object } = await readNode(input, context, tools);
  if (input.verify_health !== false) refuseUnwell(object);
  const taints = taintsOf(object);
  const kept = taints.filter((taint) => !isMeant(input)(taint));
  if (kept.length === taints.length) return patchEffect(ref, object, []);
  return patchEffect(ref, object, [{ pointer: "/spec/taints", value: kept.length === 0 ? undefined : kept }]);
}

/** @throws Problem PRECONDITION_FAILED */
function refuseUnwell(node: KubernetesObject): void {
  const cordoned = node.spec?.["unschedulable"] === true;
  if (isReady(node) && !cordoned) return;
  const why = cordoned ? "is cordoned: somebody still works on it" : "is not Ready";
  throw new Problem("PRECONDITION_FAILED", `node ${node.metadata.name} ${why}`, { retryable: true });
}

/** @throws Problem PARAMETER_INVALID */
function refuseClusters({ key }: ActionInput): void {
  if (typeof key !== "string" || !ofKubernetes.test(key)) return;
  throw new Problem(
    "PARAMETER_INVALID",
    `the taint ${key} is put there by the cluster itself, which takes it off`,
  );
}

function taintsOf({ spec }: KubernetesObject): readonly JsonObject[] {
  const taints = spec?.["taints"];
  return Array.isArray(taints) ? (taints as readonly Json[]).filter(isObject) : [];
}

function isMeant(input: ActionInput): (taint: JsonObject) => boolean {
  const effect = textOf(input, "effect");
  return (taint) => taint.key === input.key && (effect === null || taint.effect === effect);
}
