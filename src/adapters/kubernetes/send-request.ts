// One HTTP request to the API server through client-node's configuration and transport: credentials, time limit,
// abort, and errors as Problems. Reads are repeated a few times; what changes something is sent exactly once.
import { setTimeout as delay } from "node:timers/promises";
import {
  type HttpMethod,
  IsomorphicFetchHttpLibrary,
  type KubeConfig,
  RequestContext,
} from "@kubernetes/client-node";
import { Problem } from "../../domain/problem.ts";
import { type RunAs, runAsText } from "../../domain/templates/scope.ts";
import { type Answer, answerProblem, transportProblem } from "./api-problem.ts";
import type { ConcurrencyLimit, Outcome } from "./concurrency-limit.ts";

export interface ApiRequest {
  /** For people: `patch apps/v1 Deployment shop/api`. */
  readonly what: string;
  readonly method: `${HttpMethod}`;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: { readonly contentType: string; readonly text: string };
}

export interface Transport {
  readonly kubeConfig: KubeConfig;
  readonly userAgent: string;
  readonly requestTimeoutSeconds: number;
  /** First pause between two tries of a read; grows to 20 times that, with full jitter. */
  readonly retrySeconds: number;
  readonly limit: ConcurrencyLimit;
  /** Goes before other requests. */
  readonly urgent: boolean;
  /** Whom the API server is to take gitmend for; null: itself. */
  readonly runAs: RunAs | null;
}

const readTries = 4;

/** @throws Problem API_*. `accept`: statuses besides 2xx that the caller wants as an answer. */
export async function send(
  transport: Transport,
  asked: ApiRequest,
  signal: AbortSignal,
  accept: readonly number[] = [],
): Promise<Answer> {
  const { runAs } = transport;
  const request = runAs === null ? asked : { ...asked, what: `${asked.what} as ${runAsText(runAs)}` };
  const turn = await transport.limit.turn(transport.urgent, signal).catch(() => {
    throw new Problem("API_UNREACHABLE", `${request.what}: given up before it was sent`);
  });
  let outcome: Outcome = { kind: "given-up" };
  try {
    const answer = await exchange(transport, request, signal);
    outcome = { kind: "answered" };
    if ((answer.status >= 200 && answer.status < 300) || accept.includes(answer.status)) return answer;
    const problem = answerProblem(request.what, answer);
    outcome = outcomeOf(problem);
    throw problem;
  } catch (error) {
    if (!signal.aborted && error instanceof Problem && error.details.timedOut === true)
      outcome = { kind: "timed-out" };
    throw error;
  } finally {
    turn.end(outcome, sortOf(request));
  }
}

function outcomeOf(problem: Problem): Outcome {
  return isThrottled(problem)
    ? { kind: "throttled", retryAfterSeconds: Number(problem.details["retryAfterSeconds"]) }
    : { kind: "answered" };
}

/** A disruption budget says 429 too: that is no word about the API server. */
function isThrottled({ code, details: { causes } }: Problem): boolean {
  return code === "API_THROTTLED" && !(Array.isArray(causes) && causes.includes("DisruptionBudget"));
}

/** Lists take longer than single objects; logs take as long as they are. */
function sortOf({ method, path, query }: ApiRequest): string | null {
  if (path.endsWith("/log")) return null;
  return query?.["limit"] === undefined ? method : "LIST";
}

/**
 * Like `send`, for requests that change nothing, dry-runs among them: 429, 5xx and broken connections are tried again within the
 * signal, and once what had no answer in time: one connection may be dead. A read that is answered with a conflict too: only
 * something between here and the API server says that.
 */
export async function sendRead(
  transport: Transport,
  request: ApiRequest,
  signal: AbortSignal,
  accept: readonly number[] = [],
): Promise<Answer> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await send(transport, request, signal, accept);
    } catch (error) {
      if (!(error instanceof Problem) || tried >= triesOf(request, error) || signal.aborted) throw error;
      const pause = pauseSeconds(transport.retrySeconds, tried, error);
      await delay(pause * 1000, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}

function triesOf({ method }: ApiRequest, problem: Problem): number {
  const { code, details } = problem;
  if (code === "API_OUTCOME_UNKNOWN") return details["timedOut"] === true ? 2 : readTries;
  return isThrottled(problem) || (code === "API_CONFLICT" && method === "GET") ? readTries : 1;
}

function pauseSeconds(first: number, tried: number, { details }: Problem): number {
  const asked = typeof details.retryAfterSeconds === "number" ? details.retryAfterSeconds : 0;
  return asked + Math.random() * Math.min(first * 2 ** (tried - 1), first * 20);
}

async function exchange(transport: Transport, request: ApiRequest, signal: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(transport.requestTimeoutSeconds * 1000);
  const context = await prepare(transport, request);
  context.setSignal(AbortSignal.any([signal, timeout]));
  try {
    const response = await new IsomorphicFetchHttpLibrary().send(context).toPromise();
    return { status: response.httpStatusCode, headers: response.headers, body: await response.body.text() };
  } catch (error) {
    throw signal.aborted || timeout.aborted
      ? interrupted(transport, request, timeout.aborted)
      : transportProblem(request.what, error);
  }
}

function interrupted({ requestTimeoutSeconds }: Transport, { what }: ApiRequest, timedOut: boolean): Problem {
  const why = timedOut
    ? `no answer within ${requestTimeoutSeconds} s`
    : "given up while waiting for the answer";
  return new Problem("API_OUTCOME_UNKNOWN", `${what}: ${why}`, {
    retryable: true,
    details: { timedOut: true },
  });
}

/** Credential plug-ins run here: when they fail, nothing was sent. */
async function prepare(transport: Transport, request: ApiRequest): Promise<RequestContext> {
  const { kubeConfig, userAgent, runAs } = transport;
  const base = kubeConfig.getCurrentCluster()?.server.replace(/\/+$/, "") ?? "";
  const context = new RequestContext(`${base}${request.path}`, request.method as HttpMethod);
  context.setHeaderParam("User-Agent", userAgent);
  context.setHeaderParam("Accept", "application/json, */*;q=0.8");
  for (const [key, value] of Object.entries(request.query ?? {})) context.setQueryParam(key, value);
  if (request.body !== undefined) {
    context.setHeaderParam("Content-Type", request.body.contentType);
    context.setBody(request.body.text);
  }
  try {
    await kubeConfig.applySecurityAuthentication(context);
  } catch {
    throw new Problem("API_UNREACHABLE", `${request.what}: no credentials could be had`, { retryable: true });
  }
  if (runAs !== null) impersonate(context, runAs, request.what);
  return context;
}

/**
 * The request goes out as somebody else, or not at all. One group only: fetch would make one name of several.
 * @throws Problem SCOPE_EXCEEDED
 */
function impersonate(context: RequestContext, { user, groups }: RunAs, what: string): void {
  const already = Object.keys(context.getHeaders()).some((name) => /^impersonate-/i.test(name));
  if (already || groups.length > 1)
    throw new Problem(
      "SCOPE_EXCEEDED",
      `${what}: no request was sent: ${already ? "the kubeconfig acts as somebody already, so run_as cannot" : "more than one group"}`,
    );
  context.setHeaderParam("Impersonate-User", user);
  for (const group of groups) context.setHeaderParam("Impersonate-Group", group);
}
