// GitHub's API as the forge uses it: who asks (a token, or an App that gets one for an hour), what has not changed is not counted
// against the limit (ETags), and a limit that was reached is waited for without asking again.
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { Problem } from "../../../domain/problem.ts";

export type GithubCredential =
  | { readonly kind: "token"; readonly token: string }
  | {
      readonly kind: "app";
      readonly appId: string;
      readonly privateKey: string;
      readonly installationId: number;
    };

export interface GithubApi {
  readonly octokit: Octokit;
  /** gitmend's own account. @throws Problem */
  bot(): Promise<string>;
}

const timeoutMilliseconds = 10_000;
const rememberedAnswers = 2_000;
/** GitHub asks for a minute where it does not say how long. */
const restSeconds = 60;

/**
 * Every request fails as a Problem: FORGE_UNAVAILABLE (retryable; `retryAfterSeconds` in its details where GitHub said so),
 * FORGE_REFUSED. @param url of the API: `https://api.github.com`, `https://github.example.org/api/v3`
 */
export function connectGithub(
  url: string,
  credential: GithubCredential,
  now: () => number = Date.now,
): GithubApi {
  const auth =
    credential.kind === "token"
      ? { auth: credential.token }
      : { authStrategy: createAppAuth, auth: { ...credential, baseUrl: url } };
  const octokit = new Octokit({ ...auth, baseUrl: url, log: silent, request: { fetch: plainFetch } });
  const answers = new Map<string, { readonly etag: string; readonly response: unknown }>();
  let restUntil = 0;

  octokit.hook.wrap("request", async (request, options) => {
    if (now() < restUntil) throw limited((restUntil - now()) / 1000);
    const { url: address } = octokit.request.endpoint(options);
    const known = options.method === "GET" ? answers.get(address) : undefined;
    // Changed in place: of a copy the client would send nothing.
    if (known !== undefined) options.headers["if-none-match"] = known.etag;
    try {
      const response = await request(options);
      if (response.status >= 300)
        throw new Problem(
          "FORGE_REFUSED",
          `GitHub answers ${response.status}: ${address} has moved; write its new name`,
        );
      const { etag } = response.headers;
      if (options.method === "GET" && etag !== undefined) remember(answers, address, { etag, response });
      return response;
    } catch (error) {
      if (known !== undefined && statusOf(error) === 304) return known.response as never;
      const problem = problemOf(error, url, now());
      const wait = problem.details["retryAfterSeconds"];
      if (typeof wait === "number") restUntil = now() + wait * 1000;
      throw problem;
    }
  });

  let own: Promise<string> | null = null;
  return {
    octokit,
    bot() {
      own ??= (credential.kind === "token" ? userOf(octokit) : appOf(octokit)).catch((error: unknown) => {
        own = null;
        throw error;
      });
      return own;
    },
  };
}

const quiet = () => undefined;
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** Credentials go to the configured host alone: a redirect is not followed. */
async function plainFetch(address: string, options: RequestInit): Promise<Response> {
  return fetch(address, { ...options, redirect: "manual", signal: AbortSignal.timeout(timeoutMilliseconds) });
}

function remember<T>(answers: Map<string, T>, address: string, answer: T): void {
  answers.delete(address);
  answers.set(address, answer);
  const [oldest] = answers.keys();
  if (answers.size > rememberedAnswers && oldest !== undefined) answers.delete(oldest);
}

async function userOf(octokit: Octokit): Promise<string> {
  return (await octokit.rest.users.getAuthenticated()).data.login;
}

async function appOf(octokit: Octokit): Promise<string> {
  const { data } = await octokit.rest.apps.getAuthenticated();
  if (data === null || data.slug === undefined)
    throw new Problem("FORGE_REFUSED", "GitHub does not know this App");
  return `${data.slug}[bot]`;
}

interface Failed {
  readonly status?: number;
  readonly message?: string;
  readonly response?: { readonly headers?: Readonly<Record<string, string | undefined>> };
}

export function statusOf(error: unknown): number | null {
  const { status } = (error ?? {}) as Failed;
  return typeof status === "number" ? status : null;
}

function problemOf(error: unknown, url: string, now: number): Problem {
  if (error instanceof Problem) return error;
  const { message = String(error), response } = (error ?? {}) as Failed;
  const status = statusOf(error);
  const headers = response?.headers ?? {};
  if (status === 429 || (status === 403 && isLimited(headers, message))) return limited(waitOf(headers, now));
  const text = `GitHub at ${new URL(url).host}: ${message.slice(0, 300)}`;
  const details = status === null ? {} : { status };
  if (status === null || status >= 500 || status === 408)
    return new Problem("FORGE_UNAVAILABLE", text, { cause: error, retryable: true, details });
  return new Problem("FORGE_REFUSED", text, { cause: error, details });
}

function isLimited(headers: Readonly<Record<string, string | undefined>>, message: string): boolean {
  return (
    headers["retry-after"] !== undefined ||
    headers["x-ratelimit-remaining"] === "0" ||
    /rate limit/i.test(message)
  );
}

function waitOf(headers: Readonly<Record<string, string | undefined>>, now: number): number {
  const after = Number(headers["retry-after"]);
  if (after > 0) return after;
  const reset = Number(headers["x-ratelimit-reset"]) - now / 1000;
  return headers["x-ratelimit-remaining"] === "0" && reset > 0 ? Math.ceil(reset) : restSeconds;
}

function limited(seconds: number): Problem {
  const retryAfterSeconds = Math.ceil(seconds);
  return new Problem("FORGE_UNAVAILABLE", `GitHub's rate limit is reached: again in ${retryAfterSeconds} s`, {
    retryable: true,
    details: { retryAfterSeconds },
  });
}
