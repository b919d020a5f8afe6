// Open firings as their Alertmanagers hold them: silenced, inhibited, or free again.
import type { FiringKey, Hold, OpenFiringState } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

interface Row extends Record<string, unknown> {
  readonly cluster: string;
  readonly fingerprint: string;
  readonly source: string;
  readonly last_received_at: Date;
  readonly held: boolean;
}

export async function openFirings(sql: Sql): Promise<readonly OpenFiringState[]> {
  const rows = await sql.query<Row>(
    `select cluster, fingerprint, source, last_received_at, held_why is not null as held
     from alerts where status = 'open'`,
  );
  return rows.map(({ last_received_at, ...row }) => ({
    ...row,
    lastReceivedAt: last_received_at.toISOString(),
  }));
}

// What is held for the same reason already is left alone, so that each hold is one decision. The token makes a decision that is
// being made stale: nothing starts. A hold without an end lasts for as long as its Alertmanager goes on saying so: were it away
// for good, what it had inhibited once would never be looked at again.
const hold = `
with locked as materialized (
  select a.id, i.by, coalesce(i.until, now() + interval '15 minutes') as until, i.why,
    a.held_why is distinct from i.why as is_new
  from alerts a join unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
      as i(cluster, fingerprint, by, until, why)
    on a.cluster = i.cluster and a.fingerprint = i.fingerprint
  where a.status = 'open'
    and (a.held_why is distinct from i.why or (i.until is null and coalesce(a.held_until, now()) < now() + interval '10 minutes'))
  order by a.cluster, a.fingerprint for update of a
), held as (
  update alerts a set held_by = l.by, held_until = l.until, held_why = l.why, token = a.token + l.is_new::integer
  from locked l where a.id = l.id
)
insert into decisions (alert_id, kind, revision, reasons)
select id, 'held', coalesce((select revision from catalog), ''), jsonb_build_array(why) from locked where is_new`;

export async function holdFirings(
  sql: Sql,
  firings: readonly (FiringKey & { readonly hold: Hold })[],
): Promise<void> {
  if (firings.length === 0) return;
  await sql.query(hold, [
    firings.map(({ cluster }) => cluster),
    firings.map(({ fingerprint }) => fingerprint),
    firings.map((firing) => firing.hold.by),
    firings.map((firing) => firing.hold.until),
    firings.map((firing) => firing.hold.why),
  ]);
}

/** When each is decided was never touched: what was due is due. */
export async function letGoFirings(sql: Sql, firings: readonly FiringKey[]): Promise<void> {
  if (firings.length === 0) return;
  await sql.query(
    `with locked as materialized (
       select a.id from alerts a join unnest($1::text[], $2::text[]) as i(cluster, fingerprint)
         on a.cluster = i.cluster and a.fingerprint = i.fingerprint
       where a.status = 'open' and a.held_why is not null
       order by a.cluster, a.fingerprint for update of a
     )
     update alerts a set held_by = null, held_until = null, held_why = null from locked l where a.id = l.id`,
    [firings.map(({ cluster }) => cluster), firings.map(({ fingerprint }) => fingerprint)],
  );
}
