// check_logs: counts the lines of logs that match patterns, so that conditions can tell one trouble from another.
// Patterns are RE2: no pattern and no log line can keep it busy. A bad pattern is refused when the plan is made.
import { RE2JS } from "re2js";
import type { ObjectRef } from "../../domain/facts/objects.ts";
import type { Json, JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ReadAction } from "../action.ts";
import { podOrTarget, workloadTarget } from "../choose-pod.ts";
import {
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  podRef,
  reasonParameter,
  textOf,
} from "../parameters.ts";
import { evidenceText, type Log, type Logs, readPodLogs, shownLine, shownLines } from "../pod-logs.ts";
import { type PodState, podState, podsOf, worstFirst } from "../pods.ts";
import { getPodStatus } from "./get-pod-status.ts";

const mostPods = 10;
const limitBytes = 1_048_576;
/** Of all logs together. */
const mostBytes = 4_194_304;
/** Of a line that is searched; what comes after is still evidence. */
const searchedLength = 10_000;
const linesAtOnce = 200;
const anyTrouble = "(?i)\\b(error|exception|fatal|panic)";

const pattern = { type: "string", minLength: 1, maxLength: 500 };

export const checkLogs: ReadAction = {
  name: "check_logs",
  aliases: [],
  type: "kubernetes",
  summary: "Counts the log lines that match patterns, and keeps the logs, redacted, as evidence.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    pod: nameParameter("pod", `the target, with at most ${mostPods} of its pods, those in trouble first`),
    container: nameParameter("container", "all containers of each pod"),
    patterns: {
      oneOf: [pattern, { type: "array", items: pattern, minItems: 1, maxItems: 20, uniqueItems: true }],
      default: [anyTrouble],
      description: "RE2 regular expressions that are looked for in each line; (?i) ignores case.",
    },
    previous: {
      type: "boolean",
      default: true,
      description: "Also what the containers said before their last restart.",
    },
    tail: {
      type: "integer",
      minimum: 1,
      maximum: 5000,
      default: 1000,
      description: "Newest lines of each log.",
    },
    reason: reasonParameter,
  }),
  parameterAliases: { name: "pod", container_name: "container", tail_lines: "tail", pattern: "patterns" },
  identity: ["namespace", "pod", "container"],
  text: ["reason"],
  output: outputSchema({
    pods: { type: "array", items: { type: "string" }, description: "The pods whose logs were read." },
    logs: {
      type: "integer",
      description: "Logs that were read. Of none, that nothing matched proves nothing.",
    },
    counts: {
      type: "object",
      additionalProperties: { type: "integer" },
      description: "Lines that matched, by pattern: output.counts['timeout'] > 0.",
    },
    matches: { type: "integer", description: "Lines that matched any of the patterns." },
    lines: {
      type: "array",
      items: { type: "string" },
      maxItems: shownLines,
      description: "The last lines that matched, redacted.",
    },
    evidence: {
      type: ["string", "null"],
      description: "Name of the evidence; null when nothing could be read.",
    },
    sha256: { type: ["string", "null"] },
    bytes: { type: "integer" },
    unavailable: {
      type: "array",
      items: { type: "string" },
      description: "Which logs could not be read, and why.",
    },
  }),
  rbac: [...getPodStatus.rbac, { apiGroup: "", resource: "pods/log", verbs: ["get"] }],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 60,
  waitParameter: null,
  objects: podOrTarget,
  preview: (input) => {
    const count = patternsOf(input).length;
    const what = count === 1 ? "a pattern" : `${count} patterns`;
    return `look for ${what} in the logs of ${textOf(input, "pod") === null ? "the target's pods" : `pod ${named(input, "pod")}`}`;
  },
  resolve: async (input) => {
    compileAll(patternsOf(input));
    return input;
  },
  run,
};

function patternsOf({ patterns }: ActionInput): readonly string[] {
  if (typeof patterns === "string") return [patterns];
  return Array.isArray(patterns) ? (patterns as readonly string[]) : [anyTrouble];
}

