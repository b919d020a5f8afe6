// run_job: runs a container as a Kubernetes Job and waits for its end. For what takes long or needs tools of its own: a scan, a
// backup, a script. Its log is kept as evidence, whether it ends well or not.
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import type { Json, JsonObject } from "../../domain/json.ts";
import type { Effect } from "../../domain/planning/effect.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import {
  durationParameter,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  textOf,
} from "../parameters.ts";
import { evidenceText, readPodLogs, shownLine, shownLines } from "../pod-logs.ts";
import { type PodState, podsOf, podTrouble } from "../pods.ts";
import { stateOfRun } from "../runs.ts";
import { jobSpec } from "./job-spec.ts";
import {
  asText,
  durationOf,
  labelsOf,
  namespaceOf,
  newRun,
  plannedRun,
  runFailed,
  shown,
  timeoutParameter,
  waitForRun,
} from "./new-run.ts";

const engine = { apiVersion: "batch/v1", kind: "Job" } as const;
const logLimits = { previous: false, tailLines: 2_000, limitBytes: 256 * 1024 };
const quantity = { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?(m|[kMGT]i?|Ki)?$", maxLength: 20 };
const words = { type: "array", maxItems: 50, items: { type: "string", maxLength: 20_000 } };

export const runJob: ChangeAction = {
  name: "run_job",
  aliases: [],
  type: "kubernetes",
  summary: "Runs a container as a Kubernetes Job, waits for its end and keeps its log.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      namespace: namespaceParameter,
      image: {
        type: "string",
        minLength: 1,
        maxLength: 500,
        pattern: "^[^\\s{}]+$",
        description: "The container's image, best with its digest.",
      },
      command: {
        ...words,
        description: "Instead of the image's entry point. Takes no expressions: use env.",
      },
      args: { ...words, description: "Its arguments. Takes no expressions: use env, and $(NAME) here." },
      env: {
        type: "object",
        maxProperties: 50,
        propertyNames: { pattern: "^[A-Za-z_][A-Za-z0-9_]*$" },
        additionalProperties: {
          oneOf: [
            { type: ["string", "number", "boolean"] },
            objectSchema({ secret: nameParameter("Secret", "none"), key: { type: "string", minLength: 1 } }, [
              "secret",
              "key",
            ]),
          ],
        },
        description:
          "Environment variables: values, or {secret, key} of a Secret in the namespace, which gitmend never reads.",
      },
      cpu: { ...quantity, description: "Limit and request of CPU." },
      memory: { ...quantity, description: "Limit and request of memory." },
      service_account: nameParameter("service account", "none, and no credentials of the cluster"),
      security: {
        enum: ["restricted", "image"],
        default: "restricted",
        description:
          "Restricted is the Pod Security Standard of that name: no root, no privileges. With image the image and the namespace decide.",
      },
      run_as_user: {
        type: "integer",
        minimum: 1,
        maximum: 4_294_967_295,
        description: "User id, for an image that names its user by name or runs as root.",
      },
      backoff_limit: {
        type: "integer",
        minimum: 0,
        maximum: 10,
        default: 0,
        description:
          "How often Kubernetes runs it again when it fails. The step's retry does not run it again.",
      },
      timeout: timeoutParameter,
      ttl_after_finished: durationParameter("1h", "How long the ended Job is kept, at least 10m."),
      reason: reasonParameter,
    },
    ["image", "cpu", "memory"],
  ),
  parameterAliases: {},
  identity: ["namespace", "image", "service_account"],
  text: ["reason"],
  literal: ["command", "args"],
  output: outputSchema({
    namespace: { type: "string" },
    job: { type: "string" },
    exit_code: { type: ["integer", "null"], description: "Of the last pod; null when it is not known." },
    reason: { type: "string", description: "Why it ended, as Kubernetes words it." },
    duration_seconds: { type: ["integer", "null"] },
    evidence: {
      type: ["string", "null"],
      description: "Name under which its log is kept; null: there is none.",
    },
    lines: {
      type: "array",
      items: { type: "string" },
      maxItems: shownLines,
      description: "The newest lines of its log, redacted.",
    },
    unavailable: {
      type: "array",
      items: { type: "string" },
      description: "Which logs could not be read, and why.",
    },
  }),
  rbac: [
    { apiGroup: "batch", resource: "jobs", verbs: ["get", "create", "delete"] },
    { apiGroup: "", resource: "pods", verbs: ["list"] },
    { apiGroup: "", resource: "pods/log", verbs: ["get"] },
  ],
  undo: { how: "stop", why: "what it has done stays, unless the step names a rollback" },
  timeoutSeconds: 630,
  waitParameter: "timeout",
  objects: (input, situation) => [planned(input, situation)],
  preview: (input) => `run ${textOf(input, "image") ?? "an image"} as a Job${command(input)}`,
  resolve: async (input, situation) => ({ ...input, namespace: namespaceOf(input, situation) }),
  prepare: async (input, context, tools) => {
    const spec = jobSpec(input, labelsOf(context), context.effectKey);
    return newRun(planned(input, context), spec, context, tools);
  },
  settle,
};

