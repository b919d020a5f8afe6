// What all streams of server-sent events have in common: how they begin, and waiting for readers and for news.
import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Proxies close what says nothing. */
export const heartbeatMilliseconds = 15_000;

/** @returns aborts when the reader is gone */
export function openStream(response: ServerResponse): AbortSignal {
  const closed = new AbortController();
  response.on("close", () => closed.abort());
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" });
  response.write("retry: 1000\n\n");
  return closed.signal;
}

/**
 * Waits for a slow reader: what it has not taken must not pile up here. @param patience in milliseconds; left out: for ever
 * @returns false: it has not taken it in that time
 */
export async function write(
  response: ServerResponse,
  text: string,
  closed: AbortSignal,
  patience?: number,
): Promise<boolean> {
  if (closed.aborted || response.write(text)) return true;
  const drained = once(response, "drain", { signal: closed }).catch(() => undefined);
  if (patience === undefined) await drained;
  else await waitFor(drained, patience, closed);
  return closed.aborted || !response.writableNeedDrain;
}

/** Resolves with `news`, or after so many milliseconds, or when the signal aborts. */
export async function waitFor(
  news: Promise<unknown>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const enough = () => resolve();
  const timer = setTimeout(enough, milliseconds);
  signal.addEventListener("abort", enough);
  if (signal.aborted) enough();
  await Promise.race([promise, news]);
  clearTimeout(timer);
  signal.removeEventListener("abort", enough);
}
