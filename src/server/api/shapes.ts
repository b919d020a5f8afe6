// JSON schemas of what the API shows. Each is a named component of the OpenAPI document; a test holds real answers to them.
import { outcomes, phases } from "../../domain/execution/events.ts";
import type { Json, JsonObject } from "../../domain/json.ts";

const text: JsonObject = { type: "string" };
export const integer: JsonObject = { type: "integer" };
const number: JsonObject = { type: "number" };
const yesNo: JsonObject = { type: "boolean" };
export const instant: JsonObject = { type: "string", format: "date-time" };
const texts: JsonObject = { type: "array", items: text };

export function orNull(schema: JsonObject): JsonObject {
  return { anyOf: [schema, { type: "null" }] };
}

export function listOf(schema: JsonObject): JsonObject {
  return { type: "array", items: schema };
}

/** All properties are always there. */
export function shape(properties: Readonly<Record<string, JsonObject>>): JsonObject {
  return {
    type: "object",
    properties,
    required: Object.keys(properties) as Json,
    additionalProperties: false,
  };
}

export function named(name: keyof typeof shapes): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

/** One page of a list; `next` is the `before` of the page after. */
export function pageOf(item: JsonObject): JsonObject {
  return shape({ items: listOf(item), next: orNull(text) });
}

const object = shape({ cluster: text, apiVersion: text, kind: text, namespace: orNull(text), name: text });

const execution: Readonly<Record<string, JsonObject>> = {
  id: text,
  phase: { enum: [...phases] },
  outcome: orNull({ enum: [...outcomes] }),
  escalated: yesNo,
  mode: { enum: ["observe", "live"] },
  template: text,
  alertName: text,
  incidentId: text,
  target: orNull(object),
  createdAt: instant,
  updatedAt: instant,
  escalation: orNull(
    shape({
      toldAt: orNull(instant),
      channel: orNull(text),
      attempts: integer,
      problem: orNull(text),
      seen: orNull(shape({ at: instant, by: text, reason: text })),
    }),
  ),
};

const incident: Readonly<Record<string, JsonObject>> = {
  id: text,
  key: text,
  openedAt: instant,
  closedAt: orNull(instant),
  alerts: integer,
  firing: integer,
  alertNames: texts,
  executions: integer,
  escalated: yesNo,
  lastExecution: orNull(
    shape({
      id: text,
      template: text,
      phase: { enum: [...phases] },
      outcome: orNull({ enum: [...outcomes] }),
    }),
  ),
};

const pause: Readonly<Record<string, JsonObject>> = {
  scope: { type: "object", properties: { kind: text }, required: ["kind"] },
  by: text,
  reason: text,
  until: orNull(instant),
  source: { enum: ["command", "file", "annotation"] },
};

const demand = {
  type: "object",
  properties: {
    from: texts,
    approvals: integer,
    next: listOf(shape({ afterSeconds: integer, from: texts })),
  },
  required: ["from", "approvals"],
};

const catalog: Readonly<Record<string, JsonObject>> = {
  revision: orNull(text),
  templates: integer,
  rules: integer,
  findings: listOf({ type: "object" }),
  problem: orNull(text),
};

export const shapes = {
  Problem: {
    type: "object",
    description: "RFC 9457, with a stable code (docs/problems.md).",
    properties: {
      type: text,
      title: text,
      status: integer,
      detail: text,
      code: text,
      retryable: yesNo,
      details: { type: "object" },
    },
    required: ["type", "title", "status", "detail", "code", "retryable"],
  },
  Execution: shape(execution),
  Event: shape({
    seq: integer,
    at: instant,
    version: integer,
    event: { type: "object", properties: { type: text }, required: ["type"] },
  }),
  Pause: shape(pause),
  Breaker: shape({
    id: text,
    scope: { enum: ["target", "template", "global"] },
    template: orNull(text),
    alertName: orNull(text),
    target: orNull(text),
    cluster: orNull(text),
    setbacks: integer,
    perSeconds: number,
    trippedAt: instant,
    lastExecution: text,
    reset: orNull(shape({ at: instant, by: text, reason: text })),
  }),
  CurrentExecution: shape({
    ...execution,
    severity: text,
    gate: orNull({ type: "object" }),
    expiresAt: orNull(instant),
    step: orNull(shape({ name: text, startedAt: instant })),
    reason: orNull(text),
    paused: orNull(shape({ by: text, reason: text, until: orNull(instant) })),
  }),
  CurrentFiring: shape({
    id: text,
    cluster: text,
    fingerprint: text,
    name: text,
    severity: text,
    subject: orNull(shape({ kind: text, namespace: orNull(text), name: text, container: orNull(text) })),
    openedAt: instant,
    state: { enum: ["due", "held", "paused", "stopped", "waiting", "no-match", "undecided", "ended"] },
    reasons: texts,
    decideAt: orNull(instant),
    execution: orNull(
      shape({
        id: text,
        template: text,
        outcome: orNull({ enum: [...outcomes] }),
        reason: text,
        escalated: yesNo,
      }),
    ),
  }),
  Health: shape({
    active: { type: "object", additionalProperties: integer },
    firing: integer,
    unowned: integer,
    unpublished: integer,
    auditLagSeconds: number,
    openBreakers: { type: "object", additionalProperties: integer },
    deadLetters: integer,
    watchdogAt: orNull(instant),
    deliveredAt: orNull(instant),
    now: instant,
  }),
  Incident: shape(incident),
  IncidentDetails: shape({
    ...incident,
    alertList: listOf(
      shape({
        id: text,
        fingerprint: text,
        cluster: text,
        name: text,
        severity: text,
        status: { enum: ["open", "resolved", "stale"] },
        labels: { type: "object", additionalProperties: text },
        openedAt: instant,
        resolvedAt: orNull(instant),
      }),
    ),
    executionList: listOf(shape(execution)),
    decisions: listOf(
      shape({
        at: instant,
        alert: text,
        kind: text,
        revision: text,
        reasons: texts,
        executionId: orNull(text),
      }),
    ),
  }),
  DeadLetter: {
    type: "object",
    properties: { id: text, receivedAt: instant, source: text, reason: text, body: text },
    required: ["id", "receivedAt", "source", "reason", "body"],
  },
  Approval: shape({
    executionId: text,
    waiting: yesNo,
    repository: text,
    branch: text,
    base: text,
    file: text,
    head: text,
    digest: text,
    demands: listOf(demand),
    teams: { type: "object", additionalProperties: texts },
    notBy: orNull(text),
    expiresAt: instant,
  }),
  BreakGlass: shape({
    execution: text,
    refused: orNull(text),
    digest: text,
    at: instant,
    until: instant,
    template: text,
    risk: text,
    alert: text,
    target: text,
    missing: text,
    reasons: texts,
    steps: texts,
    changes: texts,
    fallback: orNull(text),
  }),
  Catalog: shape(catalog),
  Check: shape({
    name: text,
    status: { enum: ["ok", "warn", "fail"] },
    detail: text,
    mend: orNull(text),
  }),
} as const satisfies Readonly<Record<string, JsonObject>>;
