// Those who may approve because nobody has decided in time: taken for a while, told once, put off.
import type { DueNextAsk } from "../../../controller/escalation-ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

/** Given up after a day: no approval is waited for that long without people hearing of its end. */
export async function takeDueNextAsks(
  sql: Sql,
  limit: number,
  claimSeconds: number,
): Promise<readonly DueNextAsk[]> {
  const rows = await sql.query<{ id: string; seq: number; claim: string; attempts: number }>(
    `with due as materialized (
       select execution_id, seq from next_asks x
       where due_at <= now() and asked_at > now() - interval '1 day' and ${isReadable("x.execution_id", "$3")}
       order by due_at limit $1::integer for update skip locked
     )
     update next_asks x set due_at = now() + $2::double precision * interval '1 second', claim = x.claim + 1
     from due where x.execution_id = due.execution_id and x.seq = due.seq
     returning x.execution_id::text as id, x.seq, x.claim, x.attempts`,
    [limit, claimSeconds, knownEventsText()],
  );
  return rows.map(({ id, seq, claim, attempts }) => ({
    executionId: id,
    seq,
    claim: Number(claim),
    attempts,
  }));
}

/** Whoever was reached was reached: an older claim counts too. */
export async function nextAskTold(sql: Sql, { executionId, seq }: DueNextAsk): Promise<void> {
  await sql.query(
    `update next_asks set due_at = null, attempts = attempts + 1, problem = null
     where execution_id = $1::uuid and seq = $2::integer`,
    [executionId, seq],
  );
}

export async function putOffNextAsk(
  sql: Sql,
  { executionId, seq, claim }: DueNextAsk,
  problem: string,
  seconds: number,
): Promise<void> {
  await sql.query(
    `update next_asks set due_at = now() + $5::double precision * interval '1 second', attempts = attempts + 1, problem = $4::text
     where execution_id = $1::uuid and seq = $2::integer and claim = $3::bigint`,
    [executionId, seq, claim, problem, seconds],
  );
}
