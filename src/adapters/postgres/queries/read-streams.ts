// Everything that is stored about some executions, as it was at one moment, so that it can be compared while replicas work.
import type { ExecutionRow, StoredStream } from "../../../controller/examine-stream.ts";
import { snapshotShape } from "../../../domain/execution/snapshot.ts";
import type { Sql } from "../sql.ts";

/** Ids of executions and of events, whichever there are; not those that retention is removing. */
async function readIds(sql: Sql, after: string | null, limit: number): Promise<readonly string[]> {
  const rows = await sql.query<{ id: string }>(
    `select id::text from (
       (select id from executions where $1::uuid is null or id > $1::uuid order by id limit $2::integer)
       union
       (select distinct execution_id from events where $1::uuid is null or execution_id > $1::uuid
        order by execution_id limit $2::integer)
     ) known
     where not exists (select from retired r where known.id >= r.lower_id and known.id < r.upper_id)
     order by known.id limit $2::integer`,
    [after, limit],
  );
  return rows.map(({ id }) => id);
}

/** Inside a transaction of its own, before anything else in it. */
export async function readStreams(
  sql: Sql,
  after: string | null,
  limit: number,
): Promise<readonly StoredStream[]> {
  await sql.query("set transaction isolation level repeatable read, read only");
  const ids = await readIds(sql, after, limit);
  const of = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    Map.groupBy(await sql.query<Row & { id: string }>(text, [ids, ...values]), ({ id }) => id);
  const rows = await of<ExecutionRow>(
    `select id::text, version, phase, outcome, escalated, mode, template, incident_id as "incidentId"
     from executions where id = any($1::uuid[])`,
  );
  const events = await of<StoredStream["events"][number]>(
    `select execution_id::text as id, seq, type, version, text from events
     where execution_id = any($1::uuid[]) order by execution_id, seq`,
  );
  const milestones = await of<{ seq: number }>(
    "select execution_id::text as id, seq from audit_outbox where execution_id = any($1::uuid[])",
  );
  const claims = await of<{ key: string }>(
    "select execution_id::text as id, key from claims where execution_id = any($1::uuid[])",
  );
  const snapshots = await of<{ seq: number; text: string }>(
    `select execution_id::text as id, seq, text from snapshots
     where execution_id = any($1::uuid[]) and shape = $2::text`,
    [snapshotShape],
  );
  const records = await of<NonNullable<StoredStream["record"]>>(
    `select execution_id::text as id, head, lines, first_previous as "firstPrevious" from records
     where execution_id = any($1::uuid[])`,
  );
  const assessed = await of(
    "select execution_id::text as id from assessments where execution_id = any($1::uuid[])",
  );
  const followed = await of(
    "select execution_id::text as id from follow_ups where execution_id = any($1::uuid[])",
  );
  return ids.map((id) => ({
    id,
    row: rows.get(id)?.[0] ?? null,
    events: events.get(id) ?? [],
    milestones: (milestones.get(id) ?? []).map(({ seq }) => seq),
    claims: (claims.get(id) ?? []).map(({ key }) => key),
    snapshot: snapshots.get(id)?.[0] ?? null,
    record: records.get(id)?.[0] ?? null,
    hasAssessment: assessed.has(id),
    hasFollowUp: followed.has(id),
  }));
}
