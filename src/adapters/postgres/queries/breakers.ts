// Breakers: what trips them is counted from executions and verdicts, of all replicas, whenever something is about to start and
// every few seconds. Only setbacks are read, through indexes of their own, so a long quiet past costs nothing.
import type { BreakerQuestion } from "../../../controller/breaker-ports.ts";
import type { Said } from "../../../controller/pause-ports.ts";
import type { Notice } from "../../../controller/ports.ts";
import {
  type Breaker,
  type BreakerRule,
  setbackOutcomes,
  setbacksText,
} from "../../../domain/gate/breaker.ts";
import { neverRan } from "../../../domain/gate/limits.ts";
import type { Sql } from "../sql.ts";
import { recordControls } from "./controls.ts";

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly scope: Breaker["scope"];
  readonly template: string | null;
  readonly alert_name: string | null;
  readonly target_key: string | null;
  readonly cluster: string | null;
  readonly setbacks: number;
  readonly per_seconds: number;
  readonly last_execution: string;
  readonly tripped_at: Date;
  readonly reset_at: Date | null;
  readonly reset_by: string | null;
  readonly reset_reason: string | null;
}

const columns = `b.id, b.scope, b.template, b.alert_name, b.target_key, b.cluster, b.setbacks, b.per_seconds,
  b.last_execution::text, b.tripped_at, b.reset_at, b.reset_by, b.reset_reason`;

function breakerOf(row: Row): Breaker {
  const { reset_at, reset_by, reset_reason } = row;
  return {
    id: row.id,
    scope: row.scope,
    template: row.template,
    alertName: row.alert_name,
    target: row.target_key,
    cluster: row.cluster,
    setbacks: row.setbacks,
    perSeconds: row.per_seconds,
    lastExecution: row.last_execution,
    trippedAt: row.tripped_at.toISOString(),
    reset:
      reset_at === null
        ? null
        : { at: reset_at.toISOString(), by: reset_by ?? "", reason: reset_reason ?? "" },
  };
}

// The literal list of outcomes is the predicate of the index. What has ended is counted only where enough setbacks are.
const trip = `
with rules as (
  select * from jsonb_to_recordset($1::jsonb) as r(scope text, setbacks integer, "perSeconds" double precision)
), longest as (
  select now() - max("perSeconds") * interval '1 second' as since from rules
), setbacks as materialized (
  select e.id, e.template, e.alert_name, e.target_key, e.target_cluster as cluster, e.ended_at as at from executions e, longest
  where e.outcome in (${setbackOutcomes.map((outcome) => `'${outcome}'`).join(", ")}) and e.counts_in <> '{}'
    and e.ended_at > longest.since
  union all
  select e.id, e.template, e.alert_name, e.target_key, e.target_cluster, a.made_at
  from longest, assessments a join executions e on e.id = a.execution_id
  where a.verdict = 'ineffective' and a.made_at > longest.since and e.counts_in <> '{}'
    and e.outcome not in (${setbackOutcomes.map((outcome) => `'${outcome}'`).join(", ")})
), keyed as (
  select s.id, s.at, r.*,
    case r.scope when 'global' then 'global' when 'template' then 'template/' || s.template || '/' || s.cluster
      else 'target/' || s.template || '/' || s.alert_name || '/' || s.target_key end as scope_key,
    case when r.scope <> 'global' then s.template end as template,
    case when r.scope = 'target' then s.alert_name end as alert_name,
    case when r.scope = 'target' then s.target_key end as target_key,
    case when r.scope = 'template' then s.cluster end as cluster
  from setbacks s cross join rules r
  where s.at > now() - r."perSeconds" * interval '1 second' and s.target_key is not null
), due as materialized (
  select k.scope_key, k.scope, k."perSeconds" as per_seconds, k.template, k.alert_name, k.target_key, k.cluster,
    count(*)::integer as setbacks, max(k.id::text)::uuid as last_execution
  from keyed k
  where k.at > coalesce((select max(b.reset_at) from breakers b where b.scope_key = k.scope_key and b.reset_at is not null), '-infinity')
    and not exists (select from breakers b where b.scope_key = k.scope_key and b.reset_at is null)
  group by k.scope_key, k.scope, k."perSeconds", k.setbacks, k.template, k.alert_name, k.target_key, k.cluster
  having count(*) >= k.setbacks
)
insert into breakers as b (scope_key, scope, template, alert_name, target_key, cluster, setbacks, per_seconds, last_execution)
select scope_key, scope, template, alert_name, target_key, cluster, setbacks, per_seconds, last_execution from due d
where 2 * d.setbacks >= (
  select count(*) from executions e
  where e.counts_in <> '{}' and e.created_at > now() - d.per_seconds * interval '1 second'
    and e.outcome is not null and e.outcome <> all($2::text[])
    and (d.template is null or e.template = d.template) and (d.cluster is null or e.target_cluster = d.cluster)
    and (d.target_key is null or (e.target_key = d.target_key and e.alert_name = d.alert_name))
)
order by scope_key
on conflict (scope_key) where reset_at is null do nothing
returning ${columns}`;

