// Time inside the simulated cluster: the machine's, or a manual one that stands still until a test advances it.

export interface SimulationClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls once at or after `at`; a new call replaces the one before. Infinity: none. */
  wakeAt(at: number, wake: () => void): void;
  stop(): void;
}

export interface ManualClock extends SimulationClock {
  /** Moves time, stopping at every wake-up on the way. */
  advance(seconds: number): void;
}

export function realClock(): SimulationClock {
  let timer: NodeJS.Timeout | undefined;
  return {
    now: () => Date.now(),
    wakeAt: (at, wake) => {
      clearTimeout(timer);
      if (Number.isFinite(at)) timer = setTimeout(wake, Math.min(Math.max(at - Date.now(), 1), 2 ** 31 - 1));
    },
    stop: () => clearTimeout(timer),
  };
}

export function manualClock(start = Date.parse("2026-01-01T00:00:00Z")): ManualClock {
  let now = start;
  let next: { at: number; wake: () => void } | null = null;
  return {
    now: () => now,
    wakeAt: (at, wake) => {
      next = Number.isFinite(at) ? { at, wake } : null;
    },
    stop: () => {
      next = null;
    },
    advance: (seconds) => {
      const end = now + seconds * 1000;
      while (next !== null && next.at <= end) {
        const { at, wake } = next;
        next = null;
        now = Math.max(now, at);
        wake();
      }
      now = end;
    },
  };
}

/** As the API server writes times: whole seconds, UTC. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}
