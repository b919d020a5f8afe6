import { describe, expect, it } from "vitest";
import { afterFailure } from "../../../src/domain/execution/after-failure.ts";
import type { StepFailed } from "../../../src/domain/execution/events.ts";
import { newStep } from "../../../src/domain/execution/execution.ts";
import { start, step } from "../../support/given.ts";

const failure = (options: Partial<StepFailed> = {}): StepFailed => ({
  type: "StepFailed",
  step: "a",
  attempt: 1,
  code: "API_THROTTLED",
  message: "",
  changed: false,
  retryable: true,
  retryAfterSeconds: null,
  ...options,
});
const running = { ...newStep, attempt: 1, tries: 1 };
const alternative = { call: { action: "rollback_deployment", input: {} }, undo: { how: "restore" } } as const;

describe("a failed attempt", () => {
  it("is retried with full jitter below the doubled backoff", () => {
    const second = { ...running, attempt: 2, tries: 2 };
    expect(afterFailure(step("a"), second, failure({ attempt: 2 }), start, 0.5)).toEqual([
      { type: "RetryScheduled", step: "a", attempt: 3, at: "2026-11-17T10:00:02.000Z" },
    ]);
  });
  it("waits at least as long as the API server asked", () => {
    expect(afterFailure(step("a"), running, failure({ retryAfterSeconds: 7 }), start, 0)).toMatchObject([
      { at: "2026-11-17T10:00:07.000Z" },
    ]);
  });
  it("is not retried after the last attempt", () => {
    const last = { ...running, attempt: 3, tries: 3 };
    expect(afterFailure(step("a"), last, failure({ attempt: 3 }), start, 0)).toEqual([]);
  });
  it("is never retried once it has changed something", () => {
    expect(afterFailure(step("a"), running, failure({ changed: true }), start, 0)).toEqual([]);
  });
  it("gives way to the next alternative, which starts with fresh tries", () => {
    const withAlternative = step("a", { alternatives: [alternative] });
    const final = failure({ retryable: false });
    expect(afterFailure(withAlternative, running, final, start, 0)).toEqual([
      { type: "AlternativeChosen", step: "a", alternative: 0, action: "rollback_deployment" },
    ]);
    expect(afterFailure(withAlternative, { ...running, alternative: 0 }, final, start, 0)).toEqual([]);
  });
  it("offers no alternative when its own precondition did not hold, or when it was cancelled", () => {
    const withAlternative = step("a", { alternatives: [alternative] });
    for (const code of ["PRECONDITION_FAILED", "CANCELLED", "EXECUTION_TIMEOUT"] as const) {
      expect(afterFailure(withAlternative, running, failure({ code, retryable: false }), start, 0)).toEqual(
        [],
      );
    }
  });
});
