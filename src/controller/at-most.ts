// Waits for something, but not for ever: what it waits for goes on by itself.
import { pause } from "./session.ts";

/** Resolves when `work` has settled, however, or after `milliseconds`. */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([settled, pause(milliseconds, over.signal).catch(() => undefined)]);
  over.abort();
}
