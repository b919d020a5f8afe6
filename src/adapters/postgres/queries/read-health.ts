// How the controller itself is, in one question: what is active, how far the record is behind, when it last heard something.
import type { Health } from "../../../controller/views.ts";
import type { Sql } from "../sql.ts";

interface Row {
  readonly active: Health["active"] | null;
  readonly firing: number;
  readonly open_breakers: Health["openBreakers"] | null;
  readonly unowned: number;
  readonly unpublished: number;
  readonly lag: number;
  readonly dead_letters: number;
  readonly watchdog_at: Date | null;
  readonly delivered_at: Date | null;
  readonly now: Date;
}

export async function readHealth(sql: Sql): Promise<Health> {
  const [row] = await sql.query<Row>(
    `select
       (select jsonb_object_agg(phase, count) from (
         select phase, count(*)::integer as count from executions where outcome is null group by phase) p) as active,
       (select count(*)::integer from alerts where status = 'open') as firing,
       (select count(*)::integer from executions e left join replicas r on r.id = e.owner
        where e.outcome is null and coalesce(r.expires_at, '-infinity') <= now()) as unowned,
       (select jsonb_object_agg(scope, count) from (
         select scope, count(*)::integer as count from breakers where reset_at is null group by scope) b) as open_breakers,
       waiting.unpublished, waiting.lag,
       (select count(*)::integer from dead_letters where received_at > now() - interval '1 day') as dead_letters,
       (select min(last_at) from watchdogs) as watchdog_at,
       (select max(received_at) from deliveries) as delivered_at,
       clock_timestamp() as now
     from (
       select count(*)::integer as unpublished,
         coalesce(extract(epoch from now() - min(at)), 0)::double precision as lag
       from (
         select created_at as at from audit_outbox where published_at is null
         union all select at from controls where published_at is null
       ) unpublished
     ) waiting`,
  );
  return {
    active: row?.active ?? {},
    firing: row?.firing ?? 0,
    unowned: row?.unowned ?? 0,
    unpublished: row?.unpublished ?? 0,
    auditLagSeconds: row?.lag ?? 0,
    openBreakers: row?.open_breakers ?? {},
    deadLetters: row?.dead_letters ?? 0,
    watchdogAt: row?.watchdog_at?.toISOString() ?? null,
    deliveredAt: row?.delivered_at?.toISOString() ?? null,
    now: (row?.now ?? new Date(0)).toISOString(),
  };
}
