// The events of all executions for all who follow them through this replica: one loop reads the log while somebody does, and keeps
// the newest messages. A reader that is further behind reads the database itself, one after the other.
import type { EventLog, LoggedEvent } from "../../controller/event-log.ts";
import { loop } from "../../controller/loop.ts";
import type { Log } from "../../controller/ports.ts";
import type { Shared } from "../../controller/shared.ts";
import { isAfter, type LogPosition, positionText } from "../../domain/execution/log-position.ts";
import { waitFor } from "./server-sent.ts";
import { shownEvents } from "./shown-events.ts";

export interface FeedPorts {
  readonly eventLog: EventLog;
  readonly news: Pick<Shared, "listen">;
  readonly log: Log;
}

export interface Message {
  readonly position: LogPosition;
  /** As it is sent. */
  readonly text: string;
}

export interface EventFeed {
  /** The log is read from now on. @returns stops it, when nobody else reads */
  join(): () => void;
  /** The next ones after it; none: there are none yet. @throws Problem DATABASE_UNAVAILABLE */
  after(position: LogPosition): Promise<readonly Message[]>;
  /** Resolves when somebody has looked whether there are more: some times a second. */
  looked(): Promise<void>;
}

/** All after `floor` that the loop has read. */
interface Recent {
  floor: LogPosition;
  readonly messages: Message[];
  characters: number;
}

const pollMilliseconds = 300;
const pageEvents = 200;
const most = { messages: 1_000, characters: 8 * 1024 * 1024 };

export function eventFeed({ eventLog, news, log }: FeedPorts): EventFeed {
  let readers = 0;
  let stop = new AbortController();
  let recent: Recent | null = null;
  let look = Promise.withResolvers<void>();
  let pages: Promise<unknown> = Promise.resolve();
  const looked = () => {
    look.resolve();
    look = Promise.withResolvers();
  };
  return {
    join() {
      readers += 1;
      if (readers === 1) {
        stop = new AbortController();
        void follow({ eventLog, news, log }, stop.signal, (read) => (recent = read), looked);
      }
      return () => {
        readers -= 1;
        if (readers > 0) return;
        stop.abort();
        recent = null;
      };
    },
    async after(position) {
      if (recent !== null && !isAfter(recent.floor, position)) return newer(recent, position);
      const page = pages.then(() => eventLog.after(position, pageEvents));
      pages = page.catch(() => undefined);
      return (await page).map(message);
    },
    looked: () => look.promise,
  };
}

/** Resolves when the signal aborts. */
async function follow(
  { eventLog, news, log }: FeedPorts,
  signal: AbortSignal,
  show: (recent: Recent) => void,
  looked: () => void,
): Promise<void> {
  let recent: Recent | null = null;
  let more = Promise.withResolvers<void>();
  const stopListening = news.listen(null, () => more.resolve());
  const round = async () => {
    more = Promise.withResolvers();
    try {
      recent ??= { floor: await eventLog.end(), messages: [], characters: 0 };
      const events = await eventLog.after(recent.messages.at(-1)?.position ?? recent.floor, pageEvents);
      for (const event of events) add(recent, message(event));
      if (events.length === pageEvents) more.resolve();
      if (!signal.aborted) show(recent);
    } finally {
      looked();
    }
  };
  await loop(pollMilliseconds, round, signal, log, (milliseconds) =>
    waitFor(more.promise, milliseconds, signal),
  );
  stopListening();
}

function add(recent: Recent, added: Message): void {
  recent.messages.push(added);
  recent.characters += added.text.length;
  while (recent.messages.length > most.messages || recent.characters > most.characters) {
    const oldest = recent.messages.shift();
    if (oldest === undefined) return;
    recent.characters -= oldest.text.length;
    recent.floor = oldest.position;
  }
}

function newer({ messages }: Recent, position: LogPosition): readonly Message[] {
  const known = messages.findLastIndex((one) => !isAfter(one.position, position));
  return messages.slice(known + 1);
}

function message({ position, event }: LoggedEvent): Message {
  const [shown] = shownEvents([event]);
  const data = JSON.stringify({ executionId: position.executionId, ...shown });
  return { position, text: `id: ${positionText(position)}\nevent: recorded\ndata: ${data}\n\n` };
}
