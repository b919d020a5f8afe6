// An execution whose objects another one holds: it asks again, ever more seldom, and goes on as soon as it has all of them.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { driveExecution } from "../../src/controller/drive-execution.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { objectKey } from "../../src/domain/facts/objects.ts";
import { planned, recorded, start, step, target } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { emptyPauseStore, noPauses } from "../support/no-pauses.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const pod = { cluster: "prod-eu", apiVersion: "v1", kind: "Pod", namespace: "shop", name: "api-0" };

/** Somebody else holds the objects for so many seconds. */
function contested(freeAfterSeconds: number) {
  const asked: { readonly at: number; readonly keys: readonly string[] }[] = [];
  const appends: Append[] = [];
  const since = Date.now();
  const seconds = () => (Date.now() - since) / 1000;
  const touches = { clusters: ["prod-eu"], namespaces: ["shop"], objects: [pod, pod], actions: [] };
  const ports = {
    executions: {
      state: async () => fold(recorded(planned([step("scale")], { touches }))),
      append: async (append: Append) => void appends.push(append),
      claim: async (_id: string, keys: readonly string[]) => {
        asked.push({ at: seconds(), keys });
        return seconds() >= freeAfterSeconds;
      },
    },
    clusters: {
      names: ["prod-eu"],
      labels: () => ({}),
      tools: (signal: AbortSignal) => ({
        signal,
        cluster: () => ({
          get: async () => ({ metadata: { uid: target.uid } }),
          event: async () => undefined,
        }),
      }),
    },
    actions: new Map(),
    alertmanagers: { look: async () => ({ state: "active" }) },
    faults: { at: async () => undefined },
    clock: { now: () => new Date(Date.parse(start) + 2000 + Date.now() - since).toISOString() },
    lease: { valid: () => true, onLost: () => undefined },
    random: () => 0.5,
    log: quiet,
    metrics: noMetrics,
    pauses: noPauses,
    revoked: () => null,
    pauseStore: emptyPauseStore,
  } as unknown as EnginePorts;
  const lease = new AbortController();
  const drive = driveExecution({ id: "e1", epoch: 1 }, lease.signal, ports);
  const recordedTypes = () => appends.flatMap(({ events }) => events.map(({ event }) => event.type));
  return { asked, drive, lease, recordedTypes };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

describe("an execution whose objects another one holds", () => {
  it("asks at first often, then seldom, and begins when they are free", async () => {
    const { asked, drive, lease, recordedTypes } = contested(60);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(recordedTypes()).toEqual([]);
    const pauses = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
    expect(pauses[0]).toBeLessThan(0.5);
    expect(Math.max(...pauses)).toBeLessThan(5.1);
    expect(pauses.at(-1)).toBeGreaterThan(4.9);
    expect(asked.length).toBeLessThan(30);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(recordedTypes()).toContain("Claimed");
    lease.abort(new Error("the test is over"));
    await drive.done;
  });
  it("asks for each object once, and for its target with them", async () => {
    const { asked, drive, lease } = contested(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked[0]?.keys).toEqual([objectKey(pod), objectKey(target)]);
    lease.abort(new Error("the test is over"));
    await drive.done;
  });
});
