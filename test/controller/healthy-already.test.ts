// A remedy for ill health that finds its target well: nothing is changed, and the record says why.
import { describe, expect, it } from "vitest";
import type { Action, ActionTools } from "../../src/actions/action.ts";
import { nextWork } from "../../src/domain/execution/next-work.ts";
import { scaleEffect, started, step, target } from "../support/given.ts";
import { nowInTests, startOne } from "../support/start-one.ts";

const restart = step("restart", { call: { action: "restart", input: {} } });
const action = {
  name: "restart",
  changes: true,
  idempotent: true,
  input: { type: "object" },
  prepare: async () => scaleEffect,
  settle: async () => ({}),
} as unknown as Action;

/** A pod as the target, ready since then; null: it is not ready. */
const tools = (since: string | null): Partial<ActionTools> => ({
  cluster: () =>
    ({
      get: async () => ({
        kind: "Pod",
        metadata: { name: "api", uid: target.uid },
        status: {
          phase: "Running",
          conditions: [
            { type: "Ready", status: since === null ? "False" : "True", lastTransitionTime: since },
          ],
        },
      }),
    }) as unknown as ReturnType<ActionTools["cluster"]>,
});
const run = (since: string | null, more: Partial<Parameters<typeof startOne>[0]> = {}) =>
  startOne({ steps: [restart], action, plan: { stopWhenHealthy: true }, tools: tools(since), ...more });

const longAgo = "2026-11-17T09:59:59.000Z";

describe("a template that only remedies ill health", () => {
  it("changes nothing when the target has been well for five minutes, and says so", async () => {
    const { sent, events, session } = await run(longAgo);
    expect(sent).toEqual([]);
    const why = "healthy already: prod-eu/shop/deploy/api is ready, since 2026-11-17T09:59:59.000Z";
    expect(events).toEqual([{ type: "CancelRequested", by: "gitmend", reason: why, keep: false }]);
    expect(nextWork(session.state(), new Set(), nowInTests)).toMatchObject([
      { events: [{ type: "Ended", outcome: "cancelled", reason: `cancelled by gitmend: ${why}` }] },
    ]);
  });
  it.each([
    ["is ill", null],
    ["became ready a moment ago, as between two crashes", "2026-11-17T10:04:00.000Z"],
  ])("goes on when the target %s", async (_why, since) => {
    expect((await run(since)).sent).toHaveLength(1);
  });
  it("goes on once something was changed: what is half done is not left", async () => {
    const other = step("first");
    const past = [
      started("first"),
      { type: "StepSucceeded", step: "first", attempt: 1, output: null } as const,
    ];
    expect((await run(longAgo, { steps: [restart, other], past })).sent).toHaveLength(1);
  });
  it("goes on when a person started it, who has seen the target", async () => {
    const plan = { stopWhenHealthy: true } as const;
    const byHand = { by: "ana", reason: "it lies" };
    expect((await run(longAgo, { plan, byHand })).sent).toHaveLength(1);
  });
});

describe("any other template", () => {
  it("goes on: high load, full memory and slow answers are troubles of healthy pods", async () => {
    expect((await run(longAgo, { plan: {} })).sent).toHaveLength(1);
  });
});
