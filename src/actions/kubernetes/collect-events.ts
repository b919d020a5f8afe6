// collect_events: keeps what Kubernetes said about the target and its pods. Events live for an hour only, so they are gone
// when people look. Pods that were deleted meanwhile count too: their events often tell why.
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import type { Json, JsonObject } from "../../domain/json.ts";
import { oneLine } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";
import { redactText } from "../../domain/redact.ts";
import type { ActionContext, ActionInput, ActionTools, ClusterApi, ReadAction } from "../action.ts";
import { podOwnerKinds } from "../choose-pod.ts";
import {
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  podRef,
  reasonParameter,
  type Situation,
  textOf,
} from "../parameters.ts";
import { podsOf, replicaSetsOf } from "../pods.ts";
import { getPodStatus } from "./get-pod-status.ts";

const shownLines = 20;
const shownReasons = 20;
const shownLineLength = 300;
const keptLineLength = 2000;

export const collectEvents: ReadAction = {
  name: "collect_events",
  aliases: ["get_events"],
  type: "kubernetes",
  summary: "Keeps the newest Kubernetes Events of the target and its pods, redacted, as evidence.",
  risk: "low",
  changes: false,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    pod: nameParameter("pod", "the target, whatever its kind, with all its pods"),
    limit: {
      type: "integer",
      minimum: 1,
      maximum: 2000,
      default: 500,
      description: "Newest events that are kept.",
    },
    reason: reasonParameter,
  }),
  parameterAliases: { name: "pod" },
  identity: ["namespace", "pod"],
  text: ["reason"],
  output: outputSchema({
    events: {
      type: "integer",
      description: "Events that were found. Kubernetes forgets them after an hour.",
    },
    warnings: { type: "integer", description: "Those of type Warning." },
    reasons: {
      type: "object",
      additionalProperties: { type: "integer" },
      description: "How often each reason occurred, such as BackOff; the 20 most frequent.",
    },
    lines: {
      type: "array",
      items: { type: "string" },
      maxItems: shownLines,
      description: "The newest events, redacted, newest first.",
    },
    evidence: {
      type: ["string", "null"],
      description: "Name of the evidence; null when there are no events.",
    },
    sha256: { type: ["string", "null"] },
    bytes: { type: "integer" },
  }),
  rbac: [...getPodStatus.rbac, { apiGroup: "", resource: "events", verbs: ["list"] }],
  undo: { how: "nothing", why: "it only reads" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => {
    const subject = subjectOf(input, situation);
    return subject === null ? [] : [subject];
  },
  preview: (input) =>
    textOf(input, "pod") === null
      ? "keep the Kubernetes events of the target and its pods"
      : `keep the Kubernetes events of pod ${named(input, "pod")}`,
  run,
};

/** The pod that the input names, else the target; null: there is neither. */
function subjectOf(input: ActionInput, situation: Situation): ObjectRef | null {
  if (textOf(input, "pod") !== null) return podRef(input, situation);
  if (situation.target === null) return null;
  const { cluster, apiVersion, kind, namespace, name } = situation.target;
  return { cluster, apiVersion, kind, namespace, name };
}

async function run(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const subject = subjectOf(input, context);
  if (subject === null) {
    throw new Problem(
      "PRECONDITION_FAILED",
      'there is nothing whose events could be collected: the incident has no target and the input has no "pod"',
    );
  }
  const found = await eventsOf(subject, tools.cluster(subject.cluster));
  const newest = found.toSorted((one, other) => other.at.localeCompare(one.at));
  const kept = newest.slice(0, Number(input.limit ?? 500));
  return {
    events: found.length,
    warnings: found.filter(({ type }) => type === "Warning").length,
    reasons: countReasons(found),
    lines: kept.slice(0, shownLines).map((event) => lineOf(event, shownLineLength)),
    ...(await keep(kept, `${context.step}-${subject.name}.events`, tools)),
  };
}

