// Waiting for a state of the cluster: asks again until it is there or the time is over. Time is the database's clock.
import { secondsBetween } from "../domain/instant.ts";
import { Problem } from "../domain/problem.ts";
import type { ActionTools } from "./action.ts";

export type Look<T> =
  | { readonly done: true; readonly value: T }
  /** What is still missing, for people. */
  | { readonly done: false; readonly waitingFor: string };

const pollSeconds = 1;
/** What takes long is asked ever more seldom: a tenth of the time that it has waited already. */
const longestPollSeconds = 15;
/** The cluster may be hard to reach while it recovers; reading again does no harm. */
const passing: ReadonlySet<string> = new Set(["API_THROTTLED", "API_UNREACHABLE", "API_OUTCOME_UNKNOWN"]);

/**
 * Looks at once, then every second, and more seldom the longer it takes. @throws Problem NOT_HEALTHY (retryable: false) with what was still missing after
 * `limitSeconds`, and whatever `look` throws that is no passing trouble of the API.
 */
export async function waitFor<T>(
  tools: ActionTools,
  limitSeconds: number,
  look: () => Promise<Look<T>>,
): Promise<T> {
  const startedAt = tools.now();
  for (;;) {
    const seen = await lookOnce(tools, look);
    if (seen.done) return seen.value;
    const waited = secondsBetween(startedAt, tools.now());
    if (waited >= limitSeconds) {
      throw new Problem("NOT_HEALTHY", seen.waitingFor, { details: { waitedSeconds: limitSeconds } });
    }
    await tools.sleep(Math.min(Math.max(pollSeconds, waited / 10), longestPollSeconds));
  }
}

async function lookOnce<T>(tools: ActionTools, look: () => Promise<Look<T>>): Promise<Look<T>> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof Problem) || tools.signal.aborted || !passing.has(error.code)) throw error;
    return { done: false, waitingFor: `the cluster did not answer: ${error.message}` };
  }
}
