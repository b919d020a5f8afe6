// A takeover from a snapshot and the events after it knows what a takeover from all events knows.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ExecutionEvent } from "../../../src/domain/execution/events.ts";
import { evolve, fold } from "../../../src/domain/execution/evolve.ts";
import { readSnapshot, snapshotText } from "../../../src/domain/execution/snapshot.ts";
import { histories } from "../../fixtures/executions.ts";
import {
  alert,
  failed,
  recorded,
  running,
  scaleEffect,
  started,
  step,
  succeeded,
} from "../../support/given.ts";

const steps = ["s0", "s1", "s2"];
const name = fc.constantFrom(...steps);
const attempt = fc.integer({ min: 1, max: 4 });

/** What may happen to an execution, in any order: folding is total. */
const anyEvent: fc.Arbitrary<ExecutionEvent> = fc.oneof(
  fc
    .tuple(name, fc.boolean(), attempt)
    .map(([of, changes, count]) => started(of, changes ? scaleEffect : null, count)),
  name.map(succeeded),
  fc.tuple(name, fc.boolean()).map(([of, changed]) => failed(of, changed)),
  fc.tuple(name, attempt).map(
    ([of, count]): ExecutionEvent => ({
      type: "RetryScheduled",
      step: of,
      attempt: count,
      at: alert.startsAt,
    }),
  ),
  name.map(
    (of): ExecutionEvent => ({ type: "UndoStarted", step: of, attempt: 1, call: null, effect: scaleEffect }),
  ),
  name.map((of): ExecutionEvent => ({ type: "StepUndone", step: of, attempt: 1, note: "" })),
  fc
    .nat(9)
    .map(
      (number): ExecutionEvent => ({ type: "AlertJoined", alert: { ...alert, fingerprint: `f${number}` } }),
    ),
  fc.nat(9).map(
    (number): ExecutionEvent => ({
      type: "AlertResolved",
      ...alert,
      fingerprint: `f${number}`,
      endsAt: alert.startsAt,
    }),
  ),
  fc.boolean().map((keep): ExecutionEvent => ({ type: "CancelRequested", by: "ana", reason: "", keep })),
);

describe("an execution that is taken over from a snapshot", () => {
  it("is in the state that all of its events fold to, wherever the snapshot was taken", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.nat(64), (happened, cut) => {
        const all = recorded([...running(steps.map((one) => step(one))), ...happened]);
        const cached = readSnapshot(snapshotText(fold(all.slice(0, cut))));
        if (cached === null) throw new Error("the snapshot cannot be read");
        expect(all.slice(cut).reduce(evolve, cached)).toStrictEqual(fold(all));
      }),
      { numRuns: 300 },
    );
  });

  it.each(Object.entries(histories))(
    "goes on as the history of %s did, from each of its events",
    (_, { events }) => {
      for (let cut = 0; cut <= events.length; cut += 1) {
        const cached = readSnapshot(snapshotText(fold(events.slice(0, cut))));
        expect(events.slice(cut).reduce(evolve, cached!)).toStrictEqual(fold(events));
      }
    },
  );
});

describe("a snapshot that is damaged", () => {
  const whole = snapshotText(fold(recorded(running([step("s0")]))));
  it.each([
    ["cut off", whole.slice(0, -5)],
    ["empty", ""],
    ["of something else", "[1, 2]"],
    ["without a member", whole.replace('"firing":', '"burning":')],
    ["with a number where a list was", whole.replace(/"steps":\[.*?\]\]/, '"steps":7')],
  ])("%s counts as none", (_, text) => {
    expect(readSnapshot(text)).toBeNull();
  });
});

describe("an execution that thousands of alerts join", () => {
  it("keeps each once, its own first, and a snapshot of it has them all", () => {
    const joins = Array.from(
      { length: 30_000 },
      (_, index): ExecutionEvent => ({
        type: "AlertJoined",
        alert: { ...alert, fingerprint: `joined-${index % 20_000}` },
      }),
    );
    const state = fold(recorded([...running([step("s0")]), ...joins]));
    expect([state.alerts.size, state.firing.size]).toEqual([20_001, 20_001]);
    expect([...state.alerts.values()].slice(0, 2).map(({ fingerprint }) => fingerprint)).toEqual([
      alert.fingerprint,
      "joined-0",
    ]);
    expect(readSnapshot(snapshotText(state))).toEqual(state);
  });
});
