// The events of one execution as they become durable, as server-sent events: `id` is the seq, so that a reader that was cut
// off goes on where it was. The stream ends with the execution. It reads the database, so that any
// replica can serve any execution; news from the owner only make it look at once.
import type { ServerResponse } from "node:http";
import type { ExecutionStore } from "../../controller/ports.ts";
import type { Shared } from "../../controller/shared.ts";
import type { RecordedEvent } from "../../domain/execution/events.ts";
import { toProblem } from "../../domain/problem.ts";
import { heartbeatMilliseconds, openStream, waitFor, write } from "./server-sent.ts";
import { shownEvents } from "./shown-events.ts";

export interface StreamPorts {
  readonly executions: Pick<ExecutionStore, "events">;
  readonly news: Pick<Shared, "listen" | "hears">;
  draining(): boolean;
}

const pollMilliseconds = 300;
/** While the others are heard: news may get lost all the same. */
const heardPollMilliseconds = 2_000;

/**
 * @param from `after`: the seq that the reader has; `ended`: no event is to come. Resolves when the stream is over.
 */
export async function streamEvents(
  executionId: string,
  from: { readonly after: number; readonly ended: boolean },
  response: ServerResponse,
  ports: StreamPorts,
): Promise<void> {
  const closed = openStream(response);
  let news = Promise.withResolvers<void>();
  const stopListening = ports.news.listen(executionId, () => news.resolve());
  response.on("close", stopListening);
  let last = from.after;
  let silentSince = performance.now();
  while (!closed.aborted && !ports.draining()) {
    news = Promise.withResolvers();
    const events = await newEvents(executionId, last, ports);
    for (const event of events) await write(response, message(event), closed);
    last = events.at(-1)?.seq ?? last;
    if (from.ended || events.some(({ event }) => event.type === "Ended")) {
      response.end("event: end\ndata: {}\n\n");
      return;
    }
    if (events.length > 0) silentSince = performance.now();
    if (performance.now() - silentSince > heartbeatMilliseconds) {
      await write(response, ": nothing new\n\n", closed);
      silentSince = performance.now();
    }
    const pause = ports.news.hears() ? heardPollMilliseconds : pollMilliseconds;
    await waitFor(news.promise, pause, closed);
  }
  response.end();
}

/** A database that is away ends no stream: the reader would only come back and ask again. */
async function newEvents(id: string, after: number, { executions }: StreamPorts) {
  try {
    return shownEvents(await executions.events(id, after));
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code !== "DATABASE_UNAVAILABLE") throw problem;
    return [];
  }
}

function message(event: RecordedEvent): string {
  return `id: ${event.seq}\nevent: recorded\ndata: ${JSON.stringify(event)}\n\n`;
}
