// Any plan, any failures, any order of answers, a restart or a cancel at any moment: every execution ends, and what its
// outcome says is what became of its changes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterFailure } from "../../../src/domain/execution/after-failure.ts";
import type { ExecutionEvent, StepFailed } from "../../../src/domain/execution/events.ts";
import { evolve, fold } from "../../../src/domain/execution/evolve.ts";
import type { Execution } from "../../../src/domain/execution/execution.ts";
import { nextWork, type Work } from "../../../src/domain/execution/next-work.ts";
import { plusSeconds } from "../../../src/domain/instant.ts";
import { failed, planned, recorded, scaleEffect, start, step } from "../../support/given.ts";

type Luck = () => number;

const aPlan = fc
  .array(
    fc.record({
      changes: fc.boolean(),
      onFailure: fc.constantFrom("rollback" as const, "continue" as const, "stop" as const),
      after: fc.array(fc.nat({ max: 5 }), { maxLength: 2 }),
      alternatives: fc.nat({ max: 1 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((steps) =>
    steps.map(({ changes, onFailure, after, alternatives }, index) =>
      step(`s${index}`, {
        changes,
        onFailure,
        dependsOn: after.filter((other) => other < index).map((other) => `s${other}`),
        alternatives:
          alternatives === 0
            ? []
            : [{ call: { action: "restart_deployment", input: {} }, undo: { how: "restore" } }],
      }),
    ),
  );

const failure = (name: string, attempt: number, changed: boolean, retryable: boolean): StepFailed => ({
  ...(failed(name, changed) as StepFailed),
  attempt,
  retryable,
});

/** What came of one piece of work, by luck. */
function outcomeOf(work: Work, state: Execution, now: string, luck: Luck): readonly ExecutionEvent[] {
  switch (work.type) {
    case "record":
      return work.events;
    case "claim":
      return [{ type: "Claimed", keys: [] }];
    case "start": {
      const name = work.step.name;
      const attempt = work.state.attempt + 1;
      return [
        {
          type: "StepStarted",
          step: name,
          attempt,
          call: work.step.call,
          effect: work.step.changes ? scaleEffect : null,
        },
      ];
    }
    case "resume": {
      const { name } = work.step;
      const { attempt } = work.state;
      if (luck() < 0.6) return [{ type: "StepSucceeded", step: name, attempt, output: null }];
      if (luck() < 0.05) return [{ type: "StepOutcomeUnknown", step: name, attempt, message: "" }];
      const ended = failure(name, attempt, work.step.changes && luck() < 0.5, luck() < 0.5);
      return [ended, ...afterFailure(work.step, state.steps.get(name) ?? work.state, ended, now, luck())];
    }
    case "undo":
      return [
        {
          type: "UndoStarted",
          step: work.change.step,
          attempt: work.change.undoAttempt + 1,
          call: null,
          effect: scaleEffect,
        },
      ];
    case "resume-undo": {
      const { step: name, undoAttempt: attempt } = work.change;
      if (luck() < 0.7) return [{ type: "StepUndone", step: name, attempt, note: "" }];
      return [
        {
          type: "UndoFailed",
          step: name,
          attempt,
          code: "API_UNREACHABLE",
          message: "",
          retryable: luck() < 0.7,
          details: {},
        },
      ];
    }
    default:
      return [];
  }
}

function play(steps: ReturnType<typeof step>[], luck: Luck, cancelAt: number): Execution {
  let state = fold(recorded(planned(steps)));
  for (let round = 0; round < 500 && state.phase !== "ended"; round += 1) {
    const now = plusSeconds(start, 10 + round * 5);
    const events: ExecutionEvent[] = [];
    if (round === cancelAt) events.push({ type: "CancelRequested", by: "ana", reason: "", keep: false });
    // Nothing is busy: what was started is found again, as after a restart.
    else
      for (const work of nextWork(state, new Set(), now)) events.push(...outcomeOf(work, state, now, luck));
    for (const event of events) {
      if (state.phase !== "ended")
        state = evolve(state, { seq: state.version + 1, at: now, version: 1, event });
    }
  }
  return state;
}

describe("any run of any plan", () => {
  it("ends, and its outcome tells what became of its changes", () => {
    fc.assert(
      fc.property(
        aPlan,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        fc.integer({ min: -1, max: 30 }),
        (steps, stream, cancelAt) => {
          const luck = () => (stream.next().value as number | undefined) ?? 0;
          const state = play(steps, luck, cancelAt);
          expect(state.phase).toBe("ended");
          const left = state.changes.filter(({ undoStatus }) => undoStatus !== "undone");
          if (state.outcome === "rolled_back" || state.outcome === "cancelled") expect(left).toEqual([]);
          if (state.outcome === "rollback_incomplete") expect(left.length).toBeGreaterThan(0);
          if (state.outcome === "succeeded") {
            expect(
              [...state.steps.values()].every(({ status }) => status === "succeeded" || status === "skipped"),
            ).toBe(true);
            expect(state.changes.every(({ undoStatus }) => undoStatus === "none")).toBe(true);
          }
          if (state.outcome !== "succeeded" && state.outcome !== "cancelled")
            expect(state.escalated).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