interface Seen {
  /** ISO 8601 of its latest occurrence; "" when the event says none. */
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly count: number;
  readonly about: string;
  readonly message: string;
}

async function eventsOf(subject: ObjectRef, api: ClusterApi): Promise<readonly Seen[]> {
  const query = { apiVersion: "v1", kind: "Event", namespace: subject.namespace ?? "default" };
  const own = `involvedObject.kind=${subject.kind},involvedObject.name=${subject.name}`;
  if (!podOwnerKinds.has(subject.kind)) {
    return (await api.list({ ...query, fieldSelector: own })).map(toSeen);
  }
  // One list instead of one for each pod, and pods that are gone can't be asked for by name.
  const [belongs, events] = await Promise.all([belonging(subject, api), api.list(query)]);
  return events.filter(belongs).map(toSeen);
}

/** Whether an event is about the workload, its ReplicaSets or its pods; without the workload, its name alone counts. */
async function belonging(subject: ObjectRef, api: ClusterApi): Promise<(event: KubernetesObject) => boolean> {
  const workload = await api.get(subject);
  const sets = workload?.kind === "Deployment" ? await replicaSetsOf(api, workload) : [];
  const pods = workload === null ? [] : await podsOf(api, workload);
  const uids = new Set([...sets.map(({ metadata }) => metadata.uid), ...pods.map(({ uid }) => uid)]);
  const makers = subject.kind === "Deployment" ? sets.map(({ metadata }) => metadata.name) : [subject.name];
  return (event) => {
    const { kind, name, uid } = involved(event);
    if (kind === subject.kind && name === subject.name) return true;
    return uids.has(uid) || (kind === "Pod" && makers.some((maker) => isNamedBy(maker, name)));
  };
}

/** Controllers name pods after themselves: `api-7d9f-x2x9k`, `db-0`; a Job with completion indexes `sum-3-x2x9k`. */
function isNamedBy(maker: string, pod: string): boolean {
  return pod.startsWith(`${maker}-`) && /^(\d+|(\d+-)?[a-z0-9]{5})$/.test(pod.slice(maker.length + 1));
}

function involved({ involvedObject }: KubernetesObject): {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
} {
  const { kind = "", name = "", uid = "" } = (involvedObject ?? {}) as Partial<Record<string, string>>;
  return { kind, name, uid };
}

/** The older and the newer form of events: `count` and `lastTimestamp`, or `series` and `eventTime`. */
function toSeen(event: KubernetesObject): Seen {
  const series = (event.series ?? {}) as { count?: number; lastObservedTime?: string };
  const times = [event.lastTimestamp, series.lastObservedTime, event.eventTime, event.firstTimestamp];
  const { kind, name } = involved(event);
  const count = event.count ?? series.count;
  return {
    at: times.find((time) => typeof time === "string") ?? event.metadata.creationTimestamp ?? "",
    type: wordOf(event.type),
    reason: wordOf(event.reason),
    count: typeof count === "number" ? count : 1,
    about: `${kind}/${name}`,
    message: wordOf(event.message),
  };
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function countReasons(events: readonly Seen[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { reason, count } of events) {
    const name = oneLine(reason === "" ? "none" : reason, 60);
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const most = [...counts].toSorted(([, one], [, other]) => other - one).slice(0, shownReasons);
  return Object.fromEntries(most);
}

function lineOf({ at, type, reason, about, count, message }: Seen, limit: number): string {
  const times = count > 1 ? ` (${count} times)` : "";
  return oneLine(redactText(`${at} ${type} ${reason} ${about}${times}: ${message}`), limit);
}

async function keep(
  events: readonly Seen[],
  name: string,
  tools: ActionTools,
): Promise<Readonly<Record<string, Json>>> {
  if (events.length === 0) return { evidence: null, sha256: null, bytes: 0 };
  const text = events.map((event) => `${lineOf(event, keptLineLength)}\n`).join("");
  const saved = await tools.saveEvidence(name, text);
  return { evidence: saved.name, sha256: saved.sha256, bytes: saved.bytes };
}
