// How many firings are due, counted no further than anybody asks.
import type { Sql } from "../sql.ts";

export async function countBacklog(sql: Sql, limit: number): Promise<number> {
  const rows = await sql.query<{ count: number }>(
    `select count(*)::integer as count from (
       select 1 from alerts where status = 'open' and decide_at <= now() and (held_why is null or held_until <= now())
       limit $1::integer
     ) due`,
    [limit],
  );
  return rows[0]?.count ?? 0;
}
