// One delivery, or a part of it that names each firing once: opens, repeats and resolves firings and tells the executions of
// what was resolved. Two statements: the second one sees what those have committed whom the first one waited for.
import type { Alert } from "../../../domain/facts/alert.ts";
import type { Sql } from "../sql.ts";

// In the order of the key, so that two receivers never wait for each other in a circle. `limit 1` here and below makes it one
// look into the index for each alert, whatever the planner thinks of reading the whole history instead.
const lockKnown = `
select i.cluster, i.fingerprint, a.status = 'open' and a.last_received_at > now() - interval '10 seconds' as fresh
from (select * from unnest($1::text[], $2::text[]) as u(cluster, fingerprint)
      order by cluster collate "C", fingerprint collate "C" offset 0) i
cross join lateral (
  select status, last_received_at from alerts a
  where a.cluster = i.cluster and a.fingerprint = i.fingerprint and a.status <> 'resolved'
  limit 1 for update
) a`;

// A firing that is not after the last end is late news; so is a resolve that is older than the open firing. A resolve of
// something never seen is kept as a past firing, so that its late firing opens nothing.
const apply = `
with input as materialized (
  select cluster, fingerprint, status, name, severity, labels, annotations, "startsAt" as starts_at, "endsAt" as ends_at,
    source, sanitised
  from jsonb_to_recordset($1::jsonb) as i(cluster text, fingerprint text, status text, name text, severity text,
    labels jsonb, annotations jsonb, "startsAt" timestamptz, "endsAt" timestamptz, source text, sanitised boolean)
), known as materialized (
  select a.id, i.cluster, i.fingerprint, i.status as said, i.ends_at
  from input i cross join lateral (
    select id from alerts a
    where a.cluster = i.cluster and a.fingerprint = i.fingerprint and a.status <> 'resolved'
    limit 1
  ) a
), repeated as (
  update alerts a
  set last_received_at = now(), status = 'open',
    decide_at = case
      when a.status = 'open' then a.decide_at
      when exists (select from executions e where e.id = a.execution_id and e.outcome is null) then a.decide_at
      else now() end
  from known k where a.id = k.id and k.said = 'firing'
), closed as (
  update alerts a
  set status = 'resolved', ends_at = coalesce(k.ends_at, now()), resolved_at = now(), last_received_at = now(),
    decide_at = null, token = a.token + 1
  from known k
  where a.id = k.id and k.said = 'resolved' and coalesce(k.ends_at, now()) >= a.starts_at
  returning a.execution_id, a.cluster, a.fingerprint, a.ends_at
), told as (
  insert into commands (execution_id, command)
  select c.execution_id, jsonb_build_object('type', 'alert-resolved', 'cluster', c.cluster, 'fingerprint', c.fingerprint,
    'endsAt', to_char(c.ends_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
  from closed c join executions e on e.id = c.execution_id and e.outcome is null
), news as (
  select i.* from input i
  where not exists (
    select from known k where k.cluster = i.cluster and k.fingerprint = i.fingerprint
  ) and coalesce(case i.status when 'firing' then i.starts_at else coalesce(i.ends_at, i.starts_at) end > (
    select max(p.ends_at) from alerts p
    where p.cluster = i.cluster and p.fingerprint = i.fingerprint and p.status = 'resolved'
  ), true)
), opened as (
  insert into alerts (cluster, fingerprint, name, severity, labels, annotations, source, sanitised, status,
    starts_at, ends_at, resolved_at, decide_at)
  select cluster, fingerprint, name, severity, labels, annotations, source, sanitised,
    case status when 'firing' then 'open' else 'resolved' end, starts_at,
    case status when 'resolved' then coalesce(ends_at, now()) end,
    case status when 'resolved' then now() end,
    case when status = 'firing' then now() end
  from news order by cluster collate "C", fingerprint collate "C"
  on conflict (cluster, fingerprint) where status <> 'resolved' do nothing
  returning cluster, fingerprint, status
)
select cluster, fingerprint, 'opened' as what from opened where status = 'open'
union all
select cluster, fingerprint, 'resolved' as what from closed`;

type Firing = Pick<Alert, "cluster" | "fingerprint">;

/** An alert that changed something; all others were known. */
export type Applied = Firing & { readonly what: "opened" | "resolved" };

/** Neither part can hold a NUL. */
export function firingKey({ cluster, fingerprint }: Firing): string {
  return `${cluster}\0${fingerprint}`;
}

/**
 * `alerts` names each (cluster, fingerprint) at most once. Inside a transaction. An open firing that is delivered again within
 * ten seconds is only locked: in a storm, writing each repetition would be most of the work.
 */
export async function receiveAlerts(sql: Sql, alerts: readonly Alert[]): Promise<readonly Applied[]> {
  const known = await sql.query<Firing & { readonly fresh: boolean }>(lockKnown, [
    alerts.map(({ cluster }) => cluster),
    alerts.map(({ fingerprint }) => fingerprint),
  ]);
  const fresh = new Set(known.filter((firing) => firing.fresh).map(firingKey));
  const news = alerts.filter((alert) => alert.status === "resolved" || !fresh.has(firingKey(alert)));
  if (news.length === 0) return [];
  // One JSON text: the driver takes five times as long to quote arrays of jsonb.
  return sql.query<Applied>(apply, [JSON.stringify(news)]);
}
