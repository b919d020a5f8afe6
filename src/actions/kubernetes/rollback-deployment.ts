// rollback_deployment: gives a Deployment the pod template of an earlier revision back, as `kubectl rollout undo` does.
// Only the fields that differ are written, so that taking it back leaves alone what others changed meanwhile.
import type { JsonObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { type ReadDeployment, readDeployment, refusePaused } from "../deployment.ts";
import { differences } from "../differences.ts";
import {
  deploymentRef,
  durationParameter,
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { patchEffect } from "../patch-effect.ts";
import { type ChosenRevision, chooseRevision, revisionsOf, templateOf } from "../revisions.ts";
import { waitForRollout } from "../wait-for-rollout.ts";

export const rollbackDeployment: ChangeAction = {
  name: "rollback_deployment",
  aliases: ["RollbackDeployment", "ProactiveRollback"],
  type: "kubernetes",
  summary: "Rolls a Deployment back to an earlier revision and waits for the rollout.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    deployment: nameParameter("Deployment", "the target"),
    revision: {
      description:
        "A revision's number; previous; or last-good: the newest other revision all of whose pods are available now, else the previous one, which is then said to be not proven.",
      oneOf: [{ type: "integer", minimum: 1 }, { enum: ["last-good", "previous"] }],
      default: "last-good",
    },
    wait_for_ready: {
      type: "boolean",
      default: true,
      description: "Fail unless all pods are ready in time.",
    },
    timeout: durationParameter("5m", "How long the rollout may take."),
    proven: {
      type: "boolean",
      description: "Whether the revision is known to run. Filled in when the plan is made.",
    },
    proof: {
      type: "string",
      description: "Why the revision should be a good one. Filled in when the plan is made.",
    },
    reason: reasonParameter,
  }),
  parameterAliases: { name: "deployment", wait_timeout: "timeout" },
  identity: ["namespace", "deployment"],
  text: ["reason", "proof"],
  output: outputSchema({
    namespace: { type: "string" },
    deployment: { type: "string" },
    revision: {
      type: "integer",
      description: "The revision whose template it got; Kubernetes numbers it anew.",
    },
    proven: { type: "boolean", description: "Whether it was known to run when it was chosen." },
    proof: { type: "string", description: "Why, or that nothing proves it." },
    ready: { type: "boolean", description: "Whether the rollout was waited for and is complete." },
  }),
  rbac: [
    { apiGroup: "apps", resource: "deployments", verbs: ["get", "patch"] },
    { apiGroup: "apps", resource: "replicasets", verbs: ["list"] },
    { apiGroup: "", resource: "pods", verbs: ["list"] },
  ],
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: "timeout",
  objects: (input, situation) => [deploymentRef(input, situation)],
  preview,
  resolve,
  prepare,
  settle,
};

function preview(input: ActionInput): string {
  const revision =
    typeof input.revision === "number"
      ? `revision ${input.revision}`
      : `its ${textOf(input, "revision") ?? "last-good"} revision`;
  const proof = textOf(input, "proof");
  return `roll deployment ${named(input, "deployment")} back to ${revision}${proof === null ? "" : ` (${proof})`}`;
}

async function resolve(input: ActionInput, situation: Situation, tools: ActionTools): Promise<ActionInput> {
  const deployment = await readDeployment(input, situation, tools);
  const { revision, proven, proof } = await choose(input, deployment, tools);
  const { namespace, name } = deployment.ref;
  return { ...input, namespace, deployment: name, revision: revision.number, proven, proof };
}

async function choose(
  input: ActionInput,
  { ref, object }: ReadDeployment,
  tools: ActionTools,
): Promise<ChosenRevision> {
  return chooseRevision(input.revision, await revisionsOf(tools.cluster(ref.cluster), object));
}

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const deployment = await readDeployment(input, context, tools);
  refusePaused(deployment);
  const { revision } = await choose(input, deployment, tools);
  const changes = differences(templateOf(deployment.object), revision.template, ["spec", "template"]);
  return patchEffect(
    deployment.ref,
    deployment.object,
    changes.map(({ pointer, after }) => ({ pointer, value: after })),
  );
}

async function settle(
  input: ActionInput,
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const ref = deploymentRef(input, context);
  const waits = input.wait_for_ready !== false;
  if (waits) await waitForRollout(ref, secondsOf(input, "timeout", "5m"), tools);
  return {
    namespace: ref.namespace ?? "",
    deployment: ref.name,
    // Absolute since the plan was made; 0 stands for a call that was never resolved.
    revision: typeof input.revision === "number" ? input.revision : 0,
    proven: input.proven === true,
    proof: textOf(input, "proof") ?? "not proven: it was chosen without a plan",
    ready: waits,
  };
}
