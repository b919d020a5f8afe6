// The outbox of the record: read by "not published yet", by the one replica that holds the publishing claim.
import type { Outbox, OutboxEntry, RecordHead } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

/** The claim is had when nobody has it or its holder's lease has ended. */
export async function claimPublishing(sql: Sql, replica: string): Promise<boolean> {
  const rows = await sql.query(
    `update publisher p set replica_id = $1::text
     where (p.replica_id is not distinct from $1::text
         or not exists (select from replicas r where r.id = p.replica_id and r.expires_at > now()))
       and exists (select from replicas r where r.id = $1::text and r.expires_at > now())
     returning 1`,
    [replica],
  );
  return rows.length > 0;
}

export async function unpublished(sql: Sql, limit: number): Promise<readonly OutboxEntry[]> {
  const rows = await sql.query<{
    id: string;
    execution_id: string;
    milestone: OutboxEntry["milestone"];
    seq: number;
  }>(
    `select id, execution_id::text, milestone, seq from audit_outbox
     where published_at is null order by id limit $1::integer`,
    [limit],
  );
  return rows.map(({ id, execution_id, milestone, seq }) => ({
    id,
    executionId: execution_id,
    milestone,
    seq,
  }));
}

export async function lastHead(sql: Sql): Promise<string | null> {
  const rows = await sql.query<{ last_head: string | null }>("select last_head from publisher");
  return rows[0]?.last_head ?? null;
}

export async function recordHead(sql: Sql, executionId: string): Promise<RecordHead> {
  const rows = await sql.query<RecordHead>("select head, lines from records where execution_id = $1::uuid", [
    executionId,
  ]);
  return rows[0] ?? { head: null, lines: 0 };
}

/** In one statement; the last of the list becomes the last head. false: another replica publishes now, nothing was marked. */
export async function markPublished(
  sql: Sql,
  replica: string,
  published: Parameters<Outbox["markPublished"]>[0],
): Promise<boolean> {
  const rows = await sql.query(
    `with input as (
       select * from unnest($2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::integer[]) with ordinality
         as i(id, execution_id, commit, head, lines, place)
     ), held as (
       update publisher set last_head = (select head from input order by place desc limit 1)
       where replica_id = $1::text returning 1
     ), marked as (
       update audit_outbox o set published_at = now(), commit = i.commit from input i, held where o.id = i.id
     ), latest as (
       select distinct on (execution_id) execution_id, head, lines from input, held order by execution_id, place desc
     ), recorded as (
       insert into records (execution_id, head, lines) select execution_id, head, lines from latest
       on conflict (execution_id) do update set head = excluded.head, lines = excluded.lines, published_at = now()
     )
     select from held`,
    [
      replica,
      published.map(({ id }) => id),
      published.map(({ executionId }) => executionId),
      published.map(({ commit }) => commit),
      published.map(({ head }) => head),
      published.map(({ lines }) => lines),
    ],
  );
  return rows.length > 0;
}
