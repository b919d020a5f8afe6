// run_awx_job: has AWX (Ansible Automation Platform) run a job template, and waits for its end. Where AWX is and what opens it stand in
// gitmend.yaml alone.
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { Effect, RequestEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import { redactText } from "../../domain/redact.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { objectSchema, outputSchema, reasonParameter, secondsOf, textOf } from "../parameters.ts";
import { shownLine, shownLines } from "../pod-logs.ts";
import { type Look, waitFor } from "../wait.ts";
import { type AwxJob, awxCall, awxJob, effectVariable, findAwxJob, isRunning } from "./awx-job.ts";
import { asText, shown, timeoutParameter, valuesText } from "./new-run.ts";

export const runAwxJob: ChangeAction = {
  name: "run_awx_job",
  aliases: [],
  type: "custom",
  summary: "Launches a job template of AWX or Ansible Automation Platform and waits for its end.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      server: {
        type: "string",
        minLength: 1,
        default: "awx",
        description: "Name of AWX under http.endpoints of gitmend.yaml.",
      },
      template: {
        type: ["integer", "string"],
        minimum: 1,
        minLength: 1,
        description:
          "The job template: its id, or its name where only one has it. It must ask for variables on launch.",
      },
      extra_vars: {
        type: "object",
        maxProperties: 50,
        propertyNames: { pattern: "^[A-Za-z_][A-Za-z0-9_]*$" },
        additionalProperties: { type: ["string", "number", "boolean"] },
        description:
          "Variables of the playbook. gitmend adds one of its own, gitmend_effect, by which it finds the job again.",
      },
      limit: {
        type: "string",
        minLength: 1,
        maxLength: 1_000,
        description: "Hosts to run on. The template must ask for it on launch.",
      },
      timeout: timeoutParameter,
      reason: reasonParameter,
    },
    ["template"],
  ),
  parameterAliases: {},
  identity: ["server", "template", "limit"],
  text: ["reason"],
  output: outputSchema({
    job: { type: "integer", description: "Its number in AWX." },
    status: { type: "string", description: "As AWX words it." },
    duration_seconds: { type: ["integer", "null"] },
    evidence: {
      type: ["string", "null"],
      description: "Name under which its output is kept; null: there is none.",
    },
    lines: {
      type: "array",
      items: { type: "string" },
      maxItems: shownLines,
      description: "The newest lines of its output, redacted.",
    },
  }),
  rbac: [],
  undo: { how: "stop", why: "what the playbook has done stays, unless the step names a rollback" },
  timeoutSeconds: 630,
  waitParameter: "timeout",
  objects: () => [],
  preview: (input) =>
    `launch job template ${asText(input.template ?? "?")} of ${serverOf(input)}${valuesText(input.extra_vars)}`,
  resolve: async (input, _situation, tools) => ({ ...input, template: await templateId(input, tools) }),
  prepare,
  settle,
};

function serverOf(input: ActionInput): string {
  return textOf(input, "server") ?? "awx";
}

/** @throws Problem PARAMETER_INVALID: none has this name, or several have */
async function templateId(input: ActionInput, tools: ActionTools): Promise<number> {
  if (typeof input.template === "number") return input.template;
  const name = textOf(input, "template") ?? "";
  const { body } = await tools.http(
    awxCall(serverOf(input), "GET", ["job_templates"], { query: { name } }),
    null,
  );
  const results = isObject(body) && Array.isArray(body.results) ? (body.results as readonly Json[]) : [];
  const [first, second] = results.filter(isObject);
  if (first === undefined || second !== undefined) {
    const many = first === undefined ? "has no job template" : "has several job templates";
    throw new Problem("PARAMETER_INVALID", `${serverOf(input)} ${many} "${name}": give its id`);
  }
  return typeof first.id === "number" ? first.id : 0;
}