/** Inside a transaction. */
export async function tripBreakers(sql: Sql, rules: readonly BreakerRule[]): Promise<readonly Breaker[]> {
  if (rules.length === 0) return [];
  const rows = await sql.query<Row>(trip, [JSON.stringify(rules), [...neverRan, "cancelled", "superseded"]]);
  const tripped = rows.map(breakerOf);
  await recordControls(
    sql,
    tripped.map((breaker) => ({ act: "trip", by: "gitmend", reason: setbacksText(breaker), breaker })),
  );
  return tripped;
}

/** The widest of those that are open. */
export async function holdingBreaker(
  sql: Sql,
  { template, alertName, target, cluster }: BreakerQuestion,
): Promise<(Breaker & { readonly told: boolean }) | null> {
  const rows = await sql.query<Row & { told: boolean }>(
    `select ${columns}, exists (select from notices n where n.key = 'breaker/' || b.id) as told
     from breakers b
     where b.reset_at is null and (
       b.scope = 'global'
       or (b.scope = 'template' and b.template = $1::text and b.cluster = $4::text)
       or (b.scope = 'target' and b.template = $1::text and b.target_key = $3::text
         and ($2::text is null or b.alert_name = $2::text))
     )
     order by array_position(array['global', 'template', 'target'], b.scope), b.id limit 1`,
    [template, alertName, target, cluster],
  );
  const [row] = rows;
  return row === undefined ? null : { ...breakerOf(row), told: row.told };
}

export async function listBreakers(
  sql: Sql,
  { all, limit }: { readonly all: boolean; readonly limit: number },
): Promise<readonly Breaker[]> {
  const rows = await sql.query<Row>(
    `select ${columns} from breakers b where $1::boolean or b.reset_at is null
     order by b.reset_at is not null, b.id desc limit $2::integer`,
    [all, limit],
  );
  return rows.map(breakerOf);
}

/** Inside a transaction. */
export async function resetBreaker(sql: Sql, id: string, { by, reason }: Said): Promise<Breaker | null> {
  const rows = await sql.query<Row>(
    `update breakers b set reset_at = clock_timestamp(), reset_by = $2::text, reset_reason = $3::text
     where b.id = $1::bigint and b.reset_at is null returning ${columns}`,
    [id, by, reason],
  );
  const [row] = rows;
  if (row === undefined) return null;
  await wakeStopped(sql);
  const breaker = breakerOf(row);
  await recordControls(sql, [{ act: "reset", by, reason, breaker }]);
  return breaker;
}

/** Those that another breaker stops are stopped again. In the order in which receivers lock. */
async function wakeStopped(sql: Sql): Promise<void> {
  await sql.query(
    `with waiting as materialized (
       select id from alerts a
       where status = 'open' and decide_at > now() and 'stopped' = (
         select kind from decisions d where d.alert_id = a.id and kind <> 'held' order by d.id desc limit 1
       )
       order by cluster, fingerprint for update
     )
     update alerts a set decide_at = now() from waiting w where a.id = w.id`,
  );
}

/** @returns whether it is this execution that tells people; whoever comes second tells nobody. Inside the deciding transaction. */
export async function takeNotice(
  sql: Sql,
  { key, quietSeconds }: Notice,
  executionId: string,
): Promise<boolean> {
  const rows = await sql.query(
    `insert into notices as n (key, execution_id) values ($1::text, $2::uuid)
     on conflict (key) do update set execution_id = excluded.execution_id, told_at = now()
     where n.told_at < now() - $3::double precision * interval '1 second'
     returning 1`,
    [key, executionId, quietSeconds],
  );
  return rows.length > 0;
}
