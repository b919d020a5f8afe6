import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ControllerPorts, startController } from "../../src/controller/controller.ts";
import { noLimits } from "../support/no-limits.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { emptyPauseStore } from "../support/no-pauses.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A controller whose config and audit remotes never answer. */
function besideSilentRemotes() {
  const released: string[] = [];
  const silence = () => new Promise<never>(() => undefined);
  const ports = {
    source: { branch: "main", head: silence, read: silence },
    catalogState: { current: async () => null, set: async () => undefined },
    alerts: {
      keepHouse: async () => undefined,
      watchdogs: async () => [],
      openFirings: async () => [],
      resolveUnheard: async () => 0,
      hold: async () => undefined,
      letGo: async () => undefined,
    },
    alertmanagers: { sources: [] },
    executions: {
      claimAbandoned: async () => [],
      commands: async () => [],
      release: async () => void released.push("all"),
    },
    outbox: { take: async () => [] },
    assessments: { takeDue: async () => [] },
    auditRepository: { push: silence },
    lease: { valid: () => true, replicaId: () => "r1", onLost: () => undefined },
    actions: new Map(),
    log: quiet,
    metrics: noMetrics,
    changes: null,
    pauseStore: emptyPauseStore,
    storms: noLimits,
  } as unknown as ControllerPorts;
  return { released, ports };
}

describe("a controller that is told to stop", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("gives its executions back although a remote does not answer", async () => {
    const { released, ports } = besideSilentRemotes();
    const controller = startController(ports, {
      catalogIntervalSeconds: 30,
      staleAfterSeconds: 43_200,
      retention: { deadLettersSeconds: 1, alertsSeconds: 1, evidenceSeconds: 1, bodiesSeconds: 1 },
      keepExecutionsSeconds: 86_400,
    });
    await vi.advanceTimersByTimeAsync(1_000);
    let stopped = false;
    void controller.drain(25).then(() => {
      stopped = true;
    });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(released).toEqual(["all"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(stopped).toBe(true);
  });
});
