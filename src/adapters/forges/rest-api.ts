// The API of a forge as its client here uses it: JSON over HTTP, to the configured host alone. What has not changed is not counted
// against a limit (ETags), and a limit that was reached is waited for without asking again.
import { Problem } from "../../domain/problem.ts";

export interface RestOptions {
  /** For messages: `Gitea`. */
  readonly name: string;
  /** Of the API, without a slash at its end. */
  readonly url: string;
  /** With the credential. */
  readonly headers: Readonly<Record<string, string>>;
  /** What it calls the size of a page. */
  readonly pageSize: "limit" | "per_page";
  readonly now?: () => number;
}

/** Every request fails as a Problem: FORGE_UNAVAILABLE (retryable), FORGE_REFUSED; `status` in its details where there was an answer. */
export interface RestApi {
  get<T>(path: string): Promise<T>;
  /** null: 404. */
  find<T>(path: string): Promise<T | null>;
  /** All pages of a list, at most `limit` entries and one page more. */
  list<T>(path: string, limit?: number): Promise<readonly T[]>;
  /** The pages one by one, for whoever finds it early. */
  pages<T>(path: string): AsyncGenerator<readonly T[]>;
  send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<T>;
}

const timeoutMilliseconds = 10_000;
const rememberedAnswers = 2_000;
/** Where a forge does not say how long. */
const restSeconds = 60;
const perPage = 50;
const longestList = 5_000;

interface Answer {
  readonly value: unknown;
  readonly more: boolean;
}

export function connectRest(options: RestOptions): RestApi {
  const { name, pageSize } = options;
  const ask = asker(options);

  async function* pages<T>(path: string): AsyncGenerator<readonly T[]> {
    for (let page = 1; ; page += 1) {
      const mark = path.includes("?") ? "&" : "?";
      const { value, more } = await ask("GET", `${path}${mark}page=${page}&${pageSize}=${perPage}`);
      if (!Array.isArray(value)) throw new Problem("FORGE_REFUSED", `${name}: ${path} is no list`);
      yield value as readonly T[];
      if (!more) return;
    }
  }

  return {
    get: async <T>(path: string) => (await ask("GET", path)).value as T,
    async find<T>(path: string) {
      try {
        return (await ask("GET", path)).value as T;
      } catch (error) {
        if (statusIn(error) === 404) return null;
        throw error;
      }
    },
    async list<T>(path: string, limit = longestList) {
      const all: T[] = [];
      for await (const page of pages<T>(path)) {
        all.push(...page);
        if (all.length > limit) break;
      }
      return all;
    },
    pages,
    send: async <T>(method: string, path: string, body?: object) =>
      (await ask(method, path, body)).value as T,
  };
}

type Ask = (method: string, path: string, body?: object) => Promise<Answer>;

function asker({ name, url, headers, now = Date.now }: RestOptions): Ask {
  const answers = new Map<string, Answer & { readonly etag: string }>();
  let restUntil = 0;
  return async (method, path, body) => {
    if (now() < restUntil) throw limited(name, (restUntil - now()) / 1000);
    const known = method === "GET" ? answers.get(path) : undefined;
    const { response, text } = await exchange(`${url}${path}`, {
      method,
      headers: {
        accept: "application/json",
        ...headers,
        ...(known === undefined ? {} : { "if-none-match": known.etag }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw away(name, url, error);
    });
    if (known !== undefined && response.status === 304) return known;
    if (!response.ok) {
      const problem = problemOf(response, text, name, url, now());
      const wait = problem.details["retryAfterSeconds"];
      if (typeof wait === "number") restUntil = now() + wait * 1000;
      throw problem;
    }
    const answer = { value: valueOf(text, name, path), more: hasMore(response) };
    const etag = response.headers.get("etag");
    if (method === "GET" && etag !== null) remember(answers, path, { ...answer, etag });
    return answer;
  };
}

/** Credentials go to the configured host alone: a redirect is not followed. */
async function exchange(
  address: string,
  request: RequestInit,
): Promise<{ readonly response: Response; readonly text: string }> {
  const signal = AbortSignal.timeout(timeoutMilliseconds);
  const response = await fetch(address, { ...request, redirect: "manual", signal });
  return { response, text: await response.text() };
}

/** What a Problem of the API was about; null: something else. */
export function statusIn(error: unknown): number | null {
  const status = error instanceof Problem ? error.details["status"] : null;
  return typeof status === "number" ? status : null;
}

function remember<T>(answers: Map<string, T>, path: string, answer: T): void {
  answers.delete(path);
  answers.set(path, answer);
  const [oldest] = answers.keys();
  if (answers.size > rememberedAnswers && oldest !== undefined) answers.delete(oldest);
}

function valueOf(text: string, name: string, path: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Problem("FORGE_UNAVAILABLE", `${name}: the answer to ${path} is no JSON`, {
      cause: error,
      retryable: true,
    });
  }
}

/** Only whether there is another page: an address that the answer names is not asked. */
function hasMore(response: Response): boolean {
  return /;\s*rel="?next"?/.test(response.headers.get("link") ?? "");
}

function away(name: string, url: string, error: unknown): Problem {
  const { message = String(error), cause } = error as { readonly message?: string; readonly cause?: Error };
  const why = cause?.message ?? message;
  return new Problem("FORGE_UNAVAILABLE", `${name} at ${new URL(url).host}: ${why}`, {
    cause: error,
    retryable: true,
  });
}

function problemOf(response: Response, text: string, name: string, url: string, now: number): Problem {
  const { status } = response;
  if (status === 429) return limited(name, waitOf(response.headers, now));
  if (status >= 300 && status < 400)
    return new Problem("FORGE_REFUSED", `${name} answers ${status}: it has moved; write its new address`, {
      details: { status },
    });
  const said = `${name} at ${new URL(url).host} answers ${status}: ${messageIn(text)}`;
  if (status >= 500 || status === 408)
    return new Problem("FORGE_UNAVAILABLE", said, { retryable: true, details: { status } });
  return new Problem("FORGE_REFUSED", said, { details: { status } });
}

function messageIn(text: string): string {
  try {
    const { message, error } = JSON.parse(text) as { readonly message?: unknown; readonly error?: unknown };
    const said = message ?? error ?? text;
    return (typeof said === "string" ? said : JSON.stringify(said)).slice(0, 300);
  } catch {
    return text.slice(0, 100);
  }
}

/** Seconds, or the time of the reset in seconds since 1970. */
function waitOf(headers: Headers, now: number): number {
  const after = Number(headers.get("retry-after"));
  if (after > 0) return after;
  const reset = Number(headers.get("ratelimit-reset") ?? headers.get("x-ratelimit-reset")) - now / 1000;
  return reset > 0 ? Math.ceil(reset) : restSeconds;
}

function limited(name: string, seconds: number): Problem {
  const retryAfterSeconds = Math.ceil(seconds);
  return new Problem(
    "FORGE_UNAVAILABLE",
    `${name}'s rate limit is reached: again in ${retryAfterSeconds} s`,
    {
      retryable: true,
      details: { retryAfterSeconds },
    },
  );
}
