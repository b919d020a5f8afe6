// The state of an execution: its newest snapshot that can be used, and the events after it. A snapshot that says more than the
// events do (an older backup of one of them) is not used.
import type { RecordedEvent } from "../../../domain/execution/events.ts";
import { evolve } from "../../../domain/execution/evolve.ts";
import { type Execution, newExecution } from "../../../domain/execution/execution.ts";
import { readSnapshot, snapshotShape, snapshotText } from "../../../domain/execution/snapshot.ts";
import type { Sql } from "../sql.ts";
import { readEvents, recordedEvent } from "./read-events.ts";

export async function readState(sql: Sql, id: string): Promise<Execution> {
  const rows = await sql.query<{ seq: number; text: string; is_snapshot: boolean }>(
    `with cached as materialized (
       select s.seq, s.text from snapshots s
       where s.execution_id = $1::uuid and s.shape = $2::text
         and s.seq <= (select max(seq) from events where execution_id = $1::uuid)
     )
     select seq, text, true as is_snapshot from cached
     union all
     select seq, text, false from events
     where execution_id = $1::uuid and seq > coalesce((select seq from cached), 0)
     order by is_snapshot desc, seq`,
    [id, snapshotShape],
  );
  const [first] = rows;
  if (first?.is_snapshot !== true) return folded(newExecution, rows.map(eventOf));
  const cached = readSnapshot(first.text);
  if (cached?.version !== first.seq) return folded(newExecution, await readEvents(sql, id));
  return folded(cached, rows.slice(1).map(eventOf));
}

function eventOf({ text }: { readonly text: string }): RecordedEvent {
  return recordedEvent(text);
}

function folded(state: Execution, events: readonly RecordedEvent[]): Execution {
  return events.reduce(evolve, state);
}

export async function saveSnapshot(sql: Sql, id: string, state: Execution): Promise<void> {
  await sql.query(
    `insert into snapshots (execution_id, seq, shape, text) values ($1::uuid, $2::integer, $3::text, $4::text)
     on conflict (execution_id) do update set seq = excluded.seq, shape = excluded.shape, text = excluded.text
     where snapshots.seq < excluded.seq or snapshots.shape <> excluded.shape`,
    [id, state.version, snapshotShape, snapshotText(state)],
  );
}
