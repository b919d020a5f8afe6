// The events of one execution, exactly as they were written: from the text, which is what was hashed.
import type { RecordedEvent } from "../../../domain/execution/events.ts";
import type { Sql } from "../sql.ts";

export async function readEvents(sql: Sql, id: string, after = 0): Promise<readonly RecordedEvent[]> {
  const rows = await sql.query<{ text: string }>(
    "select text from events where execution_id = $1::uuid and seq > $2::integer order by seq",
    [id, after],
  );
  return rows.map(({ text }) => JSON.parse(text) as RecordedEvent);
}
