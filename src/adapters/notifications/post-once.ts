// One HTTP POST, no redirects, no retries. The address is checked when the connection is made, on what the name resolved to
// at that moment: checking before a fetch would leave time for the name to point elsewhere.
import { lookup } from "node:dns";
import { type ClientRequest, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Problem, toProblem } from "../../domain/problem.ts";
import { isPrivateAddress } from "./private-addresses.ts";

export interface PostOptions {
  /** For messages of problems. */
  readonly channel: string;
  readonly allowPrivate: boolean;
  readonly timeoutSeconds: number;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
}

/** Codes of errors that come before a byte of the request is sent. */
const neverSent: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** @throws Problem NOTIFICATION_REFUSED: nothing was sent. API_OUTCOME_UNKNOWN: something may have been. */
export async function postOnce(
  url: URL,
  body: string,
  headers: Record<string, string>,
  options: PostOptions,
): Promise<Answer> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (!options.allowPrivate && isIP(host) !== 0 && isPrivateAddress(host))
    throw privateAddress(options.channel);
  const signal = AbortSignal.timeout(options.timeoutSeconds * 1000);
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  // No agent: a kept connection that the receiver has just closed would make a message of unknown outcome.
  const request = send(url, { method: "POST", headers, agent: false, signal, lookup: publicLookup(options) });
  try {
    return await exchange(request, body);
  } catch (error) {
    throw failure(error, options);
  }
}

/** The whole answer is awaited, so that the receiver is done; what it says is not read. */
async function exchange(request: ClientRequest, body: string): Promise<Answer> {
  return new Promise((done, fail) => {
    request.on("error", fail);
    request.on("response", (response) => {
      response.on("error", fail);
      response.on("end", () =>
        done({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] ?? null }),
      );
      response.resume();
    });
    request.end(body);
  });
}

function publicLookup({ channel, allowPrivate }: PostOptions): LookupFunction {
  return (host, options, answer) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return answer(error, []);
      if (!allowPrivate && found.some(({ address }) => isPrivateAddress(address))) {
        return answer(privateAddress(channel), []);
      }
      const [first] = found;
      if (options.all === true || first === undefined) return answer(null, found);
      return answer(null, first.address, first.family);
    });
  };
}

function privateAddress(channel: string): Problem {
  return new Problem(
    "NOTIFICATION_REFUSED",
    `channel ${channel} leads to a private address, which is not allowed`,
    { details: { channel } },
  );
}

function failure(error: unknown, { channel, timeoutSeconds }: PostOptions): Problem {
  if (error instanceof Problem) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : toProblem(error).code;
  const details = { channel, error: code };
  if (neverSent.has(code)) {
    return new Problem("NOTIFICATION_REFUSED", `channel ${channel} could not be reached (${code})`, {
      retryable: true,
      cause: error,
      details,
    });
  }
  const what = code === "ABORT_ERR" ? `did not answer within ${timeoutSeconds} s` : `broke off (${code})`;
  return new Problem("API_OUTCOME_UNKNOWN", `channel ${channel} ${what}: the message may have arrived`, {
    cause: error,
    details,
  });
}
