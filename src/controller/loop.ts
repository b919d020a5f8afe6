// A loop of the controller: one round after the other until it is stopped. A round that fails is logged and made again.
import { toProblem } from "../domain/problem.ts";
import type { Log } from "./ports.ts";
import { pause } from "./session.ts";

const pauseAfterFailure = 1000;

/** Resolves when the signal aborts; never rejects. `wait` ends a pause early by resolving. */
export async function loop(
  milliseconds: number,
  round: () => Promise<unknown>,
  signal: AbortSignal,
  log: Log,
  wait: (milliseconds: number) => Promise<unknown> = (pauseFor) => pause(pauseFor, signal),
): Promise<void> {
  while (!signal.aborted) {
    try {
      await round();
      await wait(milliseconds);
    } catch (error) {
      if (signal.aborted) return;
      const problem = toProblem(error);
      const level = problem.code === "INTERNAL" ? "error" : "warn";
      log[level]({ code: problem.code, reason: problem.message }, "a round failed and is made again");
      await pause(Math.max(milliseconds, pauseAfterFailure), signal).catch(() => undefined);
    }
  }
}
