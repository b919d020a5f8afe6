// Escalations: taken for a while, told or put off, and seen by a person.
import type { DueEscalation, EscalationState } from "../../../controller/escalation-ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

/** For a list of executions: the column `escalation` of the row whose `id` it reads. */
export const escalationColumn = `case when escalated then (
    select jsonb_build_object('told_at', told_at, 'channel', channel, 'attempts', attempts, 'problem', problem,
      'seen_at', seen_at, 'seen_by', seen_by, 'seen_reason', seen_reason)
    from escalations x where x.execution_id = id) end as escalation`;

export const isUntold =
  "id in (select execution_id from escalations where told_at is null and seen_at is null)";
export const isSeen =
  "exists (select from escalations s where s.execution_id = id and s.seen_at is not null)";

export interface EscalationRow {
  readonly told_at: string | null;
  readonly channel: string | null;
  readonly attempts: number;
  readonly problem: string | null;
  readonly seen_at: string | null;
  readonly seen_by: string | null;
  readonly seen_reason: string | null;
}

export function escalationState(row: EscalationRow | null): EscalationState | null {
  if (row === null) return null;
  const { told_at, channel, attempts, problem, seen_at, seen_by, seen_reason } = row;
  return {
    toldAt: told_at === null ? null : new Date(told_at).toISOString(),
    channel,
    attempts,
    problem,
    seen:
      seen_at === null
        ? null
        : { at: new Date(seen_at).toISOString(), by: seen_by ?? "", reason: seen_reason ?? "" },
  };
}

/** What was never tried within a day is not sent any more: a channel that is configured for the first time gets no flood. */
export async function takeDueEscalations(
  sql: Sql,
  limit: number,
  claimSeconds: number,
): Promise<readonly DueEscalation[]> {
  const rows = await sql.query<{ id: string; claim: string; attempts: number }>(
    `with due as materialized (
       select execution_id from escalations x
       where due_at <= now() and told_at is null and seen_at is null
         and (attempts > 0 or escalated_at > now() - interval '1 day') and ${isReadable("x.execution_id", "$3")}
       order by due_at limit $1::integer for update skip locked
     )
     update escalations x set due_at = now() + $2::double precision * interval '1 second', claim = x.claim + 1
     from due where x.execution_id = due.execution_id
     returning x.execution_id::text as id, x.claim, x.attempts`,
    [limit, claimSeconds, knownEventsText()],
  );
  return rows.map(({ id, claim, attempts }) => ({ executionId: id, claim: Number(claim), attempts }));
}

/** Whoever was reached was reached: an older claim counts too. */
export async function escalationTold(
  sql: Sql,
  { executionId }: DueEscalation,
  channel: string,
): Promise<void> {
  await sql.query(
    `update escalations set told_at = now(), channel = $2::text, attempts = attempts + 1, problem = null
     where execution_id = $1::uuid and told_at is null`,
    [executionId, channel],
  );
}

export async function putOffEscalation(
  sql: Sql,
  { executionId, claim }: DueEscalation,
  problem: string,
  seconds: number,
): Promise<void> {
  await sql.query(
    `update escalations
     set due_at = now() + $4::double precision * interval '1 second', attempts = attempts + 1, problem = $3::text
     where execution_id = $1::uuid and claim = $2::bigint and told_at is null`,
    [executionId, claim, problem, seconds],
  );
}

/** What ended before there were escalations gets its row now. */
export async function acknowledgeEscalation(
  sql: Sql,
  executionId: string,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<boolean> {
  const rows = await sql.query(
    `insert into escalations (execution_id, seen_at, seen_by, seen_reason)
     select id, now(), $2::text, $3::text from executions where id = $1::uuid and escalated and outcome is not null
     on conflict (execution_id) do update set seen_at = coalesce(escalations.seen_at, excluded.seen_at),
       seen_by = coalesce(escalations.seen_by, excluded.seen_by),
       seen_reason = coalesce(escalations.seen_reason, excluded.seen_reason)
     returning 1`,
    [executionId, by, reason],
  );
  return rows.length > 0;
}
