// scale_deployment: sets the number of replicas. A relative number becomes an absolute one when the plan is made,
// so that no retry scales twice. What an autoscaler scales is left to it.
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { readDeployment } from "../deployment.ts";
import {
  deploymentRef,
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
} from "../parameters.ts";
import { patchEffect } from "../patch-effect.ts";
import { autoscalerRbac, refuseAutoscaled } from "../scalable.ts";

const mostReplicas = 1000;
const replicaCount = { type: "integer", minimum: 0, maximum: mostReplicas };

export const scaleDeployment: ChangeAction = {
  name: "scale_deployment",
  aliases: ["scale_replicas", "scale_up", "ScaleReplicas"],
  type: "kubernetes",
  summary: "Sets the number of replicas of a Deployment.",
  risk: "low",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      namespace: namespaceParameter,
      deployment: nameParameter("Deployment", "the target"),
      replicas: {
        description:
          "A number, or one relative to the present: {add: 2, max: 20}, {factor: 1.5, max: 20}, rounded up.",
        oneOf: [
          replicaCount,
          objectSchema({ add: { type: "integer" }, min: replicaCount, max: replicaCount }, ["add"]),
          objectSchema(
            { factor: { type: "number", exclusiveMinimum: 0 }, min: replicaCount, max: replicaCount },
            ["factor"],
          ),
        ],
      },
      rollback_on_failure: {
        enum: [true],
        default: true,
        description: "Always: a failed step is undone. To leave it as it is, the step says on_failure: stop.",
      },
      reason: reasonParameter,
    },
    ["replicas"],
  ),
  parameterAliases: { name: "deployment" },
  identity: ["namespace", "deployment"],
  text: ["reason"],
  adaptable: { replicas: "/spec/replicas" },
  output: outputSchema({
    namespace: { type: "string" },
    deployment: { type: "string" },
    replicas: {
      type: "integer",
      description: "What was asked for; validate_pod_health waits until they are ready.",
    },
    previous: { type: "integer" },
  }),
  rbac: [{ apiGroup: "apps", resource: "deployments", verbs: ["get", "patch"] }, ...autoscalerRbac],
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => [deploymentRef(input, situation)],
  preview: (input) => `scale deployment ${named(input, "deployment")} ${replicasText(input.replicas)}`,
  resolve,
  prepare,
  settle,
};

async function resolve(input: ActionInput, situation: Situation, tools: ActionTools): Promise<ActionInput> {
  const ref = deploymentRef(input, situation);
  const { namespace, name } = ref;
  await refuseAutoscaled(ref, tools);
  if (typeof input.replicas === "number") return { ...input, namespace, deployment: name };
  const { object } = await readDeployment(input, situation, tools);
  return {
    ...input,
    namespace,
    deployment: name,
    replicas: absoluteReplicas(input.replicas, presentReplicas(object)),
  };
}

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const { ref, object } = await readDeployment(input, context, tools);
  await refuseAutoscaled(ref, tools);
  const value = absoluteReplicas(input.replicas, presentReplicas(object));
  return patchEffect(ref, object, [{ pointer: "/spec/replicas", value }]);
}

async function settle(input: ActionInput, effect: Effect, context: ActionContext): Promise<JsonObject> {
  const { namespace, name } = deploymentRef(input, context);
  const [change] = effect.kind === "patch" ? effect.changes : [];
  return {
    namespace: namespace ?? "",
    deployment: name,
    replicas: Number(change?.after ?? 1),
    previous: Number(change?.before ?? 1),
  };
}

function presentReplicas({ spec }: KubernetesObject): number {
  return typeof spec?.replicas === "number" ? spec.replicas : 1;
}

/** Clamped to min and max of the input, and to 0…1000. @throws Problem PARAMETER_INVALID */
export function absoluteReplicas(wanted: Json | undefined, present: number): number {
  if (typeof wanted === "number") return wanted;
  const { add, factor, min = 0, max = mostReplicas } = isObject(wanted) ? wanted : {};
  if (Number(min) > Number(max)) {
    throw new Problem("PARAMETER_INVALID", `replicas: min ${Number(min)} is above max ${Number(max)}`);
  }
  if (typeof add === "number") return clamp(present + add, Number(min), Number(max));
  if (typeof factor === "number") return clamp(Math.ceil(present * factor), Number(min), Number(max));
  throw new Problem("PARAMETER_INVALID", "replicas: write a number, {add: …} or {factor: …}");
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function replicasText(wanted: Json | undefined): string {
  if (!isObject(wanted)) return `to ${Number(wanted)} replicas`;
  if (typeof wanted.add === "number") return `by ${wanted.add >= 0 ? "+" : ""}${wanted.add} replicas`;
  return `by a factor of ${Number(wanted.factor)}`;
}
