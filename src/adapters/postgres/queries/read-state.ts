// The states of executions: the newest snapshot of each that can be used, and the events after it. A snapshot that says more than
// the events do (an older backup of one of them) is not used.
import type { RecordedEvent } from "../../../domain/execution/events.ts";
import { evolve } from "../../../domain/execution/evolve.ts";
import { type Execution, newExecution } from "../../../domain/execution/execution.ts";
import { readSnapshot, snapshotShape, snapshotText } from "../../../domain/execution/snapshot.ts";
import { toProblem } from "../../../domain/problem.ts";
import type { Sql } from "../sql.ts";
import { readEvents, recordedEvent } from "./read-events.ts";

interface StoredRow {
  readonly id: string;
  readonly seq: number;
  readonly text: string;
  readonly is_snapshot: boolean;
}

/** One for each of `ids`, in their order: a problem where that one can't be read, so that it holds back no other. */
export async function readStates(sql: Sql, ids: readonly string[]): Promise<readonly (Execution | Error)[]> {
  const rows = await sql.query<StoredRow>(
    `with cached as materialized (
       select s.execution_id, s.seq, s.text from snapshots s
       where s.execution_id = any($1::uuid[]) and s.shape = $2::text
         and s.seq <= (select max(seq) from events where execution_id = s.execution_id)
     )
     select execution_id::text as id, seq, text, true as is_snapshot from cached
     union all
     select e.execution_id::text, e.seq, e.text, false from events e left join cached c using (execution_id)
     where e.execution_id = any($1::uuid[]) and e.seq > coalesce(c.seq, 0)
     order by is_snapshot desc, seq`,
    [ids, snapshotShape],
  );
  const streams = Map.groupBy(rows, ({ id }) => id);
  return Promise.all(ids.map((id) => stateOf(sql, id, streams.get(id.toLowerCase()) ?? []).catch(toProblem)));
}

async function stateOf(sql: Sql, id: string, rows: readonly StoredRow[]): Promise<Execution> {
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
