// How many requests one replica has under way at one API server: one more as long as it answers well, half as many when it says 429,
// a quarter fewer when its answers get slow; never less than one. Whoever comes too many waits in line; what is urgent (an undo, or
// finding out what has happened) goes before all others and has a place of its own beside the limit, so that nothing starves it.

export interface ConcurrencyLimit {
  /** Resolves when its turn has come. Rejects with the signal's reason when that aborts first: nothing may be sent then. */
  turn(urgent: boolean, signal: AbortSignal): Promise<Turn>;
  /** Requests that may be under way at the same time now, urgent ones aside. */
  now(): number;
}

export interface Turn {
  /** To be called once. `sort`: requests that take about equally long; null: those whose time says nothing. */
  end(outcome: Outcome, sort: string | null): void;
}

/** `throttled`: 429, and how long the API server asked to wait. `given-up`: by the caller, so that it says nothing. */
export type Outcome =
  | { readonly kind: "answered" | "timed-out" | "given-up" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

export interface Decrease {
  readonly from: number;
  readonly to: number;
  /** For people. */
  readonly why: string;
}

/** A place is held back at most so long, whatever the API server asks for. */
const longestHoldSeconds = 30;

interface Waiter {
  readonly go: () => void;
}

export function concurrencyLimit(
  ceiling: number,
  onDecrease: (decrease: Decrease) => void,
): ConcurrencyLimit {
  const lines = { urgent: new Set<Waiter>(), normal: new Set<Waiter>() };
  const limit = movingLimit(ceiling, onDecrease);
  let underWay = 0;
  let urgentUnderWay = 0;

  const isFree = (urgent: boolean) => underWay < limit.now() || (urgent && urgentUnderWay === 0);
  const admitNext = () => {
    for (const urgent of [true, false]) {
      for (const waiter of urgent ? lines.urgent : lines.normal) {
        if (!isFree(urgent)) break;
        waiter.go();
      }
    }
  };
  const enter = (urgent: boolean): Turn => {
    const sentAt = performance.now();
    underWay += 1;
    if (urgent) urgentUnderWay += 1;
    const leave = () => {
      underWay -= 1;
      if (urgent) urgentUnderWay -= 1;
      admitNext();
    };
    return {
      end(outcome, sort) {
        limit.learn(outcome, sort, sentAt);
        // A refused request keeps its place for as long as the API server asked: refuse all, and all is quiet.
        if (outcome.kind !== "throttled") return leave();
        setTimeout(leave, Math.min(outcome.retryAfterSeconds, longestHoldSeconds) * 1000).unref();
      },
    };
  };

  return {
    now: limit.now,
    async turn(urgent, signal) {
      signal.throwIfAborted();
      const line = urgent ? lines.urgent : lines.normal;
      if (line.size === 0 && isFree(urgent)) return enter(urgent);
      return waitIn(line, () => enter(urgent), signal);
    },
  };
}

/** First come, first served. The place is taken in the moment it gets free. Rejects with the signal's reason. */
function waitIn(line: Set<Waiter>, enter: () => Turn, signal: AbortSignal): Promise<Turn> {
  const { promise, resolve, reject } = Promise.withResolvers<Turn>();
  const leaveLine = () => {
    line.delete(waiter);
    signal.removeEventListener("abort", onAbort);
  };
  const waiter: Waiter = {
    go() {
      leaveLine();
      resolve(enter());
    },
  };
  const onAbort = () => {
    leaveLine();
    reject(signal.reason as Error);
  };
  line.add(waiter);
  signal.addEventListener("abort", onAbort, { once: true });
  return promise;
}

/** Additive increase, multiplicative decrease, between one and the ceiling. */
function movingLimit(ceiling: number, onDecrease: (decrease: Decrease) => void) {
  const answers = slownessJudge();
  let limit = ceiling;
  let decreasedAt = Number.NEGATIVE_INFINITY;
  const decrease = (share: number, why: string) => {
    const from = Math.floor(limit);
    limit = Math.max(1, limit * share);
    decreasedAt = performance.now();
    answers.forget();
    if (Math.floor(limit) < from) onDecrease({ from, to: Math.floor(limit), why });
  };
  return {
    now: () => Math.floor(limit),
    learn(outcome: Outcome, sort: string | null, sentAt: number): void {
      // One bad moment is one decrease: what was sent before it tells nothing about the new limit.
      if (outcome.kind === "given-up" || sentAt < decreasedAt) return;
      if (outcome.kind === "throttled") return decrease(1 / 2, "it answered 429");
      const seconds = (performance.now() - sentAt) / 1000;
      if (answers.areSlow(outcome.kind === "timed-out", sort, seconds))
        return decrease(3 / 4, "most of its answers are slow or missing");
      limit = Math.min(ceiling, limit + 1 / limit);
    },
  };
}

const fewestJudged = 10;
const mostJudged = 20;
/** Below this an answer is never slow, whatever is usual. */
const slowSeconds = 1;
const slowTimes = 4;

/**
 * Slow is what takes four times as long as usual for its sort. The usual follows what is seen: a lasting change becomes the new one.
 * One slow answer says nothing; most of the last twenty do.
 */
function slownessJudge() {
  const usual = new Map<string, number>();
  let last: boolean[] = [];
  const isSlow = (timedOut: boolean, sort: string | null, seconds: number): boolean => {
    if (timedOut || sort === null) return timedOut;
    const before = usual.get(sort) ?? seconds;
    const slow = seconds > Math.max(slowSeconds, before * slowTimes);
    usual.set(sort, before + (seconds - before) * (slow ? 0.002 : 0.1));
    return slow;
  };
  return {
    areSlow(timedOut: boolean, sort: string | null, seconds: number): boolean {
      last = [...last.slice(1 - mostJudged), isSlow(timedOut, sort, seconds)];
      return last.length >= fewestJudged && last.filter(Boolean).length * 2 >= last.length;
    },
    forget() {
      last = [];
    },
  };
}
