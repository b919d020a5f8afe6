// One GET to an Alertmanager: no redirects, a time limit for the whole conversation, a bounded answer.
import { Problem } from "../../domain/problem.ts";

interface Answer {
  readonly body: unknown;
  /** When it answered, by its own clock: milliseconds since 1970, NaN when it does not say. */
  readonly date: number;
}

/** @throws Problem ALERTMANAGER_UNAVAILABLE (retryable) */
export type Ask = (path: string) => Promise<Answer>;

interface Address {
  readonly source: { readonly name: string };
  readonly url: string;
  readonly authorization: string | null;
}

const mostBytes = 16 * 1024 * 1024;

/** All that is asked through the result together takes at most `seconds`. */
export function askAlertmanager({ source, url, authorization }: Address, seconds: number): Ask {
  const signal = AbortSignal.timeout(seconds * 1000);
  const headers = { ...(authorization === null ? {} : { authorization }), "user-agent": "gitmend" };
  return async (path) => {
    try {
      const response = await fetch(`${url.replace(/\/+$/, "")}${path}`, {
        headers,
        redirect: "error",
        signal,
      });
      const text = await boundedText(response);
      if (!response.ok) throw unreadable(`it answered ${response.status}`);
      return { body: JSON.parse(text), date: Date.parse(response.headers.get("date") ?? "") };
    } catch (error) {
      const why = signal.aborted ? `it did not answer within ${seconds} s` : reasonOf(error);
      throw new Problem("ALERTMANAGER_UNAVAILABLE", `Alertmanager ${source.name} cannot be asked: ${why}`, {
        retryable: true,
        cause: error,
      });
    }
  };
}

/** An answer that is none of Alertmanager's. */
export function unreadable(why: string): Problem {
  return new Problem("ALERTMANAGER_UNAVAILABLE", why, { retryable: true });
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

async function boundedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > mostBytes) throw unreadable(`it answered with more than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
