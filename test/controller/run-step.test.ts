import { describe, expect, it, vi } from "vitest";
import type { Action } from "../../src/actions/action.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { resumeStep, startStep } from "../../src/controller/run-step.ts";
import { openSession } from "../../src/controller/session.ts";
import type { ExecutionEvent } from "../../src/domain/execution/events.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { nextWork } from "../../src/domain/execution/next-work.ts";
import type { Gate } from "../../src/domain/gate/gate.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";
import { Problem, type ProblemCode } from "../../src/domain/problem.ts";
import { asWritten } from "../support/as-written.ts";
import { recorded, running, scaleEffect, started, step } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { emptyPauseStore, noPauses } from "../support/no-pauses.ts";
import { startOne } from "../support/start-one.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const scale = step("scale", { call: { action: "scale_deployment", input: {} } });
/** What an attempt would prepare that reads the object after the late write: nothing left to change, and nothing to take back. */
const preparedTooLate = { ...scaleEffect, resourceVersion: "after" } as Effect;

/** One execution whose history is `events`, in a cluster of which `happened` says what became of the change. */
function given(events: readonly ExecutionEvent[], happened: "yes" | "no" | "unknown", gate: Gate) {
  const appends: Append[] = [];
  const sent: Effect[] = [];
  const get = vi.fn<() => Promise<unknown>>(async () => asWritten(scaleEffect));
  const ports = {
    executions: { append: async (append: Append) => void appends.push(append) },
    clusters: {
      labels: () => ({}),
      tools: (signal: AbortSignal) => ({
        signal,
        cluster: () => ({ get }),
        sleep: async () => undefined,
        now: () => "2026-11-17T10:05:00.000Z",
      }),
    },
    actions: new Map([
      [
        "scale_deployment",
        {
          name: "scale_deployment",
          changes: true,
          idempotent: true,
          input: { type: "object" },
          prepare: async () => preparedTooLate,
          settle: async () => ({}),
        } as unknown as Action,
      ],
    ]),
    effects: { apply: async (effect: Effect) => void sent.push(effect), didItHappen: async () => happened },
    lease: { valid: () => true },
    mostReplicaChange: 20,
    missingAccess: async () => null,
    protection: { namespaces: [], ownNamespace: null, ownNode: null },
    weigh: async () => gate,
    faults: { at: async () => undefined },
    clock: { now: () => "2026-11-17T10:05:00.000Z" },
    random: () => 0,
    log: quiet,
    metrics: noMetrics,
    pauses: noPauses,
    revoked: () => null,
    pauseStore: emptyPauseStore,
  } as unknown as EnginePorts;
  const state = fold(recorded(events));
  const session = openSession({ id: "e1", epoch: 1 }, state, new AbortController().signal, ports);
  const told = () => appends.flatMap(({ events: some }) => some.map(({ event }) => event));
  return { ports, state, session, sent, get, told };
}

/** The second attempt of a step whose first one failed with this code; `happened`: what the cluster says of it now. */
async function secondAttempt(
  code: ProblemCode,
  happened: "yes" | "no" | "unknown",
  gate: Gate = { kind: "open", reasons: [] },
) {
  const firstFailed: ExecutionEvent[] = [
    started("scale"),
    {
      type: "StepFailed",
      step: "scale",
      attempt: 1,
      code,
      message: "no answer",
      changed: false,
      retryable: true,
      retryAfterSeconds: null,
    },
    { type: "RetryScheduled", step: "scale", attempt: 2, at: "2026-11-17T10:00:05.000Z" },
  ];
  const { ports, state, session, sent, told } = given([...running([scale]), ...firstFailed], happened, gate);
  await startStep(scale, state.steps.get("scale")!, new AbortController().signal, session, ports);
  return { sent, events: told(), session };
}

describe("a step that is tried again because nobody answered", () => {
  it("is not made twice when the first request arrived late, and keeps what to take back", async () => {
    const { sent, events, session } = await secondAttempt("API_OUTCOME_UNKNOWN", "yes");
    expect(sent).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(["StepStarted", "StepSucceeded"]);
    expect(session.state().changes).toMatchObject([{ attempt: 2, effect: scaleEffect }]);
  });
  it("is made again when the first request never arrived", async () => {
    const { sent } = await secondAttempt("API_OUTCOME_UNKNOWN", "no");
    expect(sent).toEqual([preparedTooLate]);
  });
  it("is left to people when the cluster cannot say for half a minute", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const attempt = secondAttempt("API_OUTCOME_UNKNOWN", "unknown");
      await vi.advanceTimersByTimeAsync(60_000);
      const { sent, events } = await attempt;
      expect(sent).toEqual([]);
      expect(events.map(({ type }) => type)).toEqual(["StepOutcomeUnknown"]);
    } finally {
      vi.useRealTimers();
    }
  });
  it("is made again without asking when the API server had refused it", async () => {
    const { sent } = await secondAttempt("API_THROTTLED", "yes");
    expect(sent).toEqual([preparedTooLate]);
  });
});

describe("a step that is taken over after its change", () => {
  it("is not taken back because the cluster does not answer at once", async () => {
    const checked = { ...scale, postconditions: ["namespace.name == 'shop'"] };
    const history = [...running([checked]), started("scale")];
    const { ports, state, session, sent, get, told } = given(history, "yes", { kind: "open", reasons: [] });
    const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", uid: "n1" } };
    get.mockRejectedValueOnce(new Problem("API_OUTCOME_UNKNOWN", "no answer", { retryable: true }));
    get.mockResolvedValueOnce(shop);
    await resumeStep(checked, state.steps.get("scale")!, new AbortController().signal, session, ports);
    expect(sent).toEqual([]);
    expect(told().map(({ type }) => type)).toEqual(["StepSucceeded"]);
  });
});

describe("a freeze that was merged while a plan waited", () => {
  const frozen: Gate = {
    kind: "refused",
    reasons: [{ rule: "freeze/december", effect: "deny", reason: "change freeze" }],
  };

  it("stops the first change before it is announced", async () => {
    const { sent, events, session } = await secondAttempt("API_THROTTLED", "no", frozen);
    expect(sent).toEqual([]);
    expect(events).toMatchObject([{ type: "GateDecided", gate: { kind: "refused" } }]);
    const next = nextWork(session.state(), new Set(), "2026-11-17T10:05:00.000Z");
    expect(next).toMatchObject([
      { events: [{ type: "Ended", outcome: "refused", reason: "change freeze" }] },
    ]);
  });
  it("does not hide a change that was made already", async () => {
    const { events } = await secondAttempt("API_OUTCOME_UNKNOWN", "yes", frozen);
    expect(events.map(({ type }) => type)).toEqual(["StepStarted", "StepSucceeded"]);
  });
});

describe("a step that a safety rule refuses", () => {
  const action = {
    name: "scale_deployment",
    changes: true,
    idempotent: true,
    input: { type: "object" },
    prepare: async () => scaleEffect,
    settle: async () => ({}),
  } as unknown as Action;

  it("has announced and written nothing, and its failure says which rule", async () => {
    const { sent, events, session } = await startOne({
      steps: [scale],
      action,
      ports: { mostReplicaChange: 0 },
    });
    expect(sent).toEqual([]);
    expect(events).toMatchObject([
      { type: "StepFailed", code: "REPLICA_CHANGE_TOO_LARGE", changed: false, retryable: false },
    ]);
    expect(session.state().changes).toEqual([]);
  });
});
