// collect_logs: keeps what a pod's containers said, now and before their last restart, as evidence.
// Logs that cannot be read are said so and fail nothing: missing evidence must not stop a remedy.
import type { Json, JsonObject } from "../../domain/json.ts";
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
import { evidenceText, type Log, readPodLogs, shownLine, shownLines } from "../pod-logs.ts";
import { podState } from "../pods.ts";
import { getPodStatus } from "./get-pod-status.ts";

const limitBytes = 1_048_576;

export const collectLogs: ReadAction = {
  name: "collect_logs",
  aliases: ["get_logs"],
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
  const limits = { previous: input.previous !== false, tailLines: Number(input.tail ?? 200), limitBytes };
  const { logs, unavailable } = await readPodLogs(ref, containers, limits, tools);
  const kept = await keep(logs, context, ref.name, tools);
  return output({ exists: true, namespace, pod: ref.name, unavailable, ...kept });
}

function output(known: JsonObject): JsonObject {
  return { evidence: null, sha256: null, bytes: 0, lines: [], ...known };
}

async function keep(
  logs: readonly Log[],
  context: ActionContext,
  pod: string,
  tools: ActionTools,
): Promise<Readonly<Record<string, Json>>> {
  if (logs.length === 0) return {};
  const saved = await tools.saveEvidence(`${context.step}-${pod}.log`, evidenceText(logs));
  // What a container said before it was restarted tells more than what it says now.
  const telling = (logs.find(({ previous }) => previous) ?? logs[0])?.text ?? "";
  return { evidence: saved.name, sha256: saved.sha256, bytes: saved.bytes, lines: newestLines(telling) };
}

function newestLines(text: string): readonly string[] {
  return text.trimEnd().split("\n").slice(-shownLines).map(shownLine);
}
