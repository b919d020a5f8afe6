import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Action, ActionTools } from "../../src/actions/action.ts";
import { driveExecution } from "../../src/controller/drive-execution.ts";
import { createDrives } from "../../src/controller/drives.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { Problem } from "../../src/domain/problem.ts";
import { newAlert } from "../contracts/store-samples.ts";
import { plan, requested } from "../fixtures/executions.ts";
import { recorded, running, start, step } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { emptyPauseStore, noPauses } from "../support/no-pauses.ts";

const id = "0192f1c0-2222-7ccc-8ddd-0000000000e3";
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** An engine whose one step reads; the signal that the step was handed is kept. */
function onlyReading(refusals: readonly Problem[] = []) {
  const signals: AbortSignal[] = [];
  const appends: Append[] = [];
  const lost: (() => void)[] = [];
  const look = step("look", { changes: false, call: { action: "look", input: {} } });
  const history = recorded([
    requested({ mode: "observe" }),
    { type: "Planned", plan: { ...plan, target: null, steps: [look] }, previews: [] },
    { type: "GateDecided", gate: { kind: "open", reasons: [] } },
  ]);
  const left = [...refusals];
  const state = async () => {
    const refusal = left.shift();
    if (refusal !== undefined) throw refusal;
    return fold(history);
  };
  const action = { name: "look", changes: false, input: {}, run: async () => ({}) } as unknown as Action;
  const ports = {
    executions: { state, append: async (append: Append) => void appends.push(append) },
    clusters: {
      labels: () => ({}),
      tools: (signal: AbortSignal) => {
        signals.push(signal);
        return { signal } as ActionTools;
      },
    },
    actions: new Map([["look", action]]),
    faults: { at: async () => undefined },
    clock: { now: () => "2026-11-17T10:05:00.000Z" },
    lease: { onLost: (listener: () => void) => void lost.push(listener) },
    log: quiet,
    metrics: noMetrics,
    pauses: noPauses,
    revoked: () => null,
    pauseStore: emptyPauseStore,
  } as unknown as EnginePorts;
  const loseLease = () => lost.forEach((listener) => listener());
  return { signals, appends, ports, loseLease };
}

describe("an execution that has ended", () => {
  it("lets go of its signals, so that nothing of it stays in memory", async () => {
    const { signals, appends, ports } = onlyReading();
    const lease = new AbortController();
    await driveExecution({ id, epoch: 1 }, lease.signal, ports).done;
    expect(appends.at(-1)?.projection).toMatchObject({ phase: "ended", outcome: "observed" });
    expect([...new Set(signals)].map(({ aborted }) => aborted)).toEqual([true]);
    expect(lease.signal.aborted).toBe(false);
  });
});

describe("an execution whose drive failed", () => {
  const away = new Problem("DATABASE_UNAVAILABLE", "the database does not answer", { retryable: true });
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it.each([
    ["the database was away", away],
    ["of a mistake in gitmend", new Problem("INTERNAL", "a mistake")],
  ])("is driven again because %s: nobody else would", async (_why, refusal) => {
    const { appends, ports } = onlyReading([refusal, refusal]);
    const drives = createDrives(ports, () => undefined);
    drives.start({ id, epoch: 1 });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(appends.at(-1)?.projection).toMatchObject({ phase: "ended", outcome: "observed" });
    expect(drives.count()).toBe(0);
  });
  it("is left to its next owner when the lease is lost meanwhile", async () => {
    const { appends, ports, loseLease } = onlyReading([away]);
    const drives = createDrives(ports, () => undefined);
    drives.start({ id, epoch: 1 });
    await vi.advanceTimersByTimeAsync(500);
    loseLease();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(appends).toEqual([]);
  });
  it("is left to its next owner when it belongs to somebody else", async () => {
    const { appends, ports } = onlyReading([new Problem("EXECUTION_MOVED_ON", "another owns it")]);
    createDrives(ports, () => undefined).start({ id, epoch: 1 });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(appends).toEqual([]);
  });
});

/** An engine with one execution that is tried again in `hours`; what it appends is stored. `read` stands before each answer. */
function resting(hours: number, read: (reads: number) => Promise<void> = async () => undefined) {
  const since = Date.now();
  const now = () => new Date(Date.parse(start) + 5_000 + Date.now() - since).toISOString();
  const at = new Date(Date.parse(start) + hours * 3_600_000).toISOString();
  const look = step("look", { changes: false, call: { action: "look", input: {} } });
  const history = recorded([
    ...running([look], { target: null, timeoutSeconds: 100 * 3_600 }),
    { type: "RetryScheduled", step: "look", attempt: 2, at },
  ]);
  const reads: string[] = [];
  const lost: (() => void)[] = [];
  const ports = {
    executions: {
      state: async () => {
        reads.push(now());
        await read(reads.length);
        return fold(history);
      },
      append: async ({ events }: Append) => void history.push(...events),
    },
    clusters: { labels: () => ({}), tools: (signal: AbortSignal) => ({ signal }) as ActionTools },
    actions: new Map([["look", { name: "look", changes: false, input: {}, run: async () => ({}) }]]),
    faults: { at: async () => undefined },
    clock: { now },
    lease: { onLost: (listener: () => void) => void lost.push(listener) },
    log: quiet,
    metrics: noMetrics,
    pauses: noPauses,
    revoked: () => null,
    pauseStore: emptyPauseStore,
  } as unknown as EnginePorts;
  const drives = createDrives(ports, () => undefined);
  drives.start({ id, epoch: 1 });
  const types = () => history.map(({ event }) => event.type);
  return { drives, reads, types, loseLease: () => lost.forEach((listener) => listener()) };
}

