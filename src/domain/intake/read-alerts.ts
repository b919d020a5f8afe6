// Reads Alertmanager's webhook payload (version 4) into Alerts. Each alert stands on its own status and its own feet:
// one that cannot be read becomes a dead letter with its reason, and the others go on. Linear in the size of the body.
import type { Alert } from "../facts/alert.ts";
import { globMatcher } from "../glob.ts";
import { plusSeconds } from "../instant.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import { Problem } from "../problem.ts";
import { storableText } from "../storable.ts";
import { labelFingerprint } from "./label-fingerprint.ts";
import { namespaceOf, subjectOf } from "./subject-of.ts";

/** A configured Alertmanager, as far as reading its alerts goes. */
export interface AlertSource {
  readonly name: string;
  /** Clusters that it may speak for. */
  readonly clusters: readonly string[];
  /** The label that names the cluster; read only when there is more than one. */
  readonly clusterLabel: string;
  /** Names or globs of namespaces that it may speak for; what is in no namespace needs `*`. Left out: all. */
  readonly namespaces?: readonly string[];
}

export interface UnreadAlert {
  /** `CODE: what is wrong`. */
  readonly reason: string;
  readonly body: JsonObject | string;
}

export interface ReadAlerts {
  readonly alerts: readonly Alert[];
  readonly deadLetters: readonly UnreadAlert[];
  /** Alerts that Alertmanager left out (`max_alerts`): people should hear of it. */
  readonly truncated: number;
}

const zeroTime = "0001-01-01T00:00:00Z";
const instantShape = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;
const fingerprintShape = /^[0-9A-Za-z_.:-]{1,128}$/;
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const objectLabels = ["namespace", "pod", "deployment", "statefulset", "daemonset", "node"].flatMap(
  (label) => [label, `exported_${label}`],
);
/** Deeper than any alert; a dead letter's body is cut here, so that no body exhausts the stack. */
const maxDepth = 16;
/** Labels identify the firing: nothing of them may be cut. In characters; the name stands in an index. */
const most = { labels: 100, label: 2_000, name: 500 };
/** What is longer or more is cut, and the alert says so. */
const mostAnnotations = 100;
const longestAnnotation = 16_000;
/** Of one body. A sender that has lost its mind fits millions of them into 16 MiB. */
const mostDeadLetters = 10_000;

/** @throws Problem PAYLOAD_INVALID for a body that can never be accepted: no object, another version, no `alerts`. */
export function readAlerts(body: unknown, source: AlertSource): ReadAlerts {
  const entries = alertsOf(body);
  const reader: Reader = {
    source,
    allows: source.namespaces === undefined ? null : globMatcher(source.namespaces),
  };
  const alerts: Alert[] = [];
  const deadLetters: UnreadAlert[] = [];
  let notKept = 0;
  for (const entry of entries) {
    const read = readAlert(entry, reader);
    if (typeof read !== "string") alerts.push(read);
    else if (deadLetters.length === mostDeadLetters) notKept += 1;
    else deadLetters.push({ reason: storableText(read), body: keepable(entry) });
  }
  if (notKept > 0) {
    const reason = `TOO_MANY: ${notKept} more alerts of this body cannot be read either; they are not kept`;
    deadLetters.push({ reason, body: "" });
  }
  return { alerts, deadLetters, truncated: truncatedOf(body as JsonObject) };
}

function alertsOf(body: unknown): readonly unknown[] {
  if (!isObject(body)) throw new Problem("PAYLOAD_INVALID", "the body is not a JSON object");
  const version = own(body, "version");
  if (version !== "4") {
    const found = version === undefined ? "has no version" : `has version ${quote(version)}`;
    throw new Problem(
      "PAYLOAD_INVALID",
      `the body ${found}; gitmend reads Alertmanager's webhook version "4"`,
    );
  }
  const alerts = own(body, "alerts");
  if (!Array.isArray(alerts)) {
    throw new Problem(
      "PAYLOAD_INVALID",
      "the body has no list `alerts`; a receiver with its own `payload` template cannot be read: remove the template",
    );
  }
  return alerts;
}

