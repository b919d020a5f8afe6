// A verdict after the end, in one statement. Nobody owns an ended execution: the claim of the round and the version of the
// stream fence it, so that of two replicas one appends. Firings are locked in the order in which receivers lock them.
import type { Assessments } from "../../../controller/ports.ts";
import { canonicalJson } from "../../../domain/json.ts";
import type { Sql } from "../sql.ts";

/** false: the claim is stale or the stream has moved on; nothing was written. */
export async function commitAssessment(
  sql: Sql,
  ...[due, made, stillFiring]: Parameters<Assessments["commit"]>
): Promise<boolean> {
  const { verdict, round, again } = made.event;
  const rows = await sql.query(
    `with moved as (
       update executions e set version = $3::integer, updated_at = now()
       where e.id = $1::uuid and e.version = $3::integer - 1 and e.outcome is not null
         and exists (select from assessments a where a.execution_id = e.id and a.claim = $2::bigint and a.due_at is not null)
       returning e.id, e.ended_at + e.cooldown_seconds * interval '1 second' as rested_at
     ), judged as (
       update assessments a
       set claim = a.claim + 1, verdict = $4::text, made_at = now(), tried_at = null,
         round = case when $6::timestamptz is null then a.round else $5::integer + 1 end, due_at = $6::timestamptz
       from moved where a.execution_id = moved.id
     ), written as (
       insert into events (execution_id, seq, at, type, version, event, text)
       select id, $3::integer, $7::timestamptz, 'AssessmentMade', $8::integer, $9::jsonb -> 'event', $9::text from moved
     ), recorded as (
       insert into audit_outbox (execution_id, milestone, seq) select id, 'assessed', $3::integer from moved
     ), firing as materialized (
       select a.id, moved.rested_at from moved, alerts a
       where a.id = any($10::bigint[]) and a.status = 'open' and a.decide_at is null
         and not exists (select from executions l where l.id = a.execution_id and l.outcome is null)
       order by a.cluster, a.fingerprint for update of a
     ), woken as (
       update alerts a set decide_at = greatest(now(), f.rested_at), undecided_count = 0 from firing f where a.id = f.id
     )
     select 1 from moved`,
    [
      due.executionId,
      due.claim,
      made.seq,
      verdict,
      round,
      again,
      made.at,
      made.version,
      canonicalJson(made),
      stillFiring,
    ],
  );
  return rows.length > 0;
}
