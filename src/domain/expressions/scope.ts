// What expressions may read, by the place where they stand, and how facts become what they read.
import type { Alert } from "../facts/alert.ts";
import type { Fact, Facts } from "../facts/facts.ts";
import type { Subject } from "../facts/objects.ts";
import type { JsonObject } from "../json.ts";

export const roots = [
  "alert",
  "subject",
  "subjects",
  "target",
  "namespace",
  "cluster",
  "owner",
  "params",
  "steps",
  "history",
  "now",
  "output",
  "plan",
  "usage",
  "shared",
  "value",
  "effect",
  "status",
  "body",
  "object",
] as const;
export type Root = (typeof roots)[number];

/** A root that is left out counts as missing. `now` is ISO 8601; all others are plain data. */
export type Scope = Readonly<Partial<Record<Root, unknown>>>;

const facts = [
  "alert",
  "subject",
  "subjects",
  "target",
  "namespace",
  "cluster",
  "owner",
  "history",
  "now",
] as const;

/** Where an expression stands decides what it may read. */
export const scopes = {
  /** `when` of a selection rule, parameters and messages of its event. `shared`: conditions of the policy, by name. */
  selection: [...facts, "shared"],
  guard: [...facts, "plan", "usage", "shared"],
  /** Parameters that are fixed when the plan is made. */
  plan: [...facts, "params"],
  /** Conditions, preconditions and parameters when the step starts. */
  step: [...facts, "params", "steps"],
  postcondition: [...facts, "params", "steps", "output"],
  /** The operator `cel`. */
  value: ["value"],
  /** The request or the Job of a custom action. `effect.key` is the same for every attempt of one step. */
  action: ["params", "effect"],
  /** What a probe expects of an answer, or of an object. */
  answer: ["params", "effect", "status", "body"],
  object: ["params", "effect", "object"],
} as const satisfies Readonly<Record<string, readonly Root[]>>;
export type ScopeName = keyof typeof scopes;

/** Fields of the roots whose shape is known; whatever is not listed is open. */
export const rootFields: Readonly<Partial<Record<Root, readonly string[]>>> = {
  alert: [
    "name",
    "labels",
    "annotations",
    "severity",
    "namespace",
    "resource",
    "startsAt",
    "fingerprint",
    "cluster",
  ],
  subject: ["kind", "namespace", "name", "container"],
  target: [
    "kind",
    "apiVersion",
    "cluster",
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "labels",
    "annotations",
    "spec",
    "status",
    "managedBy",
    "manager",
  ],
  namespace: ["name", "labels"],
  cluster: ["name", "labels"],
  owner: ["team"],
  history: ["attempts"],
  plan: ["risk", "digest", "clusters", "namespaces", "objects", "actions", "template", "repair"],
  effect: ["key"],
  usage: ["global", "cluster", "namespace", "target", "template"],
};

/** `namespace` and `resource` are the subject's; without a subject the label `namespace`, and null. */
export function alertScope(alert: Alert, subject: Subject | null): JsonObject {
  return {
    name: alert.name,
    labels: alert.labels,
    annotations: alert.annotations,
    severity: alert.severity,
    namespace: subject?.namespace ?? alert.labels["namespace"] ?? null,
    resource: subject?.name ?? null,
    startsAt: alert.startsAt,
    fingerprint: alert.fingerprint,
    cluster: alert.cluster,
  };
}

function available<T>(fact: Fact<T>): T | undefined {
  return fact.available ? fact.value : undefined;
}

/** Facts as expressions see them. A fact that is not available is left out: reading it counts as missing. */
export function factScope(facts: Facts): Scope {
  return {
    alert: alertScope(facts.alert, available(facts.subject) ?? null),
    subject: available(facts.subject),
    subjects: available(facts.subjects),
    target: available(facts.target),
    namespace: available(facts.namespace),
    cluster: facts.cluster,
    owner: available(facts.owner),
    history: available(facts.history),
    now: facts.now,
  };
}
