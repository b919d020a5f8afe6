// The events of all executions by (transaction, execution, seq), below the oldest transaction that still runs: whatever that or a
// later one writes stands after everything that was read. A transaction that runs for long in any database of the server, and has
// written something, holds them back; none is lost.
import type { LoggedEvent } from "../../../controller/event-log.ts";
import { upcast } from "../../../domain/execution/event-versions.ts";
import type { RecordedEvent } from "../../../domain/execution/events.ts";
import { beforeTransaction, isOfEvent, type LogPosition } from "../../../domain/execution/log-position.ts";
import { toProblem } from "../../../domain/problem.ts";
import type { Sql } from "../sql.ts";

export async function logEnd(sql: Sql): Promise<LogPosition> {
  const [row] = await sql.query<{ xid: string }>(
    "select pg_snapshot_xmin(pg_current_snapshot())::text as xid",
  );
  return beforeTransaction(BigInt(row?.xid ?? 0));
}

/** Ahead of this database is what another one gave, or this one before it was restored from a backup. */
export async function examinePosition(
  sql: Sql,
  position: LogPosition,
): Promise<"known" | "unknown" | "gone"> {
  const { xid, executionId, seq } = position;
  const [row] = await sql.query<{ ahead: boolean; gone: boolean; found: boolean }>(
    `select $1::xid8 > pg_snapshot_xmin(pg_current_snapshot()) as ahead,
       exists (select from retired where dropped_at is not null and last_xid >= $1::xid8) as gone,
       exists (select from events where execution_id = $2::uuid and seq = $3::integer and xid = $1::xid8) as found`,
    [String(xid), executionId, seq],
  );
  if (row === undefined || row.ahead) return "unknown";
  if (row.gone) return "gone";
  return row.found || !isOfEvent(position) ? "known" : "unknown";
}

export async function readLog(
  sql: Sql,
  { xid, executionId, seq }: LogPosition,
  limit: number,
): Promise<readonly LoggedEvent[]> {
  const rows = await sql.query<{ xid: string; id: string; seq: number; text: string }>(
    `select xid::text as xid, execution_id::text as id, seq, text from events
     where xid >= $1::xid8 and xid < pg_snapshot_xmin(pg_current_snapshot())
       and (xid > $1::xid8 or (execution_id, seq) > ($2::uuid, $3::integer))
     order by events.xid, execution_id, seq limit $4::integer`,
    [String(xid), executionId, seq, limit],
  );
  return rows.map((row) => ({
    position: { xid: BigInt(row.xid), executionId: row.id, seq: row.seq },
    event: presentOrStored(JSON.parse(row.text) as RecordedEvent),
  }));
}

/** A newer version beside this one must not stop everybody who follows. */
function presentOrStored(recorded: RecordedEvent): RecordedEvent {
  try {
    return upcast(recorded);
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code !== "EVENT_UNKNOWN") throw problem;
    return recorded;
  }
}