function truncatedOf(body: JsonObject): number {
  const count = own(body, "truncatedAlerts");
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 0;
}

interface Reader {
  readonly source: AlertSource;
  /** Whether the source may speak for a namespace, or ("") for what is in none. null: for all. */
  readonly allows: ((namespace: string) => boolean) | null;
}

/** The alert, or why it cannot be read. */
function readAlert(entry: unknown, { source, allows }: Reader): Alert | string {
  if (!isObject(entry)) return "ALERT_INVALID: the alert is not an object";
  const status = own(entry, "status");
  if (status !== "firing" && status !== "resolved") {
    return `STATUS_INVALID: status ${quote(status)} is neither "firing" nor "resolved"`;
  }
  const labels = textMap(own(entry, "labels"));
  if (labels === null) return "LABELS_INVALID: labels is not an object of strings";
  const name = own(labels.texts, "alertname");
  if (name === undefined || name === "") return "LABELS_INVALID: the label alertname is missing";
  const tooLarge = whyTooLarge(name, labels.texts);
  if (tooLarge !== null) return `LABELS_TOO_LARGE: ${tooLarge}`;
  const annotations = readAnnotations(own(entry, "annotations") ?? {});
  if (annotations === null) return "ANNOTATIONS_INVALID: annotations is not an object of strings";
  const times = readTimes(entry, status);
  if (typeof times === "string") return times;
  const fingerprint = readFingerprint(entry, labels.texts);
  if (fingerprint === null) return `FINGERPRINT_INVALID: ${quote(own(entry, "fingerprint"))}`;
  const cluster = readCluster(labels.texts, source);
  if (cluster === null) return notAllowed(labels.texts, source);
  return (
    badName(labels.texts) ??
    badNamespace(name, labels.texts, source, allows) ?? {
      cluster,
      fingerprint,
      status,
      name,
      severity: own(labels.texts, "severity") ?? "",
      labels: labels.texts,
      annotations: annotations.texts,
      ...times,
      source: source.name,
      sanitised: labels.sanitised || annotations.sanitised,
    }
  );
}

function readTimes(entry: JsonObject, status: Alert["status"]): Pick<Alert, "startsAt" | "endsAt"> | string {
  const startsAt = readInstant(own(entry, "startsAt"));
  if (startsAt === null) return `STARTS_AT_INVALID: ${quote(own(entry, "startsAt"))} is not a time`;
  if (status === "firing") return { startsAt, endsAt: null };
  const endsAt = readInstant(own(entry, "endsAt"));
  if (endsAt === null) {
    return `ENDS_AT_INVALID: resolved, but endsAt ${quote(own(entry, "endsAt"))} is not a time`;
  }
  return { startsAt, endsAt };
}

