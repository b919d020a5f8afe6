// Small alerts, decisions and events for the suites of the stores. Every id and fingerprint is new, so that tests share a database.
import { randomBytes, randomUUID } from "node:crypto";
import type { Append, Delivery, FiringDecision } from "../../src/controller/ports.ts";
import type { ExecutionEvent, RecordedEvent } from "../../src/domain/execution/events.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { ObjectRef } from "../../src/domain/facts/objects.ts";

export const revision = `main@sha1:${"a".repeat(40)}`;
export const at = "2026-11-17T10:00:00.000Z";

/** UUIDv7 of now. */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  const random = randomBytes(10).toString("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-a${random.slice(3, 6)}-${random.slice(6, 18)}`;
}

export function newAlert(changes: Partial<Alert> = {}): Alert {
  return {
    cluster: "prod-eu",
    fingerprint: randomUUID(),
    status: "firing",
    name: "KubePodCrashLooping",
    severity: "warning",
    labels: { alertname: "KubePodCrashLooping", namespace: "shop" },
    annotations: { summary: 'a "quoted" \\u0000 summary' },
    startsAt: "2026-11-17T10:00:00.000Z",
    endsAt: null,
    source: "default",
    sanitised: false,
    ...changes,
  };
}

export function resolved(alert: Alert, endsAt = "2026-11-17T10:05:00.000Z"): Alert {
  return { ...alert, status: "resolved", endsAt };
}

export function delivery(...alerts: readonly Alert[]): Delivery {
  return { bodyHash: "hash", source: "default", alerts, deadLetters: [] };
}

export function newTarget(): ObjectRef {
  return {
    cluster: "prod-eu",
    apiVersion: "apps/v1",
    kind: "Deployment",
    namespace: "shop",
    name: randomUUID(),
  };
}

export const events = {
  requested: (alert: Alert, incident: string): ExecutionEvent => ({
    type: "ExecutionRequested",
    incident,
    alert,
    subject: null,
    match: { rule: "p/r", template: "rollback-workload", reasons: [], facts: {} },
    revision,
    mode: "live",
  }),
  gate: { type: "GateDecided", gate: { kind: "open", reasons: [] } } as ExecutionEvent,
  skipped: (reason: string): ExecutionEvent => ({
    type: "StepSkipped",
    step: "one",
    reason,
    byCondition: true,
  }),
  ended: {
    type: "Ended",
    outcome: "succeeded",
    reason: "all steps succeeded",
    escalated: false,
  } as ExecutionEvent,
};

/** Events of a stream that has `version` events already. */
export function recorded(version: number, ...list: readonly ExecutionEvent[]): readonly RecordedEvent[] {
  return list.map((event, index) => ({ seq: version + index + 1, at, version: 1, event }));
}

export type NewExecution = Extract<FiringDecision, { kind: "execution" }>;

export function newExecution(alert: Alert, changes: Partial<NewExecution> = {}): NewExecution {
  const target = newTarget();
  const incidentId = newId();
  return {
    kind: "execution",
    revision,
    reasons: ["p/r fired"],
    executionId: newId(),
    incidentKey: `prod-eu/${target.name}`,
    incidentId,
    claimKey: `prod-eu/${target.name}`,
    template: "rollback-workload",
    target,
    mode: "live",
    cooldownSeconds: 0,
    limits: [],
    countsIn: [],
    breakers: null,
    rest: null,
    events: recorded(0, events.requested(alert, incidentId), events.gate),
    projection: { phase: "running", outcome: null, escalated: false },
    ...changes,
  };
}

export function append(id: string, version: number, changes: Partial<Append> = {}): Append {
  return {
    id,
    epoch: 1,
    events: recorded(version, events.skipped(`after ${version}`)),
    projection: { phase: "running", outcome: null, escalated: false },
    commands: [],
    milestone: null,
    assessAfterSeconds: null,
    keepSeconds: null,
    escalation: null,
    ...changes,
  };
}

/** The append that ends an execution. */
export function ending(id: string, version: number, changes: Partial<Append> = {}): Append {
  return append(id, version, {
    events: recorded(version, events.ended),
    projection: { phase: "ended", outcome: "succeeded", escalated: false },
    milestone: "ended",
    ...changes,
  });
}
