// Acts of control and their way to the record: written in the transaction of the act, marked once their commit is pushed.
import type { PublishedControl } from "../../../controller/ports.ts";
import { type Control, type ControlAct, controlActs } from "../../../domain/audit/control.ts";
import type { Sql } from "../sql.ts";

/** Inside the transaction of the act, after it has locked what it is about. */
export async function recordControls(sql: Sql, acts: readonly ControlAct[]): Promise<void> {
  if (acts.length === 0) return;
  await sql.query(
    `insert into controls (act) select act from jsonb_array_elements($1::jsonb) with ordinality as a(act, place)
     order by place`,
    [JSON.stringify(acts)],
  );
}

/** For the one replica that publishes; empty for all others. Acts that a newer version knows are left to it. */
export async function unpublishedControls(
  sql: Sql,
  replica: string,
  limit: number,
  except: readonly string[],
): Promise<readonly Control[]> {
  const rows = await sql.query<{ id: string; at: Date; act: ControlAct }>(
    `select id::text, at, act from controls
     where published_at is null and id <> all($3::uuid[]) and act ->> 'act' = any($4::text[])
       and exists (select from publisher p join replicas r on r.id = p.replica_id where r.id = $1::text and r.expires_at > now())
     order by seq limit $2::integer`,
    [replica, limit, except, controlActs],
  );
  return rows.map(({ id, at, act }) => ({ id, at: at.toISOString(), act }));
}

/** In one statement. false: another replica publishes now, nothing was marked. */
export async function markControls(
  sql: Sql,
  replica: string,
  published: readonly PublishedControl[],
): Promise<boolean> {
  const rows = await sql.query(
    `with held as (
       select 1 from publisher where replica_id = $1::text for update
     ), marked as (
       update controls c set published_at = now(), commit = i.commit
       from unnest($2::uuid[], $3::text[]) as i(id, commit), held where c.id = i.id
     )
     select from held`,
    [replica, published.map(({ id }) => id), published.map(({ commit }) => commit)],
  );
  return rows.length > 0;
}
