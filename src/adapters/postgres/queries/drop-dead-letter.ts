// A dead letter that was replayed, or that nobody wants.
import type { Sql } from "../sql.ts";

/** false: there is none of this id (any more). */
export async function dropDeadLetter(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.query("delete from dead_letters where id = $1::bigint returning id", [id]);
  return rows.length > 0;
}
