// Wakes whoever drives an execution: by its time, or because somebody says so. What is said while nobody sleeps is kept.
export interface Alarm {
  readonly wake: () => void;
  /** Whether the next sleep ends at once. */
  rung(): boolean;
  /** Resolves at the next wake-up, or after `milliseconds`. */
  next(milliseconds: number): Promise<void>;
}

const longestTimer = 2 ** 31 - 1;

export function createAlarm(): Alarm {
  let rung = false;
  let waker = Promise.withResolvers<void>();
  const wake = () => {
    rung = true;
    waker.resolve();
  };
  return {
    wake,
    rung: () => rung,
    async next(milliseconds) {
      const timer = setTimeout(wake, Math.min(Math.max(milliseconds, 0), longestTimer));
      await waker.promise;
      clearTimeout(timer);
      waker = Promise.withResolvers<void>();
      rung = false;
    },
  };
}
