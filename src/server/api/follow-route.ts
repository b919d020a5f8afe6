// `/stream`: the events of all executions as they become durable. A reader's place is a position in the log and nothing else,
// so that any replica goes on where another one stopped.
import type { IncomingMessage, ServerResponse } from "node:http";
import { type LogPosition, positionText, readPosition } from "../../domain/execution/log-position.ts";
import { Problem, toProblem } from "../../domain/problem.ts";
import type { ApiPorts } from "./api-ports.ts";
import { type EventFeed, eventFeed } from "./event-feed.ts";
import type { Call, StreamRoute } from "./route.ts";
import { heartbeatMilliseconds, openStream, write } from "./server-sent.ts";

const mostReaders = 200;
/** For a reader that takes nothing. */
const defaultPatienceMilliseconds = 30_000;

/** @param patienceMilliseconds for a reader that takes nothing */
export function followRoute(
  ports: ApiPorts,
  patienceMilliseconds = defaultPatienceMilliseconds,
): StreamRoute {
  const feed = eventFeed(ports);
  let readers = 0;
  return {
    kind: "stream",
    method: "get",
    path: "/stream",
    operation: "streamAllEvents",
    summary:
      "Events of all executions as they become durable, from now on or after Last-Event-ID; each execution's in order, none twice.",
    query: {},
    async open(_call: Call, request: IncomingMessage, response: ServerResponse) {
      if (readers >= mostReaders)
        throw new Problem("OVERLOADED", `${mostReaders} readers follow already: try again`, {
          retryable: true,
        });
      readers += 1;
      const leave = feed.join();
      try {
        const from = await startingPosition(request, ports);
        await follow(from, response, { feed, patienceMilliseconds, draining: () => ports.state.draining() });
      } finally {
        leave();
        readers -= 1;
      }
    },
  };
}

/** @throws Problem USAGE, POSITION_GONE, DATABASE_UNAVAILABLE */
async function startingPosition(
  { headers }: IncomingMessage,
  { eventLog }: Pick<ApiPorts, "eventLog">,
): Promise<LogPosition> {
  const last = headers["last-event-id"];
  if (last === undefined || last === "") return eventLog.end();
  const position = typeof last === "string" ? readPosition(last) : null;
  const place = position === null ? "unknown" : await eventLog.examine(position);
  if (position !== null && place === "known") return position;
  if (place === "gone")
    throw new Problem("POSITION_GONE", "events after this Last-Event-ID are no longer in the database");
  throw new Problem(
    "USAGE",
    "Last-Event-ID is not the id of an event that this database sent: leave it out to begin with what happens now",
  );
}

interface Following {
  readonly feed: EventFeed;
  readonly patienceMilliseconds: number;
  readonly draining: () => boolean;
}

/** Resolves when the stream is over. */
async function follow(from: LogPosition, response: ServerResponse, following: Following): Promise<void> {
  const { feed, patienceMilliseconds: patience, draining } = following;
  const closed = openStream(response);
  // Who is cut off before the first event comes back to here.
  response.write(`id: ${positionText(from)}\n\n`);
  let position = from;
  let silentSince = performance.now();
  while (!closed.aborted && !draining()) {
    const looked = feed.looked();
    const messages = await next(feed, position);
    for (const message of messages) {
      if (!(await write(response, message.text, closed, patience))) return endSlow(response, patience);
      position = message.position;
    }
    if (messages.length > 0) silentSince = performance.now();
    else await looked;
    if (performance.now() - silentSince < heartbeatMilliseconds) continue;
    if (!(await write(response, ": nothing new\n\n", closed, patience))) return endSlow(response, patience);
    silentSince = performance.now();
  }
  response.end();
}

/** A database that is away ends no stream: the reader would only come back and ask again. */
async function next(feed: EventFeed, position: LogPosition) {
  try {
    return await feed.after(position);
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code !== "DATABASE_UNAVAILABLE") throw problem;
    return [];
  }
}

/** What it has been given reaches it if it goes on reading; who has gone away silently is cut off. */
function endSlow(response: ServerResponse, patienceMilliseconds: number): void {
  const seconds = patienceMilliseconds / 1_000;
  response.end(`: closed, because nothing was taken for ${seconds} s; come back with Last-Event-ID\n\n`);
  const timer = setTimeout(() => response.destroy(), patienceMilliseconds);
  response.once("close", () => clearTimeout(timer));
}
