// given(events).expectWork(…): an execution's past in, what it needs next out. Times count in seconds from a fixed start.
import { expect } from "vitest";
import type { ExecutionEvent, RecordedEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { nextWork } from "../../src/domain/execution/next-work.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import { plusSeconds } from "../../src/domain/instant.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";
import type { Plan, PlannedStep } from "../../src/domain/planning/plan.ts";

export const start = "2026-11-17T10:00:00.000Z";

export const alert: Alert = {
  cluster: "prod-eu",
  fingerprint: "f1",
  status: "firing",
  name: "KubePodCrashLooping",
  severity: "warning",
  labels: { alertname: "KubePodCrashLooping", namespace: "shop", pod: "api-7d9-x2x" },
  annotations: {},
  startsAt: start,
  endsAt: null,
  source: "default",
  sanitised: false,
};

export const target = {
  cluster: "prod-eu",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
  uid: "u1",
};

export const scaleEffect: Effect = {
  kind: "patch",
  object: target,
  uid: "u1",
  resourceVersion: "7",
  changes: [{ pointer: "/spec/replicas", before: 2, after: 3 }],
  missingParents: [],
};

/** A step that waits for the one above, unless told otherwise. */
export function step(name: string, options: Partial<PlannedStep> = {}): PlannedStep {
  return {
    name,
    dependsOn: [],
    call: { action: options.changes === false ? "get_pod_status" : "scale_deployment", input: {} },
    conditions: [],
    preconditions: [],
    postconditions: [],
    timeoutSeconds: 30,
    retry: { attempts: 3, backoffSeconds: 2, maxBackoffSeconds: 30 },
    onFailure: "rollback",
    alternatives: [],
    undo: { how: "restore" },
    changes: true,
    subject: null,
    ...options,
  };
}

export function plan(steps: readonly PlannedStep[], options: Partial<Plan> = {}): Plan {
  return {
    template: { name: "rollback-workload", version: "1.0.0", hash: "h" },
    target,
    parameters: {},
    steps,
    finally: [],
    fallback: null,
    fallbackImpossible: null,
    assessment: { delaySeconds: 600, checks: [] },
    risk: "low",
    timeoutSeconds: 900,
    maxParallel: 4,
    cooldownSeconds: 600,
    approvalRequired: false,
    touches: {
      clusters: ["prod-eu"],
      namespaces: ["shop"],
      objects: [target],
      actions: ["scale_deployment"],
    },
    digest: "sha256:0",
    ...options,
  };
}

export function planned(steps: readonly PlannedStep[], options: Partial<Plan> = {}): ExecutionEvent[] {
  return [
    {
      type: "ExecutionRequested",
      incident: "i1",
      alert,
      subject: null,
      match: { rule: "crash-loops/roll-back", template: "rollback-workload", reasons: [], facts: {} },
      revision: `main@sha1:${"0".repeat(40)}`,
      mode: "live",
    },
    { type: "Planned", plan: plan(steps, options), previews: [] },
    { type: "GateDecided", gate: { kind: "open", reasons: [] } },
  ];
}

export function running(steps: readonly PlannedStep[], options: Partial<Plan> = {}): ExecutionEvent[] {
  return [...planned(steps, options), { type: "Claimed", keys: [] }];
}

export const started = (name: string, effect: Effect | null = scaleEffect, attempt = 1): ExecutionEvent => ({
  type: "StepStarted",
  step: name,
  attempt,
  call: { action: "scale_deployment", input: {} },
  effect,
});
export const succeeded = (name: string): ExecutionEvent => ({
  type: "StepSucceeded",
  step: name,
  attempt: 1,
  output: null,
});
export const failed = (name: string, changed = false): ExecutionEvent => ({
  type: "StepFailed",
  step: name,
  attempt: 1,
  code: "API_INVALID",
  message: "refused",
  changed,
  retryable: false,
  retryAfterSeconds: null,
});

/** Each event a second after the one before. */
export function recorded(events: readonly ExecutionEvent[]): RecordedEvent[] {
  return events.map((event, index) => ({ seq: index + 1, at: plusSeconds(start, index), version: 1, event }));
}

export function given(...events: ExecutionEvent[]) {
  const state = fold(recorded(events));
  const at = (seconds: number, busy: readonly string[]) =>
    nextWork(state, new Set(busy), plusSeconds(start, seconds));
  return {
    state,
    work: (seconds = events.length, busy: readonly string[] = []) => at(seconds, busy),
    starts: (seconds = events.length, busy: readonly string[] = []) =>
      at(seconds, busy).flatMap((work) => (work.type === "start" ? [work.step.name] : [])),
    expectEnd(outcome: string, seconds = events.length) {
      const events = at(seconds, []).flatMap((work) => (work.type === "record" ? work.events : []));
      expect(events.at(-1)).toMatchObject({ type: "Ended", outcome });
    },
  };
}