interface Patterns {
  readonly each: readonly RE2JS[];
  /** Matches what one of them matches: most lines match none, and one look is enough. */
  readonly any: RE2JS;
}

/** @throws Problem PARAMETER_INVALID naming the pattern that is none. */
function compileAll(patterns: readonly string[]): Patterns {
  return { each: patterns.map(compile), any: compile(patterns.map((text) => `(?:${text})`).join("|")) };
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem("PARAMETER_INVALID", `patterns: "${text}" is no RE2 regular expression: ${why}`, {
      cause: error,
    });
  }
}

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const patterns = patternsOf(input);
  const compiled = compileAll(patterns);
  const pods = await findPods(input, context, tools);
  const { logs, unavailable } = await readAll(pods, input, context, tools);
  const { counts, matching } = await count(logs, compiled, tools);
  return {
    pods: pods.map(({ name }) => name),
    logs: logs.length,
    counts: Object.fromEntries(patterns.map((text, index) => [text, counts[index] ?? 0])),
    matches: matching.length,
    lines: matching.slice(-shownLines).map(shownLine),
    ...(await keep(logs, context, tools)),
    unavailable: pods.length === 0 ? ["there are no pods", ...unavailable] : unavailable,
  };
}

async function findPods(
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<readonly PodState[]> {
  const api = tools.cluster(context.cluster);
  const target = textOf(input, "pod") === null ? workloadTarget(input, context) : null;
  const object = await api.get(target ?? podRef(input, context));
  if (object === null) return [];
  return target === null ? [podState(object)] : worstFirst(await podsOf(api, object)).slice(0, mostPods);
}

async function readAll(
  pods: readonly PodState[],
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<Logs> {
  const logs: Log[] = [];
  const unavailable: string[] = [];
  const wanted = textOf(input, "container");
  const namespace = textOf(input, "namespace") ?? context.target?.namespace ?? "";
  const limits = { previous: input.previous !== false, tailLines: Number(input.tail ?? 1000) };
  let left = mostBytes;
  for (const { name, containers } of pods) {
    if (left <= 0) {
      unavailable.push(`${name}: not read, the logs before it were ${mostBytes / 1_048_576} MiB already`);
      continue;
    }
    const pod: ObjectRef = { cluster: context.cluster, apiVersion: "v1", kind: "Pod", namespace, name };
    const bounded = { ...limits, limitBytes: Math.min(limitBytes, left) };
    const read = await readPodLogs(pod, wanted === null ? containers : [wanted], bounded, tools);
    logs.push(...read.logs.map((log) => ({ ...log, title: `${name}: ${log.title}` })));
    unavailable.push(...read.unavailable.map((why) => `${name}: ${why}`));
    left -= read.logs.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  }
  return { logs, unavailable };
}

interface Counted {
  /** In the order of the patterns. */
  readonly counts: readonly number[];
  readonly matching: readonly string[];
}

async function count(logs: readonly Log[], { each, any }: Patterns, tools: ActionTools): Promise<Counted> {
  const counts = each.map(() => 0);
  const matching: string[] = [];
  for (const [number, line] of logs.flatMap(({ text }) => text.split("\n")).entries()) {
    // Megabytes take seconds: others get their turn, and the attempt can be aborted.
    if (number % linesAtOnce === 0) await tools.sleep(0);
    const searched = line.slice(0, searchedLength);
    if (!any.matcher(searched).find()) continue;
    matching.push(line);
    for (const [index, pattern] of each.entries())
      if (pattern.matcher(searched).find()) counts[index] = (counts[index] ?? 0) + 1;
  }
  return { counts, matching };
}

async function keep(
  logs: readonly Log[],
  { step }: ActionContext,
  tools: ActionTools,
): Promise<Readonly<Record<string, Json>>> {
  if (logs.length === 0) return { evidence: null, sha256: null, bytes: 0 };
  const saved = await tools.saveEvidence(`${step}.log`, evidenceText(logs));
  return { evidence: saved.name, sha256: saved.sha256, bytes: saved.bytes };
}
