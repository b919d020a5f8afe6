// Gives all executions of a replica back: others claim them at once.
import type { Sql } from "../sql.ts";

export async function releaseExecutions(sql: Sql, replica: string): Promise<void> {
  await sql.query("update executions set owner = null where owner = $1::text and outcome is null", [replica]);
}
