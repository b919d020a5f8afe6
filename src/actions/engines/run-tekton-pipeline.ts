// run_tekton_pipeline: has Tekton run a Pipeline that stands in the cluster, and waits for its end.
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { Effect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import {
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { stateOfRun } from "../runs.ts";
import {
  asText,
  durationOf,
  namespaceOf,
  newRun,
  plannedRun,
  runFailed,
  shown,
  timeoutParameter,
  valuesParameter,
  valuesText,
  waitForRun,
} from "./new-run.ts";

const api = "tekton.dev/v1";
const engine = { apiVersion: api, kind: "PipelineRun" } as const;
const claim = nameParameter("claim", "none");

export const runTektonPipeline: ChangeAction = {
  name: "run_tekton_pipeline",
  aliases: [],
  type: "kubernetes",
  summary: "Runs a Pipeline of Tekton and waits for its end.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      namespace: namespaceParameter,
      pipeline: nameParameter("Pipeline", "none"),
      params: valuesParameter("Parameters of the pipeline, by name. Each becomes a text."),
      workspaces: {
        type: "object",
        maxProperties: 20,
        additionalProperties: {
          oneOf: [
            objectSchema({ claim }, ["claim"]),
            objectSchema({ config_map: nameParameter("ConfigMap", "none") }, ["config_map"]),
            objectSchema({ secret: nameParameter("Secret", "none") }, ["secret"]),
            objectSchema({ empty: { enum: [true] } }, ["empty"]),
          ],
        },
        description:
          "Workspaces by name: {claim} of a PersistentVolumeClaim, {config_map}, {secret}, or {empty: true} for a folder of its own.",
      },
      service_account: nameParameter("service account", "Tekton's default"),
      timeout: timeoutParameter,
      reason: reasonParameter,
    },
    ["pipeline"],
  ),
  parameterAliases: {},
  identity: ["namespace", "pipeline", "service_account", "workspaces"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    run: { type: "string", description: "The PipelineRun." },
    reason: { type: "string", description: "As Tekton words it." },
    message: { type: "string" },
    results: {
      type: "object",
      description: "The pipeline's results, by name.",
      additionalProperties: { type: "string" },
    },
    duration_seconds: { type: ["integer", "null"] },
  }),
  rbac: [
    { apiGroup: "tekton.dev", resource: "pipelineruns", verbs: ["get", "create", "patch"] },
    { apiGroup: "tekton.dev", resource: "pipelines", verbs: ["get"] },
  ],
  undo: { how: "stop", why: "what it has done stays, unless the step names a rollback" },
  timeoutSeconds: 630,
  waitParameter: "timeout",
  objects: (input, situation) => [plannedRun(engine, specOf(input), input, situation)],
  preview: (input) => `run Pipeline ${textOf(input, "pipeline") ?? "?"}${valuesText(input.params)}`,
  resolve: async (input, situation) => ({ ...input, namespace: namespaceOf(input, situation) }),
  prepare: async (input, context, tools) => {
    await assertPipeline(input, context, tools);
    const spec = specOf(input);
    return newRun(plannedRun(engine, spec, input, context), spec, context, tools);
  },
  settle,
};

function specOf(input: ActionInput): JsonObject {
  const account = textOf(input, "service_account");
  const params = Object.entries(isObject(input.params) ? input.params : {});
  const workspaces = Object.entries(isObject(input.workspaces) ? input.workspaces : {});
  return {
    pipelineRef: { name: textOf(input, "pipeline") ?? "" },
    ...(params.length === 0
      ? {}
      : { params: params.map(([name, value]) => ({ name, value: asText(value) })) }),
    ...(workspaces.length === 0
      ? {}
      : { workspaces: workspaces.map(([name, from]) => ({ name, ...sourceOf(from) })) }),
    ...(account === null ? {} : { taskRunTemplate: { serviceAccountName: account } }),
    timeouts: { pipeline: `${secondsOf(input, "timeout", "10m")}s` },
  };
}

function sourceOf(from: Json | undefined): JsonObject {
  const { claim: claimName, config_map, secret } = isObject(from) ? from : {};
  if (claimName !== undefined) return { persistentVolumeClaim: { claimName } };
  if (config_map !== undefined) return { configMap: { name: config_map } };
  return secret === undefined ? { emptyDir: {} } : { secret: { secretName: secret } };
}

/** Tekton would take the run and fail it afterwards: who misspells a name should hear it before anything runs. */
async function assertPipeline(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<void> {
  const name = textOf(input, "pipeline") ?? "";
  const namespace = namespaceOf(input, context);
  const ref = { cluster: context.cluster, apiVersion: api, kind: "Pipeline", namespace, name };
  if ((await tools.cluster(context.cluster).get(ref)) !== null) return;
  throw new Problem("PARAMETER_INVALID", `there is no Pipeline ${name} in ${namespace}`);
}

const mostResults = 50;
const longestResult = 2_000;

async function settle(
  input: ActionInput,
  effect: Effect,
  _context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const run = await waitForRun(effect, input, tools);
  const status = isObject(run.status) ? run.status : {};
  const { state, reason, message } = stateOfRun(run);
  if (state === "failed") throw runFailed(run, []);
  const results = Array.isArray(status.results) ? (status.results as readonly Json[]).filter(isObject) : [];
  return {
    namespace: run.metadata.namespace ?? "",
    run: run.metadata.name,
    reason: shown(reason),
    message: shown(message),
    results: Object.fromEntries(
      results
        .slice(0, mostResults)
        .map(({ name, value }) => [asText(name), shown(asText(value), longestResult)]),
    ),
    duration_seconds: durationOf(status.startTime, status.completionTime),
  };
}
