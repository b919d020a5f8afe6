// A promise with a deadline. What it waited for goes on by itself; only the waiting ends.

/** @throws what `late` makes when `seconds` pass first. */
export async function within<T>(seconds: number, work: Promise<T>, late: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), seconds * 1000);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
