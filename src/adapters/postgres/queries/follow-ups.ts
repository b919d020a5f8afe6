// What was left in place until an incident is over. Taken by moving its time on: a crash of whoever took it makes it due again.
import type { DueFollowUp } from "../../../controller/follow-up-ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

/** An incident without alerts (a start by hand) ends by nothing: whoever started it is told when its time is over. */
const isOver = `
i.closed_at is not null
and not exists (select from incidents o where o.key = i.key and o.closed_at is null)
and exists (select from alerts a where a.incident_id = i.id)
and not exists (select from alerts a where a.incident_id = i.id and a.status <> 'resolved')`;

export async function takeDueFollowUps(
  sql: Sql,
  limit: number,
  claimSeconds: number,
): Promise<readonly DueFollowUp[]> {
  const rows = await sql.query<{
    id: string;
    claim: string;
    expired: boolean;
    key: string;
    problem: string | null;
  }>(
    `with due as materialized (
       select f.execution_id, f.keep_until <= now() as expired, i.key
       from follow_ups f join executions e on e.id = f.execution_id join incidents i on i.id = e.incident_id
       where f.due_at <= now() and (f.keep_until <= now() or (${isOver})) and ${isReadable("f.execution_id", "$3")}
       order by f.due_at limit $1::integer for update of f skip locked
     )
     update follow_ups f set due_at = now() + $2::double precision * interval '1 second', claim = f.claim + 1
     from due where f.execution_id = due.execution_id
     returning f.execution_id::text as id, f.claim, due.expired, due.key, f.problem`,
    [limit, claimSeconds, knownEventsText()],
  );
  return rows.map(({ id, claim, expired, key, problem }) => ({
    executionId: id,
    claim: Number(claim),
    expired,
    incidentKey: key,
    problem,
  }));
}

export async function putOffFollowUp(
  sql: Sql,
  { executionId, claim }: DueFollowUp,
  problem: string,
  seconds: number,
): Promise<void> {
  await sql.query(
    `update follow_ups set due_at = now() + $4::double precision * interval '1 second', problem = $3::text
     where execution_id = $1::uuid and claim = $2::bigint and due_at is not null`,
    [executionId, claim, problem, seconds],
  );
}

/** false: somebody else has it, or has begun it, or its incident is open again. */
export async function lockFollowUp(sql: Sql, { executionId, claim, expired }: DueFollowUp): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from follow_ups f join executions e on e.id = f.execution_id join incidents i on i.id = e.incident_id
     where f.execution_id = $1::uuid and f.claim = $2::bigint and f.due_at is not null and ($3::boolean or (${isOver}))
     for update of f`,
    [executionId, claim, expired],
  );
  return rows.length > 0;
}

/** Inside the transaction that has locked it. */
export async function endFollowUp(sql: Sql, { executionId }: DueFollowUp): Promise<void> {
  await sql.query("update follow_ups set due_at = null, problem = null where execution_id = $1::uuid", [
    executionId,
  ]);
}
