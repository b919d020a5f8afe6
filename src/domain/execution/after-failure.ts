// What follows a failed attempt: a retry, the next alternative, or nothing (the step has failed for good).
// Appended in the same batch as StepFailed, so that no crash can fall between the two.
import { plusSeconds } from "../instant.ts";
import type { PlannedStep } from "../planning/plan.ts";
import type { ExecutionEvent, StepFailed } from "./events.ts";
import type { StepState } from "./execution.ts";

/**
 * @param before the step's state before the failure
 * @param random uniform in [0, 1): full jitter, delay = random * min(max_backoff, backoff * 2^(tries - 1)),
 *   never less than the server's Retry-After
 */
export function afterFailure(
  step: PlannedStep,
  before: StepState,
  failure: StepFailed,
  now: string,
  random: number,
): readonly ExecutionEvent[] {
  if (failure.code === "CANCELLED" || failure.code === "EXECUTION_TIMEOUT") return [];
  const tries = failure.attempt > before.attempt ? before.tries + 1 : before.tries;
  if (failure.retryable && !failure.changed && tries < step.retry.attempts) {
    const ceiling = Math.min(step.retry.maxBackoffSeconds, step.retry.backoffSeconds * 2 ** (tries - 1));
    const delay = Math.max(random * ceiling, failure.retryAfterSeconds ?? 0);
    return [
      { type: "RetryScheduled", step: step.name, attempt: failure.attempt + 1, at: plusSeconds(now, delay) },
    ];
  }
  const next = before.alternative + 1;
  const alternative = failure.code === "PRECONDITION_FAILED" ? undefined : step.alternatives[next];
  if (alternative === undefined) return [];
  return [{ type: "AlternativeChosen", step: step.name, alternative: next, action: alternative.call.action }];
}
