// uncordon_node: pods may be placed on a node again, provided that it is well.
import type { PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { nodeRef, objectSchema, reasonParameter, textOf } from "../parameters.ts";
import {
  hasChanged,
  isReady,
  nodeOutput,
  nodeParameter,
  nodeRbac,
  readNode,
  unschedulableEffect,
} from "../schedulable.ts";

export const uncordonNode: ChangeAction = {
  name: "uncordon_node",
  aliases: ["UncordonNode"],
  type: "kubernetes",
  summary: "Marks a node schedulable again.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema({
    node: nodeParameter,
    verify_health: { type: "boolean", default: true, description: "Refuse while the node is not Ready." },
    reason: reasonParameter,
  }),
  parameterAliases: { node_name: "node", name: "node" },
  identity: ["node"],
  text: ["reason"],
  output: nodeOutput,
  rbac: nodeRbac,
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => [nodeRef(input, situation)],
  preview: (input) =>
    `uncordon node ${textOf(input, "node") ?? "the target"}: pods may be placed there again`,
  resolve: async (input, situation) => ({ ...input, node: nodeRef(input, situation).name }),
  prepare,
  settle: async (input, effect, context) => ({
    node: nodeRef(input, context).name,
    changed: hasChanged(effect),
    schedulable: true,
  }),
};

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const { ref, object } = await readNode(input, context, tools);
  if (input.verify_health !== false && !isReady(object)) {
    throw new Problem("PRECONDITION_FAILED", `node ${ref.name} is not Ready`, { retryable: true });
  }
  return unschedulableEffect(ref, object, false);
}
