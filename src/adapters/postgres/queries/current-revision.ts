// The catalog revision that all replicas act on.
import type { Sql } from "../sql.ts";

export async function currentRevision(sql: Sql): Promise<string | null> {
  const rows = await sql.query<{ revision: string }>("select revision from catalog");
  return rows[0]?.revision ?? null;
}

export async function setRevision(sql: Sql, revision: string): Promise<void> {
  await sql.query(
    `insert into catalog (revision) values ($1::text)
     on conflict (singleton) do update set revision = excluded.revision, set_at = now()`,
    [revision],
  );
}