function planned(input: ActionInput, situation: Situation): ObjectRef {
  return plannedRun(engine, jobSpec(input), input, situation);
}

function command(input: ActionInput): string {
  const all = [input.command, input.args].flatMap((list) =>
    Array.isArray(list) ? (list as readonly Json[]) : [],
  );
  return all.length === 0 ? "" : `: ${shown(all.map(asText).join(" "), 120)}`;
}

async function settle(
  input: ActionInput,
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const api = tools.cluster(context.cluster);
  const job = await waitForRun(effect, input, tools, async (running) => trouble(await podsOf(api, running)));
  const last = newest(await podsOf(api, job));
  const kept = await keepLog(last, job, context, tools);
  if (stateOfRun(job).state === "failed") throw runFailed(job, failureWords(last, kept));
  return {
    namespace: job.metadata.namespace ?? "",
    job: job.metadata.name,
    exit_code: last?.lastTermination?.exitCode ?? null,
    reason: last?.endReason ?? last?.lastTermination?.reason ?? "",
    duration_seconds: durationOf(job.status?.["startTime"], job.status?.["completionTime"]),
    ...kept,
  };
}

function newest(pods: readonly PodState[]): PodState | null {
  return pods.toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1)).at(-1) ?? null;
}

function trouble(pods: readonly PodState[]): string {
  const last = newest(pods);
  return last === null ? "it has no pod yet" : shown(podTrouble(last));
}

interface Kept extends JsonObject {
  readonly evidence: string | null;
  readonly lines: readonly string[];
  readonly unavailable: readonly string[];
}

async function keepLog(
  pod: PodState | null,
  job: KubernetesObject,
  { cluster }: ActionContext,
  tools: ActionTools,
): Promise<Kept> {
  const nothing: Kept = { evidence: null, lines: [], unavailable: [] };
  if (pod === null) return { ...nothing, unavailable: ["its pod is gone, and its log with it"] };
  const { name, namespace = "" } = job.metadata;
  const ref: ObjectRef = { cluster, apiVersion: "v1", kind: "Pod", namespace, name: pod.name };
  const { logs, unavailable } = await readPodLogs(ref, pod.containers, logLimits, tools);
  if (logs.length === 0) return { ...nothing, unavailable };
  const saved = await tools.saveEvidence(`${name}.log`, evidenceText(logs));
  const lines = (logs[0]?.text ?? "").trimEnd().split("\n").slice(-shownLines).map(shownLine);
  return { evidence: saved.name, lines, unavailable };
}

function failureWords(pod: PodState | null, { evidence, lines }: Kept): readonly string[] {
  const { exitCode, reason } = pod?.lastTermination ?? { exitCode: null, reason: "" };
  const said = lines.findLast((line) => line.trim() !== "");
  return [
    ...(pod?.endReason === null || pod === null ? [] : [`pod ${pod.endReason}`]),
    ...(exitCode === null ? [] : [`exit code ${exitCode}${reason === "" ? "" : ` (${reason})`}`]),
    ...(said === undefined ? [] : [`its last line: ${said}`]),
    ...(evidence === null ? [] : [`its log is kept as ${evidence}`]),
  ];
}
