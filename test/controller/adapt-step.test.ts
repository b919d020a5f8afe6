// A step whose bounds let it go another way than planned: what is sent, what is recorded, and what a retry does.
import { describe, expect, it } from "vitest";
import type { Action, ActionInput, MetricSample } from "../../src/actions/action.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { startStep } from "../../src/controller/run-step.ts";
import { openSession } from "../../src/controller/session.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";
import { Problem } from "../../src/domain/problem.ts";
import { recorded, running, scaleEffect, step } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";

const scale = step("scale", {
  call: { action: "scale_deployment", input: { replicas: 4 } },
  adapt: { replicas: { minimum: 2, maximum: 10, measure: { promql: "load", target: 0.5 } } },
});
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

const scaleAction = {
  name: "scale_deployment",
  changes: true,
  idempotent: true,
  input: { type: "object" },
  adaptable: { replicas: "/spec/replicas" },
  prepare: async ({ replicas }: ActionInput) => ({
    ...scaleEffect,
    changes: [{ pointer: "/spec/replicas", before: 2, after: replicas }],
  }),
  settle: async () => ({}),
} as unknown as Action;

/** The next attempt, with Prometheus as it is; `refused`: how often the API server says 429 to a change. */
async function attempt(
  query: () => Promise<readonly MetricSample[]>,
  past: readonly ExecutionEvent[] = [],
  refused: Problem | null = null,
) {
  const appends: Append[] = [];
  const sent: Effect[] = [];
  const ports = {
    executions: { append: async (append: Append) => void appends.push(append) },
    clusters: {
      labels: () => ({}),
      tools: (signal: AbortSignal) => ({ signal, query, cluster: () => ({ get: async () => null }) }),
    },
    actions: new Map([["scale_deployment", scaleAction]]),
    effects: {
      apply: async (effect: Effect) => {
        if (refused !== null) throw refused;
        sent.push(effect);
      },
    },
    lease: { valid: () => true },
    protection: { namespaces: [], ownNamespace: null, ownNode: null },
    weigh: async () => ({ kind: "open", reasons: [] }),
    faults: { at: async () => undefined },
    clock: { now: () => "2026-11-17T10:05:00.000Z" },
    random: () => 0,
    log: quiet,
    metrics: noMetrics,
  } as unknown as EnginePorts;
  const state = fold(recorded([...running([scale]), ...past]));
  const session = openSession({ id: "e1", epoch: 1 }, state, new AbortController().signal, ports);
  await startStep(scale, state.steps.get("scale")!, new AbortController().signal, session, ports);
  return { sent, events: appends.flatMap(({ events }) => events.map(({ event }) => event)) };
}

const measured = (value: number) => async () => [{ labels: {}, value }];
const nobody = async () => {
  throw new Problem("METRICS_UNAVAILABLE", "no Prometheus is configured for cluster prod-eu");
};

describe("a step with bounds", () => {
  it("sets what the load asks for, and says so together with its start", async () => {
    const { sent, events } = await attempt(measured(1.5));
    expect(sent).toMatchObject([{ changes: [{ before: 2, after: 6 }] }]);
    expect(events.map(({ type }) => type)).toEqual(["StepAdapted", "StepStarted", "StepSucceeded"]);
    expect(events[0]).toMatchObject({ what: "replicas", from: 4, to: 6 });
    expect(events[1]).toMatchObject({ call: { input: { replicas: 6 } }, effect: sent[0] });
  });

  it.each([
    ["Prometheus is away", nobody, "no Prometheus is configured"],
    ["nothing was found", async () => [], "the query found nothing"],
    [
      "more than one series answers",
      async () => [...(await measured(1)()), ...(await measured(2)())],
      "2 series",
    ],
    ["the answer is no number", measured(Number.NaN), "NaN"],
  ])("goes as planned when %s, and says why", async (_why, query, reason) => {
    const { sent, events } = await attempt(query);
    expect(sent).toMatchObject([{ changes: [{ before: 2, after: 4 }] }]);
    expect(events[0]).toMatchObject({ type: "StepAdapted", from: 4, to: 4 });
    expect(events[0]).toMatchObject({ reason: expect.stringContaining(reason) as string });
  });

  it("is tried again with the value of the first try, whatever is measured then", async () => {
    const throttled = new Problem("API_THROTTLED", "429", { retryable: true });
    const first = await attempt(measured(1.5), [], throttled);
    expect(first.events.map(({ type }) => type)).toEqual([
      "StepAdapted",
      "StepStarted",
      "StepFailed",
      "RetryScheduled",
    ]);
    const { sent, events } = await attempt(measured(0.5), first.events);
    expect(sent).toMatchObject([{ changes: [{ before: 2, after: 6 }] }]);
    expect(events.map(({ type }) => type)).toEqual(["StepStarted", "StepSucceeded"]);
  });
});
