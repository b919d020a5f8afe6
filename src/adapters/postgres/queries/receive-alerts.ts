// One delivery, or a part of it that names each firing once: opens, repeats and resolves firings and tells the executions of
// what was resolved. Two statements: the second one sees what those have committed whom the first one waited for.
import type { Alert } from "../../../domain/facts/alert.ts";
import type { Sql } from "../sql.ts";

/** Recorded like any other alert, never due: one says that alerting works, the other only inhibits. */
export const quietAlerts = ["Watchdog", "InfoInhibitor"];

const input = `
with input as materialized (
  select * from json_to_recordset($1::json) as i(cluster text, fingerprint text, status text, name text, severity text,
    labels jsonb, annotations jsonb, "startsAt" timestamptz, "endsAt" timestamptz, source text, sanitised boolean)
)`;

// In the order of the key, so that two receivers never wait for each other in a circle.
const lockKnown = `${input}
select a.id from alerts a join input i on a.cluster = i.cluster and a.fingerprint = i.fingerprint
where a.status <> 'resolved'
order by a.cluster, a.fingerprint
for update of a`;

// A firing that is not after the last end is late news; so is a resolve that is older than the open firing. A resolve of
// something never seen is kept as a past firing, so that its late firing opens nothing.
const apply = `${input}, known as materialized (
  select a.id, i.status as said, i."endsAt" as ends_at
  from input i join alerts a on a.cluster = i.cluster and a.fingerprint = i.fingerprint
  where a.status <> 'resolved'
), repeated as (
  update alerts a
  set last_received_at = now(), status = 'open',
    decide_at = case
      when a.status = 'open' or a.name = any($2::text[]) then a.decide_at
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
    select from alerts a where a.cluster = i.cluster and a.fingerprint = i.fingerprint and a.status <> 'resolved'
  ) and not exists (
    select from alerts p where p.cluster = i.cluster and p.fingerprint = i.fingerprint and p.status = 'resolved'
      and p.ends_at >= case when i.status = 'firing' then i."startsAt" else coalesce(i."endsAt", i."startsAt") end
  )
), opened as (
  insert into alerts (cluster, fingerprint, name, severity, labels, annotations, source, sanitised, status,
    starts_at, ends_at, resolved_at, decide_at)
  select cluster, fingerprint, name, severity, labels, annotations, source, sanitised,
    case status when 'firing' then 'open' else 'resolved' end, "startsAt",
    case status when 'resolved' then coalesce("endsAt", now()) end,
    case status when 'resolved' then now() end,
    case when status = 'firing' and name <> all($2::text[]) then now() end
  from news order by cluster collate "C", fingerprint collate "C"
  on conflict (cluster, fingerprint) where status <> 'resolved' do nothing
  returning status
)
select (select count(*) from opened where status = 'open')::integer as opened,
  (select count(*) from closed)::integer as resolved`;

export interface Applied {
  readonly opened: number;
  readonly resolved: number;
}

/** `alerts` names each (cluster, fingerprint) at most once. Inside a transaction. */
export async function receiveAlerts(sql: Sql, alerts: readonly Alert[]): Promise<Applied> {
  const body = JSON.stringify(alerts);
  await sql.query(lockKnown, [body]);
  const rows = await sql.query<{ opened: number; resolved: number }>(apply, [body, quietAlerts]);
  return rows[0] ?? { opened: 0, resolved: 0 };
}
