// Executions whose approvals were lifted: taken for a while, each channel told, the rest put off.
import type { DueLift } from "../../../controller/escalation-ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

/** Given up after a day: whoever was not reached by then reads the record. */
export async function takeDueLifts(
  sql: Sql,
  limit: number,
  claimSeconds: number,
): Promise<readonly DueLift[]> {
  const rows = await sql.query<{ id: string; claim: string; attempts: number; told: string[] }>(
    `with due as materialized (
       select execution_id from lifts x
       where due_at <= now() and lifted_at > now() - interval '1 day' and ${isReadable("x.execution_id", "$3")}
       order by due_at limit $1::integer for update skip locked
     )
     update lifts x set due_at = now() + $2::double precision * interval '1 second', claim = x.claim + 1
     from due where x.execution_id = due.execution_id
     returning x.execution_id::text as id, x.claim, x.attempts, x.told`,
    [limit, claimSeconds, knownEventsText()],
  );
  return rows.map(({ id, claim, attempts, told }) => ({
    executionId: id,
    claim: Number(claim),
    attempts,
    told,
  }));
}

/** Whoever was reached was reached: an older claim counts too. */
export async function liftTold(sql: Sql, { executionId }: DueLift, channel: string): Promise<void> {
  await sql.query(
    "update lifts set told = array_append(told, $2::text) where execution_id = $1::uuid and not $2::text = any(told)",
    [executionId, channel],
  );
}

/** @param seconds null: everybody was told */
export async function putOffLift(
  sql: Sql,
  { executionId, claim }: DueLift,
  problem: string | null,
  seconds: number | null,
): Promise<void> {
  await sql.query(
    `update lifts set due_at = now() + $4::double precision * interval '1 second', attempts = attempts + 1, problem = $3::text
     where execution_id = $1::uuid and claim = $2::bigint`,
    [executionId, claim, problem, seconds],
  );
}
