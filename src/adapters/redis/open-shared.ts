// Shared on Redis. Redis is asked for at most a fifth of a second; after a failure it is left alone for five seconds, so that one
// that is away or hangs slows nothing down. It says so once in the log, and once when it is back.
import { createClient } from "@redis/client";
import type { Log } from "../../controller/ports.ts";
import type { Shared } from "../../controller/shared.ts";
import type { Json } from "../../domain/json.ts";

export interface OpenShared extends Shared {
  close(): void;
}

const prefix = "gitmend:";
const newsChannel = `${prefix}news`;
const answerMilliseconds = 200;
const restMilliseconds = 5_000;
const longestReconnectMilliseconds = 10_000;

/** @param own what this process tells itself: that needs no Redis */
export function openShared(
  url: string,
  own: Pick<Shared, "tell" | "listen">,
  log: Pick<Log, "info" | "warn">,
): OpenShared {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    pingInterval: restMilliseconds,
    socket: { connectTimeout: 2_000, reconnectStrategy: reconnectMilliseconds },
  });
  const subscriber = client.duplicate();
  const { ask, usable, failed } = patient(() => client.isReady, log);
  let subscribed = false;
  const hear = (id: string) => own.tell(id);
  // Each time: what was subscribed before there was a connection was never heard of.
  subscriber.on("ready", () => {
    subscriber.subscribe(newsChannel, hear).then(() => {
      subscribed = true;
    }, failed);
  });
  for (const one of [client, subscriber]) {
    one.on("error", failed);
    one.connect().catch(failed);
  }
  return {
    ...own,
    async recall(key) {
      const text = await ask(() => client.get(prefix + key));
      return text === null ? null : parsed(text);
    },
    remember(key, value, seconds) {
      const expiration = { type: "EX", value: seconds } as const;
      void ask(() => client.set(prefix + key, JSON.stringify(value), { expiration }));
    },
    tell(executionId) {
      own.tell(executionId);
      void ask(() => client.publish(newsChannel, executionId));
    },
    hears: () => subscribed && subscriber.isReady && usable(),
    close() {
      for (const one of [client, subscriber]) if (one.isOpen) one.destroy();
    },
  };
}

/** Asks while there is somebody to ask, and says in the log when that changes. */
function patient(isReady: () => boolean, log: Pick<Log, "info" | "warn">) {
  let restUntil = 0;
  let isAway = false;
  const failed = (error: unknown) => {
    restUntil = performance.now() + restMilliseconds;
    if (!isAway) log.warn({ reason: reasonOf(error) }, "Redis is away: everything goes on without it");
    isAway = true;
  };
  const usable = () => isReady() && performance.now() >= restUntil;
  return {
    failed,
    usable,
    /** null: no answer in time. */
    ask: async <T>(command: () => Promise<T>): Promise<T | null> => {
      if (!usable()) return null;
      try {
        const answer = await inTime(command());
        if (isAway) log.info({}, "Redis is back");
        isAway = false;
        return answer;
      } catch (error) {
        failed(error);
        return null;
      }
    },
  };
}

/** Up to ten seconds, and not all replicas at once. */
function reconnectMilliseconds(tries: number): number {
  return Math.min(250 * 2 ** Math.min(tries, 10), longestReconnectMilliseconds) * (0.5 + Math.random() / 2);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`no answer within ${answerMilliseconds} ms`)),
    answerMilliseconds,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** What somebody else wrote there counts as nothing. */
function parsed(text: string): Json | null {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
