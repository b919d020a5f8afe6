// collect_logs: keeps what a pod's containers said, now and before their last restart, as evidence.
// Logs that cannot be read are said so and fail nothing: missing evidence must not stop a remedy.
import type { Json, JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import { redactText } from "../../domain/redact.ts";
import type { ActionContext, ActionInput, ActionTools, ReadAction } from "../action.ts";
import { choosePod, podOrTarget, withPod } from "../choose-pod.ts";
import {
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  textOf,
} from "../parameters.ts";
import { podState } from "../pods.ts";
import { getPodStatus } from "./get-pod-status.ts";

const shownLines = 20;
const shownLineLength = 300;
const limitBytes = 1_048_576;

export const collectLogs: ReadAction = {
  name: "collect_logs",
  aliases: ["check_logs"],
  type: "kubernetes",
  summary: "Keeps the newest log lines of a pod's containers, redacted, as evidence.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    pod: nameParameter("pod", "the target, or the pod of the target that most needs a look"),
    container: nameParameter("container", "all containers of the pod"),
    previous: {
      type: "boolean",
      default: true,
      description: "Also what the container said before its last restart.",
    },
    tail: {
      type: "integer",
      minimum: 1,
      maximum: 5000,
      default: 200,
      description: "Newest lines of each log.",
    },
    reason: reasonParameter,
  }),
  parameterAliases: { name: "pod", container_name: "container", tail_lines: "tail" },
  identity: ["namespace", "pod", "container"],
  text: ["reason"],
  output: outputSchema({
    exists: { type: "boolean", description: "false when the pod is gone." },
    namespace: { type: "string" },
    pod: { type: "string" },
    evidence: {
      type: ["string", "null"],
      description: "Name of the evidence; null when nothing could be read.",
    },
    sha256: { type: ["string", "null"] },
    bytes: { type: "integer" },
    lines: {
      type: "array",
      items: { type: "string" },
      maxItems: shownLines,
      description: "The newest lines of the most telling log, redacted.",
    },
    unavailable: {
      type: "array",
      items: { type: "string" },
      description: "Which logs could not be read, and why.",
    },
  }),
  rbac: [...getPodStatus.rbac, { apiGroup: "", resource: "pods/log", verbs: ["get"] }],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: podOrTarget,
  preview: (input) => `keep the newest ${Number(input.tail ?? 200)} log lines of pod ${named(input, "pod")}`,
  resolve: withPod,
  run,
};

interface Log {
  readonly title: string;
  readonly text: string;
}
interface Collected {
  readonly logs: readonly Log[];
  readonly unavailable: readonly string[];
}

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const ref = await choosePod(input, context, tools);
  const pod = ref === null ? null : await tools.cluster(context.cluster).get(ref);
  const namespace = ref?.namespace ?? textOf(input, "namespace") ?? context.target?.namespace ?? "";
  if (ref === null || pod === null) {
    const why = ref === null ? "the target has no pods" : `pod ${ref.name} is gone`;
    return output({ exists: false, namespace, pod: ref?.name ?? "", unavailable: [why] });
  }
  const wanted = textOf(input, "container");
  const containers = wanted === null ? podState(pod).containers : [wanted];
  const collected = await collect(containers, namespace, ref.name, input, context, tools);
  const kept = await keep(collected, context, ref.name, tools);
  return output({ exists: true, namespace, pod: ref.name, unavailable: collected.unavailable, ...kept });
}

function output(known: JsonObject): JsonObject {
  return { evidence: null, sha256: null, bytes: 0, lines: [], ...known };
}

async function collect(
  containers: readonly string[],
  namespace: string,
  pod: string,
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<Collected> {
  const logs: Log[] = [];
  const unavailable: string[] = [];
  const runs = input.previous === false ? [false] : [true, false];
  for (const container of containers) {
    for (const previous of runs) {
      const title = `${container}${previous ? ", before its last restart" : ""}`;
      try {
        const query = {
          namespace,
          pod,
          container,
          previous,
          tailLines: Number(input.tail ?? 200),
          limitBytes,
        };
        const text = await tools.cluster(context.cluster).logs(query);
        if (text !== "") logs.push({ title, text: redactText(text) });
      } catch (error) {
        if (!(error instanceof Problem) || tools.signal.aborted) throw error;
        // A container that has never restarted has no log before that, which the API calls a bad request.
        if (!(previous && ["API_INVALID", "API_NOT_FOUND"].includes(error.code))) {
          unavailable.push(`${title}: ${redactText(error.message)}`);
        }
      }
    }
  }
  return { logs, unavailable };
}

async function keep(
  { logs }: Collected,
  context: ActionContext,
  pod: string,
  tools: ActionTools,
): Promise<Readonly<Record<string, Json>>> {
  if (logs.length === 0) return {};
  const text = logs.map((log) => `--- ${log.title}\n${log.text.trimEnd()}\n`).join("\n");
  const saved = await tools.saveEvidence(`${context.step}-${pod}.log`, text);
  // What a container said before it was restarted tells more than what it says now.
  const telling = (logs.find(({ title }) => title.includes("before")) ?? logs[0])?.text ?? "";
  return { evidence: saved.name, sha256: saved.sha256, bytes: saved.bytes, lines: newestLines(telling) };
}

function newestLines(text: string): readonly string[] {
  return text
    .trimEnd()
    .split("\n")
    .slice(-shownLines)
    .map((line) => (line.length > shownLineLength ? `${line.slice(0, shownLineLength)}…` : line));
}
