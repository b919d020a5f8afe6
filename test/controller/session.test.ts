import { describe, expect, it } from "vitest";
import type { Append } from "../../src/controller/ports.ts";
import { openSession } from "../../src/controller/session.ts";
import { fold } from "../../src/domain/execution/evolve.ts";
import { alert, recorded, running, started, step } from "../support/given.ts";
import { noMetrics } from "../support/no-metrics.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe("the log of a container", () => {
  it("is recorded as the database can hold it: a NUL or half an emoji would stop the execution for good", async () => {
    const appends: Append[] = [];
    const past = recorded([...running([step("look", { changes: false })]), started("look", null)]);
    const session = openSession({ id: "e1", epoch: 1 }, fold(past), new AbortController().signal, {
      executions: {
        append: async (append) => void appends.push(append),
        saveSnapshot: async () => undefined,
      },
      clock: { now: () => "2026-11-17T10:05:00.000Z" },
      faults: { at: async () => undefined },
      log: quiet,
      metrics: noMetrics,
    });
    const output = { lines: ["panic\0", "cut in half \ud83d"], exists: true };
    await session.record([{ type: "StepSucceeded", step: "look", attempt: 1, output }]);
    const kept = { lines: ["panic\uFFFD", "cut in half \uFFFD"], exists: true };
    expect(appends[0]?.events).toMatchObject([{ seq: 6, event: { output: kept } }]);
    expect(session.state().steps.get("look")?.output).toEqual(kept);
  });
});

describe("a stream that grows long", () => {
  it("leaves a snapshot every 200 events, and goes on when it cannot be written", async () => {
    const saved: number[] = [];
    const warned: string[] = [];
    const past = recorded(running([step("look", { changes: false })]));
    const session = openSession({ id: "e1", epoch: 1 }, fold(past), new AbortController().signal, {
      executions: {
        append: async () => undefined,
        saveSnapshot: async (_id, { version }) => {
          saved.push(version);
          throw new Error("no room");
        },
      },
      clock: { now: () => "2026-11-17T10:05:00.000Z" },
      faults: { at: async () => undefined },
      log: { ...quiet, warn: (_fields, message) => void warned.push(message) },
      metrics: noMetrics,
    });
    const joined = (number: number) => ({ ...alert, fingerprint: `j${number}` });
    for (let count = 0; count < 500; count += 1)
      await session.record([{ type: "AlertJoined", alert: joined(count) }]);
    expect(saved).toEqual([200, 400]);
    expect(warned).toEqual(["a snapshot was not written", "a snapshot was not written"]);
    expect(session.state().version).toBe(504);
  });
});
