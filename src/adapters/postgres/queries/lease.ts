// The lease of a replica: one row, judged by the database's clock only.
import type { Sql } from "../sql.ts";

export interface LeaseAnswer {
  /** Database time in ms since 1970. */
  readonly databaseMs: number;
}

interface Row {
  readonly ms: number;
}

const databaseMs = "(extract(epoch from clock_timestamp()) * 1000)::double precision as ms";

/** A new id takes its first lease; may be repeated when the answer was lost. `seconds` null: for ever (embedded: the folder's lock is the lease). */
export async function takeLease(sql: Sql, replica: string, seconds: number | null): Promise<LeaseAnswer> {
  const rows = await sql.query<Row>(
    `insert into replicas (id, expires_at)
     values ($1::text, coalesce(clock_timestamp() + $2::double precision * interval '1 second', 'infinity'))
     on conflict (id) do update set expires_at = excluded.expires_at
     returning ${databaseMs}`,
    [replica, seconds],
  );
  return { databaseMs: rows[0]?.ms ?? Number.NaN };
}

/** null: the lease had expired; it is never revived. */
export async function renewLease(sql: Sql, replica: string, seconds: number): Promise<LeaseAnswer | null> {
  const rows = await sql.query<Row>(
    `update replicas set expires_at = clock_timestamp() + $2::double precision * interval '1 second'
     where id = $1::text and expires_at > clock_timestamp()
     returning ${databaseMs}`,
    [replica, seconds],
  );
  return rows[0] === undefined ? null : { databaseMs: rows[0].ms };
}

/** Others may take over at once. */
export async function endLease(sql: Sql, replica: string): Promise<void> {
  await sql.query("update replicas set expires_at = now() where id = $1::text", [replica]);
}

/** Embedded, under the folder's lock: whoever had a lease here before is gone. */
export async function endAllLeases(sql: Sql): Promise<void> {
  await sql.query("update replicas set expires_at = now() where expires_at > now()");
}

export async function readDatabaseMs(sql: Sql): Promise<LeaseAnswer> {
  const rows = await sql.query<Row>(`select ${databaseMs}`);
  return { databaseMs: rows[0]?.ms ?? Number.NaN };
}
