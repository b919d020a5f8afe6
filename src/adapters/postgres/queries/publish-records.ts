// The outbox of the record: read by "not published yet", by the one replica that holds the publishing claim.
import type { OutboxEntry, PublishedRecord } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

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

export async function publishes(sql: Sql, replica: string): Promise<boolean> {
  const rows = await sql.query(
    `select from publisher p join replicas r on r.id = p.replica_id
     where r.id = $1::text and r.expires_at > now()`,
    [replica],
  );
  return rows.length > 0;
}

/** `except`: those that are being written. Never "after the last id": that would lose the rows of slow transactions. */
export async function unpublished(
  sql: Sql,
  limit: number,
  except: readonly string[],
): Promise<readonly OutboxEntry[]> {
  const rows = await sql.query<{
    id: string;
    execution_id: string;
    milestone: OutboxEntry["milestone"];
    seq: number;
    first_previous: string | null;
  }>(
    `select o.id, o.execution_id::text, o.milestone, o.seq, r.first_previous
     from audit_outbox o left join records r using (execution_id)
     where o.published_at is null and o.id <> all($2::bigint[]) and ${isReadable("o.execution_id", "$3")} order by o.id limit $1::integer`,
    [limit, except, knownEventsText()],
  );
  return rows.map(({ id, execution_id, milestone, seq, first_previous }) => ({
    id,
    executionId: execution_id,
    milestone,
    seq,
    firstPrevious: first_previous,
  }));
}

export async function lastHead(sql: Sql): Promise<string | null> {
  const rows = await sql.query<{ last_head: string | null }>("select last_head from publisher");
  return rows[0]?.last_head ?? null;
}

/** In one statement; the last of the list becomes the last head. false: another replica publishes now, nothing was marked. */
export async function markPublished(
  sql: Sql,
  replica: string,
  published: readonly PublishedRecord[],
): Promise<boolean> {
  const rows = await sql.query(
    `with input as (
       select * from unnest($2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::integer[], $7::text[]) with ordinality
         as i(id, execution_id, commit, head, lines, first_previous, place)
     ), held as (
       update publisher set last_head = (select head from input order by place desc limit 1)
       where replica_id = $1::text returning 1
     ), marked as (
       update audit_outbox o set published_at = now(), commit = i.commit from input i, held where o.id = i.id
     ), latest as (
       select distinct on (execution_id) execution_id, head, lines, first_previous
       from input, held order by execution_id, place desc
     ), recorded as (
       insert into records (execution_id, head, lines, first_previous)
       select execution_id, head, lines, first_previous from latest
       on conflict (execution_id) do update
       set head = excluded.head, lines = excluded.lines, first_previous = excluded.first_previous, published_at = now()
     )
     select from held`,
    [
      replica,
      published.map(({ id }) => id),
      published.map(({ executionId }) => executionId),
      published.map(({ commit }) => commit),
      published.map(({ head }) => head),
      published.map(({ lines }) => lines),
      published.map(({ firstPrevious }) => firstPrevious),
    ],
  );
  return rows.length > 0;
}
