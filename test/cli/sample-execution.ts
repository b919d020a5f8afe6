// Executions as they are stored, one for each way that a screen or an answer has to show: built from events alone.
import type { ExecutionSummary } from "../../src/controller/ports.ts";
import type { ExecutionEvent, RecordedEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { ObjectRef } from "../../src/domain/facts/objects.ts";
import type { Mode } from "../../src/domain/gate/gate.ts";
import { plusSeconds } from "../../src/domain/instant.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";
import type { Plan, PlannedStep, Undo } from "../../src/domain/planning/plan.ts";

export type Sample =
  | "fell-back"
  | "succeeded"
  | "rolled-back"
  | "running"
  | "awaiting-approval"
  | "observed"
  | "unknown"
  | "refused"
  | "half-undone";

const id = "0199f3c2-5b1e-7c4d-9a2f-7c1e2a4b9d0f";
const began = "2026-11-17T10:00:05.000Z";
const deployment: ObjectRef = {
  cluster: "prod-eu",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
};
const alert: Alert = {
  cluster: "prod-eu",
  fingerprint: "6eea59fa4b0c5f4a",
  status: "firing",
  name: "KubeDeploymentReplicasMismatch",
  severity: "warning",
  labels: {
    alertname: "KubeDeploymentReplicasMismatch",
    namespace: "shop",
    deployment: "api",
    severity: "warning",
  },
  annotations: { summary: "Deployment has not matched the expected number of replicas." },
  startsAt: "2026-11-17T09:55:00.000Z",
  endsAt: null,
  source: "default",
  sanitised: false,
};
const patch: Effect = {
  kind: "patch",
  object: deployment,
  uid: "11111111-1111-1111-1111-111111111111",
  resourceVersion: "4711",
  changes: [
    { pointer: "/spec/replicas", before: 2, after: 5 },
    { pointer: "/metadata/annotations/gitmend.dev~1execution", after: id },
  ],
  missingParents: [],
};
const removal: Effect = {
  kind: "delete",
  object: { cluster: "prod-eu", apiVersion: "v1", kind: "Pod", namespace: "shop", name: "api-6f7d9-x2x4k" },
  uid: "22222222-2222-2222-2222-222222222222",
  resourceVersion: "4712",
  gracePeriodSeconds: 30,
};

const rolledBack: Effect = {
  kind: "patch",
  object: deployment,
  uid: "11111111-1111-1111-1111-111111111111",
  resourceVersion: "4719",
  changes: [{ pointer: "/spec/template/spec/containers/0/image", before: "api:5", after: "api:4" }],
  missingParents: [],
};
const message: Effect = {
  kind: "send",
  channel: "sre",
  message: { title: "api went back", text: "to revision 3", severity: "info" },
};

function step(name: string, action: string, undo: Undo, dependsOn: readonly string[] = []): PlannedStep {
  return {
    name,
    dependsOn,
    call: { action, input: { namespace: "shop", name: "api" } },
    conditions: [],
    preconditions: [],
    postconditions: [],
    timeoutSeconds: 30,
    retry: { attempts: 3, backoffSeconds: 2, maxBackoffSeconds: 30 },
    onFailure: "rollback",
    alternatives: [],
    undo,
    changes: undo.how !== "nothing",
    subject: null,
  };
}

const nothing: Undo = { how: "nothing", why: "it only reads" };
const plan: Plan = {
  template: { name: "scale-out", version: "1.2.0", hash: "c".repeat(64) },
  target: { ...deployment, uid: "11111111-1111-1111-1111-111111111111" },
  parameters: { replicas: 5 },
  steps: [
    step("look", "get_pod_status", nothing),
    step("scale", "scale_deployment", { how: "restore" }, ["look"]),
    step("restart", "restart_pod", { how: "action", call: { action: "rollback_pod_restart", input: {} } }, [
      "scale",
    ]),
    step("prove", "validate_pod_health", nothing, ["restart"]),
  ],
  finally: [],
  fallback: null,
  fallbackImpossible: null,
  assessment: { delaySeconds: 600, checks: [] },
  risk: "medium",
  timeoutSeconds: 900,
  maxParallel: 4,
  cooldownSeconds: 600,
  approvalRequired: false,
  touches: {
    clusters: ["prod-eu"],
    namespaces: ["shop"],
    objects: [deployment],
    actions: ["get_pod_status", "scale_deployment", "restart_pod", "validate_pod_health"],
  },
  digest: `sha256:${"d".repeat(64)}`,
};

type Timed = readonly [seconds: number, event: ExecutionEvent];

function opening(mode: Mode): readonly Timed[] {
  return [
    [
      0,
      {
        type: "ExecutionRequested",
        incident: "0199f3c2-0000-7000-8000-00000000beef",
        alert,
        subject: { kind: "Deployment", namespace: "shop", name: "api", container: null },
        match: {
          rule: "capacity/scale-out-when-short",
          template: "scale-out",
          reasons: ["named KubeDeploymentReplicasMismatch", "history.attempts('24h') < 3: 0 attempts"],
          facts: {},
        },
        revision: `main@sha1:${"4f2c1d0a".repeat(5)}`,
        mode,
      },
    ],
    [
      0.2,
      {
        type: "Planned",
        plan,
        previews: [
          {
            step: "scale",
            summary: "scale shop/deploy/api from 2 to 5",
            changes: [{ pointer: "/spec/replicas", before: 2, after: 5 }],
            source: "server",
          },
        ],
      },
    ],
  ];
}

const open: Timed = [0.2, { type: "GateDecided", gate: { kind: "open", reasons: [] } }];
const claimed: Timed = [0.3, { type: "Claimed", keys: ["prod-eu/apps/Deployment/shop/api"] }];
const looked: readonly Timed[] = [
  [0.4, { type: "StepStarted", step: "look", attempt: 1, call: plan.steps[0]!.call, effect: null }],
  [0.7, { type: "StepSucceeded", step: "look", attempt: 1, output: { ready: 2 } }],
];
const scaling: Timed = [
  0.8,
  { type: "StepStarted", step: "scale", attempt: 1, call: plan.steps[1]!.call, effect: patch },
];
const scaled: Timed = [2.9, { type: "StepSucceeded", step: "scale", attempt: 1, output: { replicas: 5 } }];
const restarting: Timed = [
  3,
  { type: "StepStarted", step: "restart", attempt: 1, call: plan.steps[2]!.call, effect: removal },
];
const ended = (
  at: number,
  outcome: "succeeded" | "rolled_back" | "rollback_incomplete" | "unknown" | "observed" | "refused",
  reason: string,
  escalated = false,
): Timed => [at, { type: "Ended", outcome, reason, escalated }];

const backUp: PlannedStep = { ...step("fallback/roll-back", "rollback_deployment", { how: "restore" }) };
const told: PlannedStep = { ...step("finally/tell", "notify_team", nothing), changes: true };
const twoLevels: Plan = {
  ...plan,
  finally: [told],
  fallback: {
    ...plan,
    template: { name: "rollback-workload", version: "1.1.0", hash: "f".repeat(64) },
    steps: [backUp],
  },
};

const samples: Record<Sample, readonly Timed[]> = {
  "fell-back": [
    ...opening("live").map(
      ([at, event]): Timed => [at, event.type === "Planned" ? { ...event, plan: twoLevels } : event],
    ),
    open,
    claimed,
    ...looked,
    scaling,
    [
      9,
      {
        type: "StepFailed",
        step: "scale",
        attempt: 1,
        code: "NOT_HEALTHY",
        message: "2 of 5 pods are ready after 5m",
        changed: true,
        retryable: false,
        retryAfterSeconds: null,
      },
    ],
    [9.1, { type: "UndoStarted", step: "scale", attempt: 1, call: null, effect: patch }],
    [9.4, { type: "StepUndone", step: "scale", attempt: 1, note: "restored" }],
    [
      9.5,
      {
        type: "FallbackChosen",
        template: "rollback-workload",
        reason: "step scale failed: 2 of 5 pods are ready after 5m",
      },
    ],
    [
      9.6,
      { type: "StepStarted", step: "fallback/roll-back", attempt: 1, call: backUp.call, effect: rolledBack },
    ],
    [12, { type: "StepSucceeded", step: "fallback/roll-back", attempt: 1, output: { revision: 3 } }],
    [12.1, { type: "StepStarted", step: "finally/tell", attempt: 1, call: told.call, effect: message }],
    [12.3, { type: "StepSucceeded", step: "finally/tell", attempt: 1, output: { channel: "sre" } }],
    ended(12.4, "succeeded", "fallback rollback-workload: every step succeeded"),
    [
      612.4,
      {
        type: "AssessmentMade",
        verdict: "effective",
        round: 1,
        evidence: [
          {
            what: "alert",
            finding: "KubeDeploymentReplicasMismatch does not fire",
            supports: "effective",
          },
          {
            what: "target",
            finding: "prod-eu/shop/deploy/api: 5 of 5 pods are ready",
            supports: "effective",
          },
        ],
        again: null,
      },
    ],
  ],
  succeeded: [
    ...opening("live"),
    open,
    claimed,
    ...looked,
    scaling,
    scaled,
    restarting,
    [9, { type: "StepSucceeded", step: "restart", attempt: 1, output: { ready: true } }],
    [9.1, { type: "StepStarted", step: "prove", attempt: 1, call: plan.steps[3]!.call, effect: null }],
    [
      30,
      {
        type: "AlertResolved",
        cluster: "prod-eu",
        fingerprint: alert.fingerprint,
        endsAt: "2026-11-17T10:00:34.000Z",
      },
    ],
    [48, { type: "StepSucceeded", step: "prove", attempt: 1, output: { ready: true } }],
    ended(48, "succeeded", "every step succeeded"),
  ],
  "rolled-back": [
    ...opening("live"),
    open,
    claimed,
    ...looked,
    [
      0.75,
      {
        type: "StepFailed",
        step: "scale",
        attempt: 1,
        code: "API_THROTTLED",
        message: "the API server asks to wait",
        changed: false,
        retryable: true,
        retryAfterSeconds: 1,
      },
    ],
    [0.75, { type: "RetryScheduled", step: "scale", attempt: 2, at: plusSeconds(began, 1.75) }],
    [1.8, { type: "StepStarted", step: "scale", attempt: 2, call: plan.steps[1]!.call, effect: patch }],
    [2.9, { type: "StepSucceeded", step: "scale", attempt: 2, output: { replicas: 5 } }],
    restarting,
    [
      63,
      {
        type: "StepFailed",
        step: "restart",
        attempt: 1,
        code: "NOT_HEALTHY",
        message: "api-6f7d9-q8w2z is not ready after 1m: CrashLoopBackOff",
        changed: true,
        retryable: false,
        retryAfterSeconds: null,
      },
    ],
    [63.1, { type: "UndoStarted", step: "restart", attempt: 1, call: null, effect: null }],
    [
      63.2,
      {
        type: "StepUndone",
        step: "restart",
        attempt: 1,
        note: "nothing to take back: its owner made a new pod",
      },
    ],
    [
      63.3,
      {
        type: "UndoStarted",
        step: "scale",
        attempt: 1,
        call: null,
        effect: { ...patch, changes: [{ pointer: "/spec/replicas", before: 5, after: 2 }] },
      },
    ],
    [64, { type: "StepUndone", step: "scale", attempt: 1, note: "old values written back" }],
    ended(
      64,
      "rolled_back",
      "step restart failed: api-6f7d9-q8w2z is not ready after 1m: CrashLoopBackOff",
      true,
    ),
  ],
  "half-undone": [
    ...opening("live"),
    open,
    claimed,
    ...looked,
    scaling,
    scaled,
    [4, { type: "CancelRequested", by: "ana", reason: "wrong workload", keep: false }],
    [4.1, { type: "UndoStarted", step: "scale", attempt: 1, call: null, effect: null }],
    [
      4.2,
      {
        type: "UndoFailed",
        step: "scale",
        attempt: 1,
        code: "FIELD_CHANGED_SINCE",
        message: "/spec/replicas is 7, gitmend wrote 5",
        retryable: false,
        details: { field: "/spec/replicas", found: 7, expected: 5, manager: "kubectl" },
      },
    ],
    [
      4.3,
      {
        type: "Ended",
        outcome: "rollback_incomplete",
        reason: "cancelled by ana: wrong workload; not undone: scale",
        escalated: true,
        found: [
          {
            object: deployment,
            state: "there",
            problem: null,
            changes: [{ pointer: "/spec/replicas", before: 5, after: 7 }],
          },
        ],
      },
    ],
  ],
  running: [...opening("live"), open, claimed, ...looked, scaling],
  "awaiting-approval": [
    ...opening("live"),
    [
      0.2,
      {
        type: "GateDecided",
        gate: {
          kind: "approval",
          demands: [{ from: ["team:sre"], approvals: 2 }],
          expiresSeconds: 1800,
          reasons: [
            {
              rule: "production/two-people",
              effect: "require-approval",
              reason: "production asks two people",
            },
          ],
        },
      },
    ],
    [
      0.5,
      {
        type: "ApprovalRequested",
        repository: "file:///srv/config.git",
        branch: "gitmend/2a4b9d0f",
        base: "gitmend-approvals",
        head: "9".repeat(40),
        expiresAt: plusSeconds(began, 1800),
      },
    ],
  ],
  observed: [
    ...opening("observe"),
    open,
    ...looked,
    [
      0.8,
      { type: "StepSkipped", step: "scale", reason: "observe mode: nothing is changed", byCondition: false },
    ],
    [
      0.8,
      {
        type: "StepSkipped",
        step: "restart",
        reason: "observe mode: nothing is changed",
        byCondition: false,
      },
    ],
    [
      0.8,
      { type: "StepSkipped", step: "prove", reason: "observe mode: nothing is changed", byCondition: false },
    ],
    ended(0.8, "observed", "observed only: live, it would have run"),
  ],
  unknown: [
    ...opening("live"),
    open,
    claimed,
    ...looked,
    scaling,
    [
      31,
      {
        type: "StepOutcomeUnknown",
        step: "scale",
        attempt: 1,
        message: "the API server did not answer for 30 s",
      },
    ],
    ended(
      31,
      "unknown",
      "nobody knows whether step scale happened: the API server did not answer for 30 s",
      true,
    ),
  ],
  refused: [
    ...opening("live"),
    [
      0.2,
      {
        type: "GateDecided",
        gate: {
          kind: "refused",
          reasons: [{ rule: "calendar/december-freeze", effect: "deny", reason: "change freeze" }],
        },
      },
    ],
    ended(0.2, "refused", "change freeze"),
  ],
};

const nobodyReached = {
  toldAt: null,
  channel: null,
  attempts: 2,
  problem: "channel sre could not be reached (ECONNREFUSED)",
  seen: null,
};

export function sampleExecution(sample: Sample): { summary: ExecutionSummary; events: RecordedEvent[] } {
  const events = samples[sample].map(([seconds, event], index) => ({
    seq: index + 1,
    at: plusSeconds(began, seconds),
    version: 1,
    event,
  }));
  const { phase, outcome, escalated, mode, incident } = fold(events);
  const summary: ExecutionSummary = {
    id,
    phase,
    outcome,
    escalated,
    mode,
    alertName: alert.name,
    target: deployment,
    template: plan.template.name,
    incidentId: incident,
    createdAt: began,
    updatedAt: events.at(-1)!.at,
    escalation: escalated ? nobodyReached : null,
  };
  return { summary, events };
}
