// What nobody waits for: firings that nobody delivers any more, wake-ups that a race has lost, leftovers. Each statement is
// harmless when repeated and when several replicas run it.
import type { Retention } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

/** Open firings not delivered for `$1` seconds start nothing any more. */
const markStale = `
with silent as materialized (
  select id from alerts
  where status = 'open' and last_received_at <= now() - $1::double precision * interval '1 second'
  order by cluster, fingerprint for update
)
update alerts a set status = 'stale', decide_at = null, unmatched_revision = null, token = a.token + 1
from silent where a.id = silent.id`;

/** A firing that joined while its execution ended, or whose execution ended while it was stale. */
const wakeForgotten = `
with forgotten as materialized (
  select a.id, e.ended_at + e.cooldown_seconds * interval '1 second' as at
  from alerts a join executions e on e.id = a.execution_id
  where a.status = 'open' and a.decide_at is null and a.unmatched_revision is null and e.outcome is not null
  order by a.cluster, a.fingerprint for update of a
)
update alerts a set decide_at = f.at from forgotten f where a.id = f.id`;

/** A decision "no match" that was committed while the catalog changed. */
const wakeOutdated = `
with outdated as materialized (
  select a.id from alerts a, catalog c
  where a.status = 'open' and a.decide_at is null and a.unmatched_revision <> c.revision
  order by a.cluster, a.fingerprint for update of a
)
update alerts a set decide_at = now() from outdated o where a.id = o.id`;

const leftovers = [
  "delete from commands c using executions e where e.id = c.execution_id and e.outcome is not null",
  "delete from claims c using executions e where e.id = c.execution_id and e.outcome is not null",
  `update incidents i set closed_at = now()
   where closed_at is null and opened_at < now() - interval '15 minutes'
     and not exists (select from executions e where e.incident_id = i.id and e.outcome is null)
     and not exists (
       select from alerts a where a.incident_id = i.id
         and (a.status = 'open' or a.resolved_at > now() - interval '15 minutes')
     )`,
  `delete from replicas r
   where expires_at < now() - interval '1 hour'
     and not exists (select from executions e where e.owner = r.id and e.outcome is null)`,
  "delete from deliveries where received_at < now() - interval '7 days'",
  "delete from watchdogs where last_at < now() - interval '7 days'",
];

/** Older than `$1` seconds, at most `$2` rows: what is more goes in the next rounds. */
const forgetDeadLetters = `
delete from dead_letters where id in (
  select id from dead_letters where received_at < now() - $1::double precision * interval '1 second'
  order by received_at limit $2::integer
)`;

const forgetEvidence = `
delete from evidence where ctid = any (array(
  select ctid from evidence where saved_at < now() - $1::double precision * interval '1 second'
  order by saved_at limit $2::integer
))`;

const forgetBodies = `
update deliveries set body = null where id in (
  select id from deliveries
  where body is not null and received_at < now() - $1::double precision * interval '1 second'
  order by received_at limit $2::integer for update skip locked
)`;

/** With the decisions about them. A stale firing that nobody resolved is as old as its last delivery. */
const forgetAlerts = `
with past as materialized (
  select id from alerts where status = 'resolved' and resolved_at < now() - $1::double precision * interval '1 second'
  order by resolved_at limit $2::integer for update skip locked
), silent as materialized (
  select id from alerts where status = 'stale' and last_received_at < now() - $1::double precision * interval '1 second'
  limit $2::integer for update skip locked
), old as (
  select id from past union all select id from silent
), decided as (
  delete from decisions d using old where d.alert_id = old.id
)
delete from alerts a using old where a.id = old.id`;

const batchRows = 5_000;

export async function keepHouse(sql: Sql, staleSeconds: number, retention: Retention): Promise<void> {
  await sql.query(markStale, [staleSeconds]);
  await sql.query(wakeForgotten);
  await sql.query(wakeOutdated);
  for (const statement of leftovers) await sql.query(statement);
  await sql.query(forgetDeadLetters, [retention.deadLettersSeconds, batchRows]);
  await sql.query(forgetAlerts, [retention.alertsSeconds, batchRows]);
  await sql.query(forgetBodies, [retention.bodiesSeconds, batchRows]);
  await sql.query(forgetEvidence, [retention.evidenceSeconds, batchRows]);
}
