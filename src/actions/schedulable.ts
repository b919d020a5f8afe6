// What cordon_node and uncordon_node share: the one field that both write, and the node that must be there.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import type { JsonObject } from "../domain/json.ts";
import type { Effect, PatchEffect } from "../domain/planning/effect.ts";
import { Problem } from "../domain/problem.ts";
import type { ActionInput, ActionTools, ChangeAction } from "./action.ts";
import { nameParameter, nodeRef, outputSchema, type Situation } from "./parameters.ts";
import { patchEffect } from "./patch-effect.ts";

export const nodeParameter: JsonObject = nameParameter("Node", "the target, when that is a node");

/** For whoever takes it back: what somebody else has cordoned stays so. */
export const changedOutput: JsonObject = {
  type: "boolean",
  description: "Whether this step changed whether pods may be placed there; false: it was so before.",
};

export const nodeOutput: JsonObject = outputSchema({
  node: { type: "string" },
  changed: changedOutput,
  schedulable: { type: "boolean", description: "As the action left it." },
});

export const nodeRbac: ChangeAction["rbac"] = [{ apiGroup: "", resource: "nodes", verbs: ["get", "patch"] }];

/** @throws Problem TARGET_GONE */
export async function readNode(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<{ readonly ref: ObjectRef; readonly object: KubernetesObject }> {
  const ref = nodeRef(input, situation);
  const object = await tools.cluster(ref.cluster).get(ref);
  if (object === null) throw new Problem("TARGET_GONE", `node ${ref.name} no longer exists`);
  return { ref, object };
}

/** The field is absent on a schedulable node: `false` would be dropped by the server, and the undo would miss it. */
export function unschedulableEffect(
  ref: ObjectRef,
  object: KubernetesObject,
  unschedulable: boolean,
): PatchEffect {
  return patchEffect(ref, object, [
    { pointer: "/spec/unschedulable", value: unschedulable ? true : undefined },
  ]);
}

export function hasChanged(effect: Effect): boolean {
  return effect.kind === "patch" && effect.changes.some(({ before, after }) => before !== after);
}

export function isReady({ status }: KubernetesObject): boolean {
  const conditions = Array.isArray(status?.conditions)
    ? (status.conditions as { type?: string; status?: string }[])
    : [];
  return conditions.some(({ type, status: value }) => type === "Ready" && value === "True");
}
