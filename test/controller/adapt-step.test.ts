// A step whose bounds let it go another way than planned: what is sent, what is recorded, and what a retry does.
import { describe, expect, it } from "vitest";
import type {
  Action,
  ActionInput,
  ActionTools,
  EffectRunner,
  MetricSample,
} from "../../src/actions/action.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { Problem } from "../../src/domain/problem.ts";
import { scaleEffect, step } from "../support/given.ts";
import { startOne } from "../support/start-one.ts";

const scale = step("scale", {
  call: { action: "scale_deployment", input: { replicas: 4 } },
  adapt: { replicas: { minimum: 2, maximum: 10, measure: { promql: "load", target: 0.5 } } },
});

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

/** The next attempt, with Prometheus as it is. */
const attempt = (
  query: () => Promise<readonly MetricSample[]>,
  past: readonly ExecutionEvent[] = [],
  ports: Partial<EnginePorts> = {},
) => startOne({ steps: [scale], action: scaleAction, tools: { query }, past, ports });

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
    const apply = async () => {
      throw new Problem("API_THROTTLED", "429", { retryable: true });
    };
    const first = await attempt(measured(1.5), [], { effects: { apply } as unknown as EffectRunner });
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

describe("a condition", () => {
  const target = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "api", namespace: "shop", uid: "u1", resourceVersion: "9" },
  };
  const only = (condition: string, replicas: number) =>
    startOne({
      steps: [
        step("scale", {
          call: { action: "scale_deployment", input: { replicas: 4 } },
          conditions: [condition],
        }),
      ],
      action: scaleAction,
      tools: {
        cluster: () =>
          ({
            get: async () => ({ ...target, spec: { replicas } }),
            list: async () => [],
          }) as unknown as ReturnType<ActionTools["cluster"]>,
      },
    });

  it("is judged on the target as it is when the step starts, not as it was when the plan was made", async () => {
    expect((await only("target.spec.replicas < 4", 2)).sent).toHaveLength(1);
    const { sent, events } = await only("target.spec.replicas < 4", 4);
    expect(sent).toEqual([]);
    expect(events).toMatchObject([{ type: "StepSkipped", byCondition: true }]);
  });
});
