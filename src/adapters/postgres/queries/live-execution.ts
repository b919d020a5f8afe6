// Who holds a claim: claims go with the event that ends an execution, so the holder is live.
import type { Sql } from "../sql.ts";

export async function liveExecution(sql: Sql, claimKey: string): Promise<string | null> {
  const rows = await sql.query<{ id: string }>(
    `select e.id::text from claims c join executions e on e.id = c.execution_id
     where c.key = $1::text and e.outcome is null`,
    [claimKey],
  );
  return rows[0]?.id ?? null;
}
