// Sends requests to the endpoints that gitmend.yaml lists, with the credentials that it refers to: nothing else says where a request
// goes. One exchange each, no redirects, bounded in time and size; by its code a failure says whether something may have happened.
import type { HttpAnswer } from "../../actions/action.ts";
import type { Json } from "../../domain/json.ts";
import type { HttpCall } from "../../domain/planning/effect.ts";
import { Problem, type ProblemCode } from "../../domain/problem.ts";
import { neverSent } from "../kubernetes/api-problem.ts";

export interface HttpEndpoint {
  /** https, or http on loopback. */
  readonly url: string;
  /** Name and value of the header that carries the credential, read anew for every request; null: none. */
  readonly credential: () => readonly [string, string] | null;
}

export interface EndpointOptions {
  /** For the whole exchange. Default 15. */
  readonly timeoutSeconds?: number;
}

const bodyBytes = 1024 * 1024;

export type SendHttp = (call: HttpCall, key: string | null, signal: AbortSignal) => Promise<HttpAnswer>;

/** @returns as ActionTools.http */
export function httpEndpoints(
  endpoints: ReadonlyMap<string, HttpEndpoint>,
  { timeoutSeconds = 15 }: EndpointOptions = {},
): SendHttp {
  return async (call, key, signal) => {
    const what = `${call.method} /${call.path.join("/")} of ${call.endpoint}`;
    if (signal.aborted) throw new Problem("API_UNREACHABLE", `${what}: given up before it was sent`);
    const endpoint = findEndpoint(call, endpoints);
    const request = requestOf(call, key, endpoint, what);
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    const ended = AbortSignal.any([signal, timeout]);
    try {
      const response = await fetch(urlOf(call, endpoint, what), { ...request, signal: ended });
      return judge(what, call, response, await readBody(response));
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw broken(what, error, timeout.aborted ? timeoutSeconds : null);
    }
  };
}

function findEndpoint({ endpoint }: HttpCall, endpoints: ReadonlyMap<string, HttpEndpoint>): HttpEndpoint {
  const found = endpoints.get(endpoint);
  if (found !== undefined) return found;
  const known = [...endpoints.keys()].toSorted().join(", ") || "none";
  throw new Problem(
    "ENDPOINT_UNKNOWN",
    `gitmend.yaml has no http.endpoints entry "${endpoint}" (configured: ${known})`,
  );
}

/** By structure: whatever a value holds, it stays one segment of the path or one value of the query. */
function urlOf({ path, query }: HttpCall, { url }: HttpEndpoint, what: string): URL {
  if (path.some((segment) => segment === "." || segment === ".."))
    throw new Problem("API_INVALID", `${what}: no request was sent: a path may not leave the endpoint`);
  const target = new URL(url);
  const base = target.pathname.replace(/\/+$/, "");
  target.pathname = [base, ...path.map(encodeURIComponent)].join("/");
  for (const [name, value] of Object.entries(query)) target.searchParams.append(name, value);
  return target;
}

function requestOf(
  { method, headers, body }: HttpCall,
  key: string | null,
  { credential }: HttpEndpoint,
  what: string,
): RequestInit {
  const sent = new Headers({ accept: "application/json" });
  for (const [name, value] of Object.entries(headers)) sent.set(name, value);
  sent.set("user-agent", "gitmend");
  if (key !== null) sent.set("idempotency-key", key);
  if (body !== null) sent.set("content-type", "application/json");
  const own = credentialOf(credential, what);
  if (own !== null) sent.set(...own);
  return {
    method,
    headers: sent,
    redirect: "manual",
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  };
}

function credentialOf(
  credential: HttpEndpoint["credential"],
  what: string,
): readonly [string, string] | null {
  try {
    return credential();
  } catch {
    throw new Problem("API_UNREACHABLE", `${what}: its credential cannot be read`, { retryable: true });
  }
}

/** @throws Problem API_OUTCOME_UNKNOWN: it is too long, so nothing is known of what it says */
async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bodyBytes)
      throw new Problem("API_OUTCOME_UNKNOWN", `the answer is longer than ${bodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function codeOf(status: number): ProblemCode {
  if (status === 409) return "API_CONFLICT";
  if (status === 401 || status === 403) return "API_FORBIDDEN";
  if (status === 404 || status === 405 || status === 410) return "API_NOT_FOUND";
  if (status === 429) return "API_THROTTLED";
  return status >= 300 && status < 500 ? "API_INVALID" : "API_OUTCOME_UNKNOWN";
}

/** A question is answered by whatever the server says of it: that there is no such thing is an answer too. */
function judge(what: string, { method }: HttpCall, { status, headers }: Response, text: string): HttpAnswer {
  const asked = method === "GET" && (status === 404 || status === 410);
  if (!asked && (status < 200 || status >= 300)) throw refusal(what, status, headers.get("retry-after"));
  return { status, body: parsed(what, text, asked) };
}

function refusal(what: string, status: number, retryAfter: string | null): Problem {
  const code = codeOf(status);
  const why = status >= 300 && status < 400 ? `${status}: a redirect, which is not followed` : String(status);
  const seconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : 1;
  return new Problem(code, `${what}: the server answered ${why}`, {
    retryable: code === "API_THROTTLED" || code === "API_OUTCOME_UNKNOWN",
    details: { status, ...(status === 429 ? { retryAfterSeconds: seconds } : {}) },
  });
}

/** A login page instead of an answer says nothing about what was asked. */
function parsed(what: string, text: string, mayBeAnything: boolean): Json {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    if (mayBeAnything) return null;
    throw new Problem(
      "API_OUTCOME_UNKNOWN",
      `${what}: the answer is no JSON; is that the address of an API?`,
      {
        retryable: true,
      },
    );
  }
}

function broken(what: string, error: unknown, timedOutAfter: number | null): Problem {
  if (neverSent(error))
    return new Problem("API_UNREACHABLE", `${what}: the server cannot be reached`, { retryable: true });
  const why = timedOutAfter === null ? "the connection broke" : `no answer within ${timedOutAfter} s`;
  return new Problem("API_OUTCOME_UNKNOWN", `${what}: ${why}`, { retryable: true });
}
