// run_argo_workflow: has Argo Workflows run a workflow that stands in the cluster as a WorkflowTemplate, and waits for its end.
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { Effect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import {
  durationParameter,
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
  leastKeptSeconds,
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

const api = "argoproj.io/v1alpha1";
const engine = { apiVersion: api, kind: "Workflow" } as const;

export const runArgoWorkflow: ChangeAction = {
  name: "run_argo_workflow",
  aliases: [],
  type: "kubernetes",
  summary: "Runs a WorkflowTemplate of Argo Workflows and waits for its end.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      namespace: namespaceParameter,
      template: nameParameter("WorkflowTemplate", "none"),
      cluster_template: {
        type: "boolean",
        default: false,
        description: "The template is a ClusterWorkflowTemplate.",
      },
      entrypoint: {
        type: "string",
        minLength: 1,
        description: "Where to begin. Default: as the template says.",
      },
      parameters: valuesParameter("Arguments of the workflow, by name. Each becomes a text."),
      service_account: nameParameter("service account", "as the template says"),
      timeout: timeoutParameter,
      ttl_after_finished: durationParameter("1h", "How long the ended Workflow is kept, at least 10m."),
      reason: reasonParameter,
    },
    ["template"],
  ),
  parameterAliases: {},
  identity: ["namespace", "template", "entrypoint", "service_account"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    workflow: { type: "string" },
    phase: { type: "string", description: "As Argo words it." },
    message: { type: "string" },
    outputs: {
      type: "object",
      description: "The workflow's output parameters, by name.",
      additionalProperties: { type: "string" },
    },
    duration_seconds: { type: ["integer", "null"] },
  }),
  rbac: [
    { apiGroup: "argoproj.io", resource: "workflows", verbs: ["get", "create", "patch"] },
    { apiGroup: "argoproj.io", resource: "workflowtemplates", verbs: ["get"] },
    { apiGroup: "argoproj.io", resource: "clusterworkflowtemplates", verbs: ["get"] },
  ],
  undo: { how: "stop", why: "what it has done stays, unless the step names a rollback" },
  timeoutSeconds: 630,
  waitParameter: "timeout",
  objects: (input, situation) => [plannedRun(engine, specOf(input), input, situation)],
  preview: (input) => {
    const kind = input.cluster_template === true ? "ClusterWorkflowTemplate" : "WorkflowTemplate";
    return `run ${kind} ${textOf(input, "template") ?? "?"}${valuesText(input.parameters)}`;
  },
  resolve: async (input, situation) => ({ ...input, namespace: namespaceOf(input, situation) }),
  prepare: async (input, context, tools) => {
    await assertTemplate(input, context, tools);
    const spec = specOf(input);
    return newRun(plannedRun(engine, spec, input, context), spec, context, tools);
  },
  settle,
};

/** @throws Problem PARAMETER_INVALID */
function specOf(input: ActionInput): JsonObject {
  const account = textOf(input, "service_account");
  const entrypoint = textOf(input, "entrypoint");
  const kept = secondsOf(input, "ttl_after_finished", "1h");
  if (kept < leastKeptSeconds)
    throw new Problem(
      "PARAMETER_INVALID",
      "ttl_after_finished must be 10m or longer: its end has to be seen",
    );
  const given = Object.entries(isObject(input.parameters) ? input.parameters : {});
  return {
    workflowTemplateRef: {
      name: textOf(input, "template") ?? "",
      ...(input.cluster_template === true ? { clusterScope: true } : {}),
    },
    ...(entrypoint === null ? {} : { entrypoint }),
    arguments: { parameters: given.map(([name, value]) => ({ name, value: asText(value) })) },
    activeDeadlineSeconds: secondsOf(input, "timeout", "10m"),
    ttlStrategy: { secondsAfterCompletion: kept },
    ...(account === null ? {} : { serviceAccountName: account }),
  };
}

/** Argo would take the Workflow and fail it afterwards: who misspells a name should hear it before anything runs. */
async function assertTemplate(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<void> {
  const cluster = input.cluster_template === true;
  const kind = cluster ? "ClusterWorkflowTemplate" : "WorkflowTemplate";
  const name = textOf(input, "template") ?? "";
  const namespace = cluster ? null : namespaceOf(input, context);
  const ref = { cluster: context.cluster, apiVersion: api, kind, namespace, name };
  if ((await tools.cluster(context.cluster).get(ref)) !== null) return;
  const where = namespace === null ? "" : ` in ${namespace}`;
  throw new Problem("PARAMETER_INVALID", `there is no ${kind} ${name}${where}`);
}

async function settle(
  input: ActionInput,
  effect: Effect,
  _context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const workflow = await waitForRun(effect, input, tools);
  const status = isObject(workflow.status) ? workflow.status : {};
  const { state, reason, message } = stateOfRun(workflow);
  if (state === "failed") throw runFailed(workflow, failedNodes(status));
  return {
    namespace: workflow.metadata.namespace ?? "",
    workflow: workflow.metadata.name,
    phase: shown(reason),
    message: shown(message),
    outputs: outputsOf(status, workflow.metadata.name),
    duration_seconds: durationOf(status.startedAt, status.finishedAt),
  };
}

const mostShown = 5;
const mostOutputs = 50;
const longestOutput = 2_000;

/** Which parts of it failed, and why: the workflow itself says only that some did. */
function failedNodes({ nodes }: JsonObject): readonly string[] {
  const all = Object.values(isObject(nodes) ? nodes : {}).filter(isObject);
  const failed = all.filter(({ phase, type }) => type === "Pod" && (phase === "Failed" || phase === "Error"));
  return failed
    .slice(0, mostShown)
    .map(({ displayName, message }) => `${text(displayName)}: ${text(message)}`);
}

/** Those of the whole workflow, and those of its entry point. */
function outputsOf({ outputs, nodes }: JsonObject, name: string): JsonObject {
  const entry = isObject(nodes) && isObject(nodes[name]) ? nodes[name] : {};
  const parameters = [entry.outputs, outputs].flatMap((one) =>
    isObject(one) && Array.isArray(one.parameters) ? (one.parameters as readonly Json[]) : [],
  );
  const named = parameters.filter(isObject).slice(0, mostOutputs);
  return Object.fromEntries(named.map((one) => [text(one.name), shown(text(one.value), longestOutput)]));
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
