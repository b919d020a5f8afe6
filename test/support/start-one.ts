// One attempt of one step on an engine whose world is what the test says: what was sent to the cluster, what was recorded.
import type { Action, ActionTools } from "../../src/actions/action.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { startStep } from "../../src/controller/run-step.ts";
import { openSession } from "../../src/controller/session.ts";
import type { ByHand, ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { newStep } from "../../src/domain/execution/execution.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";
import type { Plan, PlannedStep } from "../../src/domain/planning/plan.ts";
import { asWritten } from "./as-written.ts";
import { recorded, running } from "./given.ts";
import { noMetrics } from "./no-metrics.ts";
import { emptyPauseStore, noPauses } from "./no-pauses.ts";

export interface OneStep {
  /** The first of them is started. */
  readonly steps: readonly [PlannedStep, ...PlannedStep[]];
  readonly plan?: Partial<Plan>;
  /** What happened after the claim. */
  readonly past?: readonly ExecutionEvent[];
  readonly byHand?: ByHand;
  readonly action: Action;
  readonly tools?: Partial<ActionTools>;
  readonly ports?: Partial<EnginePorts>;
  readonly abort?: AbortSignal;
}

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
export const nowInTests = "2026-11-17T10:05:00.000Z";

export async function startOne({
  steps,
  plan = {},
  past = [],
  byHand,
  action,
  tools = {},
  ports = {},
  abort,
}: OneStep) {
  const appends: Append[] = [];
  const sent: Effect[] = [];
  const engine = {
    executions: { append: async (append: Append) => void appends.push(append) },
    clusters: {
      labels: () => ({}),
      tools: (signal: AbortSignal) => ({
        signal,
        cluster: () => ({ get: async () => asWritten(sent.at(-1)), list: async () => [] }),
        now: () => nowInTests,
        ...tools,
      }),
    },
    actions: new Map([[action.name, action]]),
    effects: { apply: async (effect: Effect) => void sent.push(effect) },
    lease: { valid: () => true },
    mostReplicaChange: 20,
    missingAccess: async () => null,
    protection: { namespaces: [], ownNamespace: null, ownNode: null },
    weigh: async () => ({ kind: "open", reasons: [] }),
    replan: () => Promise.reject(new Error("nobody edits")),
    faults: { at: async () => undefined },
    clock: { now: () => nowInTests },
    random: () => 0,
    log: quiet,
    metrics: noMetrics,
    pauses: noPauses,
    revoked: () => null,
    pauseStore: emptyPauseStore,
    ...ports,
  } as unknown as EnginePorts;
  const began = running(steps, plan).map((event) =>
    event.type === "ExecutionRequested" && byHand !== undefined ? { ...event, byHand } : event,
  );
  const state = fold(recorded([...began, ...past]));
  const session = openSession({ id: "e1", epoch: 1 }, state, new AbortController().signal, engine);
  const [step] = steps;
  const before = state.steps.get(step.name) ?? newStep;
  await startStep(step, before, abort ?? new AbortController().signal, session, engine);
  return { sent, events: appends.flatMap(({ events }) => events.map(({ event }) => event)), session };
}
