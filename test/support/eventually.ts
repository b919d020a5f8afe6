// Waits for something to become true, by looking again until a deadline: never a fixed sleep.
import { setTimeout as delay } from "node:timers/promises";

export interface EventuallyOptions {
  /** Default 20. */
  readonly seconds?: number;
  /** Gives up at once with this text when it is not false. */
  readonly unless?: () => string | false;
}

/** What `look` gives as soon as it neither throws nor gives undefined, null or false. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T> | T,
  { seconds = 20, unless = () => false }: EventuallyOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + seconds * 1000;
  let last: unknown = "it was not so yet";
  while (performance.now() < deadline) {
    try {
      const value = await look();
      if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>;
    } catch (error) {
      last = error;
    }
    const hopeless = unless();
    if (hopeless !== false) throw new Error(`${what}: ${hopeless}`);
    await delay(50);
  }
  throw new Error(`not within ${seconds} s: ${what}`, { cause: last });
}
