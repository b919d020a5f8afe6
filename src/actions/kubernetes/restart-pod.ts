// restart_pod: deletes one pod, so that its controller makes a new one. Only that very pod: uid and resourceVersion are
// preconditions. A pod that no controller would replace is left alone.
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { secondsBetween } from "../../domain/instant.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { DeleteEffect, Effect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { choosePod, podOrTarget, workloadTarget } from "../choose-pod.ts";
import {
  durationParameter,
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  podRef,
  reasonParameter,
  type Situation,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { controllerOf, podState, podTrouble } from "../pods.ts";
import { findReplacement } from "../replacement.ts";
import { type Look, waitFor } from "../wait.ts";

export const restartPod: ChangeAction = {
  name: "restart_pod",
  aliases: ["delete_pod", "RestartPod", "DeletePod"],
  type: "kubernetes",
  summary: "Deletes a pod that has a controller and waits until the controller has made another one.",
  risk: "low",
  changes: true,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    pod: nameParameter(
      "pod",
      "the target, or the pod of the target that most needs it; one that is ready is never chosen",
    ),
    resource_type: {
      enum: ["pod"],
      default: "pod",
      description: "Always a pod. To restart all pods of a Deployment use restart_deployment.",
    },
    grace_period_seconds: {
      type: "integer",
      minimum: 0,
      maximum: 300,
      default: 30,
      description: "Time that the containers get to end by themselves.",
    },
    wait_timeout: durationParameter(
      "30s",
      "How long the new pod may take to be made, and at most to be ready.",
    ),
    reason: reasonParameter,
  }),
  parameterAliases: { name: "pod", grace_seconds: "grace_period_seconds" },
  identity: ["namespace", "pod"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    pod: { type: "string", description: "The pod that was deleted." },
    replacement: {
      type: ["string", "null"],
      description: "The pod that took its place; null when its owner makes no pod at once (a Job, say).",
    },
    ready: {
      type: "boolean",
      description:
        "Whether the replacement was ready in that time. false fails nothing: a later step may wait longer.",
    },
  }),
  rbac: [
    { apiGroup: "", resource: "pods", verbs: ["get", "list", "delete"] },
    { apiGroup: "apps", resource: "deployments", verbs: ["get"] },
    { apiGroup: "apps", resource: "replicasets", verbs: ["get", "list"] },
    { apiGroup: "apps", resource: "statefulsets", verbs: ["get"] },
    { apiGroup: "apps", resource: "daemonsets", verbs: ["get"] },
    // Of a step for each subject: how many pods may be down at once.
    { apiGroup: "policy", resource: "poddisruptionbudgets", verbs: ["list"] },
  ],
  undo: { how: "action", action: "rollback_pod_restart" },
  timeoutSeconds: 60,
  waitParameter: "wait_timeout",
  objects: podOrTarget,
  preview: (input) => `delete pod ${named(input, "pod")}, so that its controller makes a new one`,
  resolve: async (input, situation, tools) => {
    const { namespace, name } = await chooseUnready(input, situation, tools);
    return { ...input, namespace, pod: name };
  },
  prepare,
  settle,
};

/** @throws Problem PRECONDITION_FAILED: nobody named a pod, and all are ready */
async function chooseUnready(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<ObjectRef> {
  if (workloadTarget(input, situation) === null || textOf(input, "pod") !== null)
    return podRef(input, situation);
  const chosen = await choosePod(input, situation, tools);
  const pod = chosen === null ? null : await tools.cluster(situation.cluster).get(chosen);
  if (chosen !== null && pod !== null && !podState(pod).ready) return chosen;
  throw new Problem(
    "PRECONDITION_FAILED",
    `no pod of ${situation.target?.kind.toLowerCase()} ${situation.target?.name} needs it, so say which: all are ready, or there is none`,
  );
}

async function prepare(
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<DeleteEffect> {
  const object = podRef(input, context);
  const pod = await tools.cluster(context.cluster).get(object);
  const text = `pod ${object.namespace}/${object.name}`;
  if (pod === null) throw new Problem("TARGET_GONE", `${text} no longer exists`);
  refuseUncontrolled(pod, text);
  const { uid, resourceVersion } = pod.metadata;
  const grace = input.grace_period_seconds;
  const gracePeriodSeconds = typeof grace === "number" ? grace : null;
  return { kind: "delete", object, uid, resourceVersion, gracePeriodSeconds };
}

/** A node is an owner too, of static pods, but the kubelet ignores their deletion. */
function refuseUncontrolled(pod: KubernetesObject, text: string): void {
  const controller = controllerOf(pod);
  if (controller !== null && controller.kind !== "Node") return;
  const why = controller === null ? "no controller" : "only its node";
  throw new Problem("OWNERLESS_POD", `${text} has ${why} to replace it: deleting it would lose it for good`);
}

async function settle(
  input: ActionInput,
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  if (effect.kind !== "delete") throw new Problem("INTERNAL", `restart_pod got a ${effect.kind} effect`);
  const startedAt = tools.now();
  const seconds = secondsOf(input, "wait_timeout", "30s");
  const replacement = await waitFor(tools, seconds, () => findReplacement(effect, context, tools));
  const rest = seconds - secondsBetween(startedAt, tools.now());
  const ready =
    replacement !== null && (await becomesReady({ ...effect.object, name: replacement }, rest, tools));
  return { namespace: effect.object.namespace ?? "", pod: effect.object.name, replacement, ready };
}

/** false as soon as it is plain that it does not: it has crashed already, or it is gone again. */
async function becomesReady(ref: ObjectRef, limitSeconds: number, tools: ActionTools): Promise<boolean> {
  const look = async (): Promise<Look<boolean>> => {
    const pod = await tools.cluster(ref.cluster).get(ref);
    const state = pod === null ? null : podState(pod);
    if (state === null || state.ready || state.restarts > 0)
      return { done: true, value: state?.ready ?? false };
    return { done: false, waitingFor: podTrouble(state) };
  };
  try {
    return await waitFor(tools, limitSeconds, look);
  } catch (error) {
    if (error instanceof Problem && error.code === "NOT_HEALTHY") return false;
    throw error;
  }
}
