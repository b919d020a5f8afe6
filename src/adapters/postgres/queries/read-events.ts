// The events of executions, from the text, which is what was hashed.
import { upcast } from "../../../domain/execution/event-versions.ts";
import type { RecordedEvent } from "../../../domain/execution/events.ts";
import type { Sql } from "../sql.ts";

export async function readEvents(sql: Sql, id: string, after = 0): Promise<readonly RecordedEvent[]> {
  const rows = await sql.query<{ text: string }>(
    "select text from events where execution_id = $1::uuid and seq > $2::integer order by seq",
    [id, after],
  );
  return rows.map(({ text }) => recordedEvent(text));
}

/** In its present shape. @throws Problem EVENT_UNKNOWN */
export function recordedEvent(text: string): RecordedEvent {
  return upcast(JSON.parse(text) as RecordedEvent);
}

/** By execution id, as they were stored: that is what is hashed; without those that do not exist. */
export async function readStreams(
  sql: Sql,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
  const rows = await sql.query<{ id: string; text: string }>(
    `select execution_id::text as id, text from events where execution_id = any($1::uuid[]) order by execution_id, seq`,
    [[...new Set(ids)]],
  );
  const streams = new Map<string, RecordedEvent[]>();
  for (const { id, text } of rows) {
    const recorded = JSON.parse(text) as RecordedEvent;
    const stream = streams.get(id);
    if (stream === undefined) streams.set(id, [recorded]);
    else stream.push(recorded);
  }
  return streams;
}