describe("an execution that sleeps for hours", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("is not kept in memory: it reads its events again when its time comes, and goes on", async () => {
    const { drives, reads, types } = resting(3);
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    expect(reads).toHaveLength(1);
    expect(types().at(-1)).toBe("RetryScheduled");
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    expect(reads).toEqual([expect.any(String), "2026-11-17T13:00:00.000Z"]);
    expect(types().slice(-3)).toEqual(["StepStarted", "StepSucceeded", "Ended"]);
    expect(drives.count()).toBe(0);
  });
  it("is cancelled at once", async () => {
    const { drives, types } = resting(3);
    await vi.advanceTimersByTimeAsync(60_000);
    const command = { type: "cancel", by: "ada", reason: "no", keep: false } as const;
    drives.give({ id: "1", executionId: id, command });
    await vi.advanceTimersByTimeAsync(0);
    expect(types().slice(-2)).toEqual(["CancelRequested", "Ended"]);
  });
  it("writes down once what it was handed again and again while its events were read", async () => {
    const slow = Promise.withResolvers<void>();
    const { drives, types } = resting(3, (reads) => (reads === 2 ? slow.promise : Promise.resolve()));
    await vi.advanceTimersByTimeAsync(60_000);
    const alert = newAlert();
    const { cluster, fingerprint } = alert;
    const said = [
      { type: "alert-joined", alert },
      { type: "alert-resolved", cluster, fingerprint, endsAt: start },
    ] as const;
    for (let round = 0; round < 3; round += 1)
      for (const [index, command] of said.entries())
        drives.give({ id: `${index}`, executionId: id, command });
    slow.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(types().slice(-3)).toEqual(["RetryScheduled", "AlertJoined", "AlertResolved"]);
  });
  it("is tried again when its events cannot be read as its time comes, and goes on", async () => {
    const { drives, reads, types } = resting(3, async (times) => {
      if (times === 2 || times === 3) throw new Problem("DATABASE_UNAVAILABLE", "the database is away");
    });
    await vi.advanceTimersByTimeAsync(3 * 3_600_000 + 60_000);
    expect(reads).toHaveLength(4);
    expect(types().slice(-3)).toEqual(["StepStarted", "StepSucceeded", "Ended"]);
    expect(drives.count()).toBe(0);
  });
  it("does not pay for failures of hours ago when it fails again", async () => {
    const away = new Problem("DATABASE_UNAVAILABLE", "the database is away");
    const { drives, reads, types } = resting(3, async (times) => {
      if (times <= 5 || times === 7) throw away;
    });
    await vi.advanceTimersByTimeAsync(4 * 3_600_000);
    expect(reads.slice(6)).toEqual(["2026-11-17T13:00:00.000Z", "2026-11-17T13:00:01.000Z"]);
    expect(types().at(-1)).toBe("Ended");
    expect(drives.count()).toBe(0);
  });
  it("goes back to rest when it is woken for what concerns others", async () => {
    const { drives, reads, types } = resting(3);
    await vi.advanceTimersByTimeAsync(60_000);
    drives.wake();
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    expect(reads).toHaveLength(2);
    expect(types().at(-1)).toBe("RetryScheduled");
    await vi.advanceTimersByTimeAsync(2 * 3_600_000);
    expect(types().at(-1)).toBe("Ended");
  });
  it("is in memory while its time is near", async () => {
    const { drives, reads } = resting(0.01);
    await vi.advanceTimersByTimeAsync(10_000);
    drives.wake();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reads).toHaveLength(1);
  });
  it("does not hold up a shutdown, and is left alone when the lease is lost", async () => {
    const { drives } = resting(3);
    await vi.advanceTimersByTimeAsync(60_000);
    await drives.drain(3_600);
    expect(drives.count()).toBe(0);
    const other = resting(3);
    await vi.advanceTimersByTimeAsync(60_000);
    other.loseLease();
    await vi.advanceTimersByTimeAsync(4 * 3_600_000);
    expect(other.reads).toHaveLength(1);
    expect(other.types().at(-1)).toBe("RetryScheduled");
  });
});
