import { describe, expect, it } from "vitest";
import type { Action, ActionTools } from "../../src/actions/action.ts";
import { driveExecution } from "../../src/controller/drive-execution.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Append } from "../../src/controller/ports.ts";
import { plan, requested } from "../fixtures/executions.ts";
import { recorded, step } from "../support/given.ts";

const id = "0192f1c0-2222-7ccc-8ddd-0000000000e3";
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** An engine whose one step reads; the signal that the step was handed is kept. */
function onlyReading() {
  const signals: AbortSignal[] = [];
  const appends: Append[] = [];
  const look = step("look", { changes: false, call: { action: "look", input: {} } });
  const history = recorded([
    requested({ mode: "observe" }),
    { type: "Planned", plan: { ...plan, target: null, steps: [look] }, previews: [] },
    { type: "GateDecided", gate: { kind: "open", reasons: [] } },
  ]);
  const action = { name: "look", changes: false, run: async () => ({}) } as unknown as Action;
  const ports = {
    executions: { events: async () => history, append: async (append: Append) => void appends.push(append) },
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
    log: quiet,
  } as unknown as EnginePorts;
  return { signals, appends, ports };
}

describe("an execution that has ended", () => {
  it("lets go of its signals, so that nothing of it stays in memory", async () => {
    const { signals, appends, ports } = onlyReading();
    const lease = new AbortController();
    await driveExecution({ id, epoch: 1 }, lease.signal, ports).done;
    expect(appends.at(-1)?.projection).toMatchObject({ phase: "ended", outcome: "observed" });
    expect(signals).toHaveLength(1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(lease.signal.aborted).toBe(false);
  });
});
