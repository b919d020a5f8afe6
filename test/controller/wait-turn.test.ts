// A step for each pod that has to wait for the ones before it, and any step while there is no catalog: nothing is tried meanwhile.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Action, ActionTools } from "../../src/actions/action.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { nextWork } from "../../src/domain/execution/next-work.ts";
import type { DeleteEffect } from "../../src/domain/planning/effect.ts";
import { Problem } from "../../src/domain/problem.ts";
import { started, step, target } from "../support/given.ts";
import { nowInTests, startOne } from "../support/start-one.ts";

const pod = (name: string) => ({ kind: "Pod", namespace: "shop", name, container: null });
const deletion = (name: string): DeleteEffect => ({
  kind: "delete",
  object: { cluster: "prod-eu", apiVersion: "v1", kind: "Pod", namespace: "shop", name },
  uid: `uid-${name}`,
  resourceVersion: "1",
  gracePeriodSeconds: null,
});
const restart = (index: number) =>
  step(`restart[${index}]`, { call: { action: "restart_pod", input: {} }, subject: pod(`api-${index}`) });
const action = {
  name: "restart_pod",
  changes: true,
  idempotent: true,
  input: { type: "object" },
  prepare: async () => deletion("api-1"),
  settle: async () => ({}),
} as unknown as Action;

type State = "ready" | "starting" | "crashing" | "restarted" | "without image";
const containerStates: Readonly<Record<State, object>> = {
  ready: {},
  starting: {},
  crashing: { restartCount: 1, state: { waiting: { reason: "CrashLoopBackOff" } } },
  restarted: { restartCount: 1, state: { running: {} } },
  "without image": { restartCount: 0, state: { waiting: { reason: "ImagePullBackOff" } } },
};
const podObject = (name: string, state: State) => ({
  kind: "Pod",
  metadata: {
    name,
    uid: `uid-${name}`,
    ownerReferences: [{ kind: "ReplicaSet", name: "api", uid: "rs", controller: true }],
  },
  status: {
    phase: "Running",
    conditions: [{ type: "Ready", status: state === "ready" ? "True" : "False" }],
    containerStatuses: [{ name: "app", ...containerStates[state] }],
  },
});

interface Cluster {
  readonly pods: Readonly<Record<string, State>>;
  readonly desired?: number;
  readonly strategy?: object;
  readonly budgets?: readonly object[] | Problem;
}

function toolsOf({ pods, desired = 3, strategy, budgets = [] }: Cluster): Partial<ActionTools> {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "api", namespace: "shop", uid: target.uid, generation: 1 },
    spec: {
      replicas: desired,
      selector: { matchLabels: { app: "api" } },
      template: { metadata: { labels: { app: "api" } } },
      ...(strategy === undefined ? {} : { strategy }),
    },
    status: { observedGeneration: 1 },
  };
  const set = {
    metadata: { name: "api", uid: "rs", ownerReferences: [{ uid: target.uid, controller: true }] },
  };
  const list = async ({ kind }: { kind: string }) => {
    if (kind === "ReplicaSet") return [set];
    if (kind === "Pod") return Object.entries(pods).map(([name, state]) => podObject(name, state));
    if (budgets instanceof Problem) throw budgets;
    return budgets;
  };
  const get = async ({ kind, name }: { kind: string; name: string }) => {
    if (kind === "Deployment") return deployment;
    return pods[name] === undefined ? null : podObject(name, pods[name]);
  };
  return { cluster: () => ({ get, list }) as unknown as ReturnType<ActionTools["cluster"]> };
}

/** `restart[0]` has deleted api-0; api-new took its place. */
const firstDone: readonly ExecutionEvent[] = [
  started("restart[0]", deletion("api-0")),
  { type: "StepSucceeded", step: "restart[0]", attempt: 1, output: { replacement: "api-new", ready: false } },
];