/** A template that ignores what it is given would run without its mark, and with other hosts than were approved. */
async function prepare(
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<RequestEffect> {
  const server = serverOf(input);
  const id = await templateId(input, tools);
  const { status, body } = await tools.http(awxCall(server, "GET", ["job_templates", id]), null);
  const template = isObject(body) && status === 200 ? body : null;
  if (template === null) throw new Problem("PARAMETER_INVALID", `${server} has no job template ${id}`);
  const limit = textOf(input, "limit");
  const asks = [
    ["ask_variables_on_launch", "variables"] as const,
    ...(limit === null ? [] : [["ask_limit_on_launch", "its limit"] as const]),
  ];
  for (const [field, what] of asks) {
    if (template[field] !== true)
      throw new Problem(
        "PARAMETER_INVALID",
        `job template ${id} of ${server} does not ask for ${what} on launch ("Prompt on launch"): it would ignore what gitmend sends`,
      );
  }
  const given = isObject(input.extra_vars) ? input.extra_vars : {};
  const launch = {
    extra_vars: { ...given, [effectVariable]: context.effectKey },
    ...(limit === null ? {} : { limit }),
  };
  const call = awxCall(server, "POST", ["job_templates", id, "launch"], { body: launch });
  return { kind: "request", call, probe: "awx-job", at: tools.now() };
}

async function settle(
  input: ActionInput,
  effect: Effect,
  _context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  if (effect.kind !== "request") throw new Problem("INTERNAL", `run_awx_job got a ${effect.kind} effect`);
  const server = effect.call.endpoint;
  const launched = await waitFor(tools, lookSeconds, () => lookForJob(effect, tools));
  const look = async (): Promise<Look<AwxJob>> => {
    const { body } = await tools.http(awxCall(server, "GET", ["jobs", launched.id]), null);
    const job = awxJob(body);
    if (job === null)
      throw new Problem("RUN_FAILED", `job ${launched.id} of ${server} is gone: somebody deleted it`);
    return isRunning(job)
      ? { done: false, waitingFor: `job ${job.id} of ${server} is ${shown(job.status)} still` }
      : { done: true, value: job };
  };
  const job = await waitFor(tools, secondsOf(input, "timeout", "10m"), look);
  const kept = await keepOutput(job, server, tools);
  if (job.status !== "successful") throw failed(job, server, kept.lines);
  const { elapsed } = job.fields;
  const duration = Math.round(Number(elapsed ?? Number.NaN));
  return {
    job: job.id,
    status: shown(job.status),
    duration_seconds: Number.isNaN(duration) ? null : duration,
    ...kept,
  };
}

/** AWX answers the launch before its lists know of the job. */
const lookSeconds = 20;

async function lookForJob(effect: RequestEffect, tools: ActionTools): Promise<Look<AwxJob>> {
  const job = await findAwxJob(effect, tools);
  return job === null
    ? { done: false, waitingFor: `${effect.call.endpoint} shows no job that carries this step's mark` }
    : { done: true, value: job };
}

interface Kept extends JsonObject {
  readonly evidence: string | null;
  readonly lines: readonly string[];
}

/** Output that cannot be read must not fail what has gone well. */
async function keepOutput({ id }: AwxJob, server: string, tools: ActionTools): Promise<Kept> {
  const call = awxCall(server, "GET", ["jobs", id, "stdout"], { query: { format: "json" } });
  const content = await tools.http(call, null).then(
    ({ body }) => (isObject(body) && typeof body.content === "string" ? body.content : ""),
    () => "",
  );
  tools.signal.throwIfAborted();
  if (content.trim() === "") return { evidence: null, lines: [] };
  const text = redactText(content);
  const saved = await tools.saveEvidence(`${server}-job-${id}.log`, text);
  return { evidence: saved.name, lines: text.trimEnd().split("\n").slice(-shownLines).map(shownLine) };
}

function failed({ id, status, fields }: AwxJob, server: string, lines: readonly string[]): Problem {
  const explained = typeof fields.job_explanation === "string" ? fields.job_explanation : "";
  const said = lines.findLast((line) => line.trim() !== "") ?? "";
  const why = [status, explained, said].filter((part) => part !== "").map((part) => shown(part));
  return new Problem("RUN_FAILED", `job ${id} of ${server} failed: ${why.join("; ")}`, {
    details: { reason: status },
  });
}
