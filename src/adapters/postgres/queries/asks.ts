// Executions that wait for people's approval: taken for a while, told, and told again after the time that their guards want.
import type { DueAsk } from "../../../controller/escalation-ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

/** Of two who take the same, the second finds that it is not due any more. */
export async function takeDueAsks(sql: Sql, limit: number, claimSeconds: number): Promise<readonly DueAsk[]> {
  const rows = await sql.query<{ id: string; claim: string; attempts: number; told: number }>(
    `with due as materialized (
       select e.id from executions e left join asks a on a.execution_id = e.id
       where e.outcome is null and e.phase = 'awaiting_approval' and (a.execution_id is null or a.due_at <= now())
         and ${isReadable("e.id", "$3")}
       order by e.id limit $1::integer
     )
     insert into asks as a (execution_id, due_at, claim)
     select id, now() + $2::double precision * interval '1 second', 1 from due
     on conflict (execution_id) do update set due_at = excluded.due_at, claim = a.claim + 1 where a.due_at <= now()
     returning execution_id::text as id, claim, attempts, told`,
    [limit, claimSeconds, knownEventsText()],
  );
  return rows.map(({ id, claim, attempts, told }) => ({
    executionId: id,
    claim: Number(claim),
    attempts,
    told,
  }));
}

/** @param againSeconds null: not again */
export async function askTold(
  sql: Sql,
  { executionId, told }: DueAsk,
  againSeconds: number | null,
): Promise<void> {
  await sql.query(
    `update asks set told = told + 1, attempts = 0, problem = null,
       due_at = now() + $3::double precision * interval '1 second'
     where execution_id = $1::uuid and told = $2::integer`,
    [executionId, told, againSeconds],
  );
}

export async function putOffAsk(
  sql: Sql,
  { executionId, claim }: DueAsk,
  problem: string,
  seconds: number,
): Promise<void> {
  await sql.query(
    `update asks set due_at = now() + $4::double precision * interval '1 second', attempts = attempts + 1, problem = $3::text
     where execution_id = $1::uuid and claim = $2::bigint`,
    [executionId, claim, problem, seconds],
  );
}