async function second(cluster: Cluster, past = firstDone) {
  const started = startOne({
    steps: [restart(1), restart(0)],
    action,
    past,
    tools: toolsOf(cluster),
  });
  await vi.advanceTimersByTimeAsync(2_000);
  return started;
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("the restart of the next pod", () => {
  const others = { "api-1": "crashing", "api-2": "crashing" } as const;

  it("waits until the one before has its replacement, and uses up no try", async () => {
    const { sent, events, session } = await second({ pods: { "api-new": "starting", ...others } });
    expect(sent).toEqual([]);
    expect(events).toMatchObject([
      {
        type: "StepAdapted",
        what: "start",
        reason: "1 of 3 pods of Deployment api are not back yet, and 1 may be down at once",
      },
    ]);
    expect(session.state().steps.get("restart[1]")).toMatchObject({ status: "pending", tries: 0 });
    const again = nextWork(session.state(), new Set(), nowInTests);
    expect(again).toMatchObject([{ type: "start", step: { name: "restart[1]" } }, { type: "wait" }]);
  });
  it("says so once, however long it waits", async () => {
    const cluster: Cluster = { pods: { "api-new": "starting", ...others } };
    const first = await second(cluster);
    expect((await second(cluster, [...firstDone, ...first.events])).events).toEqual([]);
  });
  it("comes once the replacement is ready, whatever is wrong with the others", async () => {
    const { sent, session } = await second({ pods: { "api-new": "ready", ...others } });
    expect(sent).toMatchObject([{ object: { name: "api-1" } }]);
    expect(session.state().steps.get("restart[1]")?.waitsFor).toBeNull();
  });
  it("waits while there is no replacement at all", async () => {
    expect((await second({ pods: others })).sent).toEqual([]);
  });
  it("comes when the replacement crashes as the pod before it did: whether that ends it is the template's to say", async () => {
    const { sent } = await second({ pods: { "api-new": "crashing", ...others } });
    expect(sent).toHaveLength(1);
  });
  it.each(["restarted", "without image"] as const)(
    "comes when the replacement is %s: it gets no further",
    async (state) => {
      expect((await second({ pods: { "api-new": state, ...others } })).sent).toHaveLength(1);
    },
  );
  it("does not wait where nothing was taken down before it", async () => {
    expect((await second({ pods: others }, [])).sent).toHaveLength(1);
  });
  it("is skipped without waiting when its own pod is ready again", async () => {
    const { events } = await second({ pods: { "api-new": "starting", "api-1": "ready" } });
    expect(events).toMatchObject([{ type: "StepSkipped" }]);
  });
});

describe("how many pods may be down at once", () => {
  const pods = { "api-new": "starting", "api-1": "crashing" } as const;
  const budget = (status: object, selector: object | undefined = { matchLabels: { app: "api" } }) => ({
    spec: { selector },
    status,
  });
  const rolling = (maxUnavailable: unknown) => ({ rollingUpdate: { maxUnavailable } });

  it.each([
    ["a quarter of the replicas by default", { pods, desired: 2 }, false],
    ["what the workload itself says", { pods, desired: 2, strategy: rolling(2) }, true],
    ["a share of the replicas, rounded down", { pods, desired: 2, strategy: rolling("100%") }, true],
    [
      "what a budget leaves, where that is less",
      { pods, desired: 2, strategy: rolling(2), budgets: [budget({ expectedPods: 2, desiredHealthy: 1 })] },
      false,
    ],
    [
      "one, where a budget leaves none: what is broken is not disrupted",
      {
        pods: { "api-new": "ready", "api-1": "crashing" },
        desired: 2,
        budgets: [budget({ expectedPods: 2, desiredHealthy: 2 })],
      },
      true,
    ],
    [
      "whatever budgets of other pods say",
      {
        pods,
        desired: 2,
        strategy: rolling(2),
        budgets: [
          budget({ expectedPods: 1, desiredHealthy: 1 }, { matchLabels: { app: "db" } }),
          budget(
            { expectedPods: 1, desiredHealthy: 1 },
            { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] },
          ),
        ],
      },
      true,
    ],
    [
      "one, where gitmend may not read the budgets",
      { pods, desired: 2, strategy: rolling(2), budgets: new Problem("API_FORBIDDEN", "403") },
      false,
    ],
    [
      "what the workload says, where the cluster knows no budgets",
      { pods, desired: 2, strategy: rolling(2), budgets: new Problem("API_NOT_FOUND", "404") },
      true,
    ],
  ] satisfies [string, Cluster, boolean][])("is %s", async (_what, cluster, goes) => {
    expect((await second(cluster)).sent.length > 0).toBe(goes);
  });
});

describe("a replica without a catalog", () => {
  const weigh = async () => {
    throw new Problem("CATALOG_INVALID", "there is no catalog to weigh the plan with", { retryable: true });
  };

  it("lets the first change wait and uses up none of its tries", async () => {
    const run = startOne({
      steps: [step("scale", { call: { action: "restart_pod", input: {} } })],
      action,
      ports: { weigh },
    });
    await vi.advanceTimersByTimeAsync(2_000);
    const { sent, events, session } = await run;
    expect(sent).toEqual([]);
    expect(events).toMatchObject([
      { type: "StepAdapted", what: "start", reason: "there is no catalog to weigh the plan with" },
    ]);
    expect(session.state().steps.get("scale")).toMatchObject({ status: "pending", tries: 0 });
  });
  it("gives way to a cancel at once", async () => {
    const abort = new AbortController();
    const run = startOne({
      steps: [step("scale", { call: { action: "restart_pod", input: {} } })],
      action,
      ports: { weigh },
      abort: abort.signal,
    });
    await vi.advanceTimersByTimeAsync(1);
    abort.abort(new Problem("CANCELLED", "the execution was cancelled"));
    const { events } = await run;
    expect(events.map(({ type }) => type)).toEqual(["StepAdapted"]);
  });
});
