// restart_deployment: replaces all pods of a Deployment, a few at a time, as `kubectl rollout restart` does.
import type { JsonObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { deploymentText, readDeployment, refusePaused } from "../deployment.ts";
import { toPointer } from "../json-pointer.ts";
import {
  deploymentRef,
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
} from "../parameters.ts";
import { patchEffect } from "../patch-effect.ts";
import { rolloutOf } from "../rollout.ts";

const restartedAt = toPointer([
  "spec",
  "template",
  "metadata",
  "annotations",
  "kubectl.kubernetes.io/restartedAt",
]);

export const restartDeployment: ChangeAction = {
  name: "restart_deployment",
  aliases: ["RestartDeployment", "GracefulRestart"],
  type: "kubernetes",
  summary: "Replaces all pods of a Deployment by a rolling restart.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    deployment: nameParameter("Deployment", "the target"),
    reason: reasonParameter,
  }),
  parameterAliases: { name: "deployment" },
  identity: ["namespace", "deployment"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    deployment: { type: "string" },
    restarted_at: {
      type: "string",
      description: "ISO 8601; validate_pod_health waits until the rollout is complete.",
    },
  }),
  rbac: [{ apiGroup: "apps", resource: "deployments", verbs: ["get", "patch"] }],
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => [deploymentRef(input, situation)],
  preview: (input) => `restart all pods of deployment ${named(input, "deployment")}, a few at a time`,
  resolve: async (input, situation) => {
    const { namespace, name } = deploymentRef(input, situation);
    return { ...input, namespace, deployment: name };
  },
  prepare,
  settle,
};

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const deployment = await readDeployment(input, context, tools);
  refusePaused(deployment);
  const { rolledOut, missing } = rolloutOf(deployment.object);
  if (!rolledOut) {
    throw new Problem(
      "PRECONDITION_FAILED",
      `${deploymentText(deployment.ref)} is being rolled out: ${missing}`,
      {
        retryable: true,
      },
    );
  }
  // kubectl writes whole seconds.
  const value = `${tools.now().slice(0, 19)}Z`;
  return patchEffect(deployment.ref, deployment.object, [{ pointer: restartedAt, value }]);
}

async function settle(input: ActionInput, effect: Effect, context: ActionContext): Promise<JsonObject> {
  const { namespace, name } = deploymentRef(input, context);
  const [change] = effect.kind === "patch" ? effect.changes : [];
  return {
    namespace: namespace ?? "",
    deployment: name,
    restarted_at: typeof change?.after === "string" ? change.after : "",
  };
}