/** ISO 8601 UTC with milliseconds; null for anything else, Go's zero time included. */
function readInstant(value: unknown): string | null {
  if (typeof value !== "string" || value === zeroTime || !instantShape.test(value)) return null;
  try {
    return plusSeconds(value.toUpperCase(), 0);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The sender's, or computed from the labels; null when it is there and unusable. */
function readFingerprint(entry: JsonObject, labels: Readonly<Record<string, string>>): string | null {
  const given = own(entry, "fingerprint") ?? "";
  if (given === "") return labelFingerprint(labels);
  return typeof given === "string" && fingerprintShape.test(given) ? given : null;
}

/** The source's only cluster, or the labelled one when the source may speak for it. The label alone decides nothing. */
function readCluster(labels: Readonly<Record<string, string>>, source: AlertSource): string | null {
  const only = source.clusters.length === 1 ? source.clusters[0] : undefined;
  const named = only ?? own(labels, source.clusterLabel);
  return named !== undefined && source.clusters.includes(named) ? named : null;
}

function notAllowed(labels: Readonly<Record<string, string>>, source: AlertSource): string {
  const named = own(labels, source.clusterLabel);
  const found =
    named === undefined ? `the label ${source.clusterLabel} is missing` : `cluster ${quote(named)}`;
  return `CLUSTER_NOT_ALLOWED: ${found}; ${source.name} speaks for ${source.clusters.join(", ") || "no cluster"}`;
}

/** Names meet URLs later: what is no DNS name stops here. An empty label is an absent one, as in Prometheus. */
function badName(labels: Readonly<Record<string, string>>): string | null {
  for (const label of objectLabels) {
    const value = own(labels, label);
    if (value === undefined || value === "") continue;
    const good = label.endsWith("namespace")
      ? dnsLabel.test(value)
      : value.length <= 253 && dnsSubdomain.test(value);
    if (!good) return `NAME_INVALID: the label ${label} is ${quote(value)}, which is no DNS name`;
  }
  return null;
}

/** Judged by the object that the alert names: a node is in no namespace, whatever the label says. */
function badNamespace(
  name: string,
  labels: Readonly<Record<string, string>>,
  source: AlertSource,
  allows: Reader["allows"],
): string | null {
  if (allows === null) return null;
  const subject = subjectOf({ name, labels });
  const namespace = subject === null ? namespaceOf(labels) : subject.namespace;
  if (allows(namespace ?? "")) return null;
  const found = namespace === null ? "it is about no namespace" : `namespace ${quote(namespace)}`;
  return `NAMESPACE_NOT_ALLOWED: ${found}; ${source.name} speaks for ${source.namespaces?.join(", ")}`;
}

/** Own properties only: labels are named by others, `constructor` and `__proto__` among them. */
function own<T>(object: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function textMap(value: unknown): { texts: Readonly<Record<string, string>>; sanitised: boolean } | null {
  if (!isObject(value)) return null;
  let sanitised = false;
  const entries: [string, string][] = [];
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") return null;
    const entry: [string, string] = [storableText(key), storableText(text)];
    sanitised ||= entry[0] !== key || entry[1] !== text;
    entries.push(entry);
  }
  return { texts: Object.fromEntries(entries), sanitised };
}

function whyTooLarge(name: string, labels: Readonly<Record<string, string>>): string | null {
  if (name.length > most.name) return `alertname has more than ${most.name} characters`;
  const entries = Object.entries(labels);
  if (entries.length > most.labels) return `${entries.length} labels, at most ${most.labels} are read`;
  const long = entries.find((entry) => entry.some((text) => text.length > most.label));
  return long === undefined ? null : `the label ${quote(long[0])} has more than ${most.label} characters`;
}

function readAnnotations(value: unknown): ReturnType<typeof textMap> {
  const read = textMap(value);
  if (read === null) return null;
  const entries = Object.entries(read.texts);
  const isLong = (text: string) => text.length > longestAnnotation;
  if (entries.length <= mostAnnotations && !entries.some((entry) => entry.some(isLong))) return read;
  const cut = (text: string) =>
    isLong(text) ? `${storableText(text.slice(0, longestAnnotation))}… (cut)` : text;
  const kept = entries.slice(0, mostAnnotations).map(([key, text]) => [cut(key), cut(text)]);
  return { texts: Object.fromEntries(kept) as Readonly<Record<string, string>>, sanitised: true };
}

function keepable(entry: unknown): JsonObject | string {
  const kept = cleanJson(entry, 0);
  return isObject(kept) ? kept : JSON.stringify(kept);
}

function cleanJson(value: unknown, depth: number): Json {
  if (typeof value === "string") return storableText(value);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (depth === maxDepth) return "(nested too deeply to keep)";
  if (Array.isArray(value)) return value.map((item) => cleanJson(item, depth + 1));
  if (!isObject(value)) return null;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [storableText(key), cleanJson(item, depth + 1)]));
}

function quote(value: unknown): string {
  if (value === undefined) return "(missing)";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "(a list)" : "(an object)";
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
