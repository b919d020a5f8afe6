// cordon_node: no new pods on a node. Those that run there stay.
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { nodeRef, objectSchema, reasonParameter, textOf } from "../parameters.ts";
import {
  hasChanged,
  nodeOutput,
  nodeParameter,
  nodeRbac,
  readNode,
  unschedulableEffect,
} from "../schedulable.ts";

export const cordonNode: ChangeAction = {
  name: "cordon_node",
  aliases: ["CordonNode"],
  type: "kubernetes",
  summary: "Marks a node unschedulable: no new pods are placed there.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema({ node: nodeParameter, reason: reasonParameter }),
  parameterAliases: { node_name: "node", name: "node" },
  identity: ["node"],
  text: ["reason"],
  output: nodeOutput,
  rbac: nodeRbac,
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => [nodeRef(input, situation)],
  preview: (input) => `cordon node ${textOf(input, "node") ?? "the target"}: no new pods there`,
  resolve: async (input, situation) => ({ ...input, node: nodeRef(input, situation).name }),
  prepare: async (input: ActionInput, context: ActionContext, tools: ActionTools) => {
    const { ref, object } = await readNode(input, context, tools);
    return unschedulableEffect(ref, object, true);
  },
  settle: async (input, effect, context) => ({
    node: nodeRef(input, context).name,
    changed: hasChanged(effect),
    schedulable: false,
  }),
};
