// Claims due assessments for a while by moving their time on: a crash of whoever took them makes them due again.
import type { DueAssessment } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

/** Skips what another replica is taking, and what only another version of gitmend can read. */
export async function takeDueAssessments(
  sql: Sql,
  limit: number,
  claimSeconds: number,
): Promise<readonly DueAssessment[]> {
  const rows = await sql.query<{ id: string; claim: string; round: number; waited: number }>(
    `with due as materialized (
       select execution_id from assessments a where due_at <= now() and ${isReadable("a.execution_id", "$3")}
       order by due_at limit $1::integer for update skip locked
     )
     update assessments a
     set due_at = now() + $2::double precision * interval '1 second', claim = a.claim + 1,
       tried_at = coalesce(a.tried_at, now())
     from due where a.execution_id = due.execution_id
     returning a.execution_id::text as id, a.claim, a.round,
       extract(epoch from now() - a.tried_at)::double precision as waited`,
    [limit, claimSeconds, knownEventsText()],
  );
  return rows.map(({ id, claim, round, waited }) => ({
    executionId: id,
    claim: Number(claim),
    round,
    waitedSeconds: waited,
  }));
}

/** Nothing could be said: it is looked at again in `seconds`, unless somebody else has taken it meanwhile. */
export async function putOffAssessment(
  sql: Sql,
  { executionId, claim }: Pick<DueAssessment, "executionId" | "claim">,
  seconds: number,
): Promise<void> {
  await sql.query(
    `update assessments set due_at = now() + $3::double precision * interval '1 second'
     where execution_id = $1::uuid and claim = $2::bigint and due_at is not null`,
    [executionId, claim, seconds],
  );
}
