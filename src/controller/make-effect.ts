// Makes one effect that is durably announced already, and finds out what came of it when the answer is missing.
// This file is where "no effect happens twice" is kept: nothing is sent again before `didItHappen` has said no.
import type { ActionContext, ActionTools, EffectRunner } from "../actions/action.ts";
import type { Json } from "../domain/json.ts";
import type { Effect } from "../domain/planning/effect.ts";
import { Problem, type ProblemCode, toProblem } from "../domain/problem.ts";
import type { Lease } from "./ports.ts";
import { pause } from "./session.ts";

export type EffectEnd =
  /** `answer`: what a request was answered; null: nothing is known of it. */
  | { readonly end: "made"; readonly answer: Json }
  /** Certainly nothing was changed. */
  | { readonly end: "not-applied"; readonly problem: Problem }
  | { readonly end: "unknown"; readonly problem: Problem };

export interface EffectPorts {
  readonly effects: EffectRunner;
  readonly lease: Lease;
}

/** Unknown outcomes are probed at least this long, and with these pauses. */
const leastProbeSeconds = 30;
const probePauses = [200, 500, 1000, 2000, 5000];
/** A request without an answer may still be on its way: until then "it did not happen" is asked again. */
const lateWriteMilliseconds = 1500;

/** Codes with which the API server (or the client) says that nothing was applied. */
const notApplied: ReadonlySet<ProblemCode> = new Set([
  "API_INVALID",
  "API_FORBIDDEN",
  "API_NOT_FOUND",
  "API_THROTTLED",
  "API_UNREACHABLE",
  "CLUSTER_UNKNOWN",
  "CHANNEL_UNKNOWN",
  "ENDPOINT_UNKNOWN",
  "NOTIFICATION_REFUSED",
  "SCOPE_EXCEEDED",
]);

export interface EffectRequest {
  readonly effect: Effect;
  readonly context: ActionContext;
  /** Bound to the attempt: its time-out and aborts end the call. */
  readonly tools: ActionTools;
  /** gitmend's own, bound to the session only: asking what happened outlives the attempt, and whom it may act as. */
  readonly probeTools: ActionTools;
  readonly timeoutSeconds: number;
  /** false: an unknown outcome is for people, at once. */
  readonly idempotent: boolean;
}

/** @throws Problem LEASE_LOST: nothing was sent. */
export async function makeEffect(request: EffectRequest, ports: EffectPorts): Promise<EffectEnd> {
  // A lease that is valid again is another one: the session's end says that this work is no longer ours.
  request.probeTools.signal.throwIfAborted();
  if (!ports.lease.valid()) throw new Problem("LEASE_LOST", "the lease ended before the effect was sent");
  try {
    return { end: "made", answer: await ports.effects.apply(request.effect, request.context, request.tools) };
  } catch (error) {
    request.probeTools.signal.throwIfAborted();
    const problem = toProblem(error);
    if (notApplied.has(problem.code)) return { end: "not-applied", problem };
    return findOut(request, problem, ports);
  }
}

/**
 * Asks until it is known, the time is over, or the session ends. A conflict may be our own earlier write: asked too.
 * @param certainAfter milliseconds after which "it did not happen" is believed
 */
export async function findOut(
  request: EffectRequest,
  problem: Problem,
  { effects }: EffectPorts,
  certainAfter = problem.code === "API_OUTCOME_UNKNOWN" ? lateWriteMilliseconds : 0,
): Promise<EffectEnd> {
  const { effect, context, probeTools } = request;
  if (!request.idempotent) return { end: "unknown", problem };
  const since = performance.now();
  const until = since + Math.max(request.timeoutSeconds, leastProbeSeconds) * 1000;
  for (let tries = 0; ; tries += 1) {
    const answer = await ask(() => effects.didItHappen(effect, context, probeTools));
    if (answer === "yes") return { end: "made", answer: null };
    if (answer === "no" && performance.now() >= since + certainAfter)
      return { end: "not-applied", problem: retryable(problem) };
    const wait = probePauses[Math.min(tries, probePauses.length - 1)] ?? 5000;
    if (performance.now() + wait > until) return { end: "unknown", problem };
    await pause(wait, probeTools.signal);
  }
}

/** What certainly did not happen may be tried again, whatever went wrong. */
function retryable({ code, message, details }: Problem): Problem {
  return new Problem(code, message, { details, retryable: true });
}

async function ask(question: () => Promise<"yes" | "no" | "unknown">): Promise<"yes" | "no" | "unknown"> {
  try {
    return await question();
  } catch {
    // The question itself failed: nothing is known yet, which is what the caller is told.
    return "unknown";
  }
}
