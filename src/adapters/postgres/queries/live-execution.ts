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

/** Whether an open firing of such a severity, in small letters, belongs to it already. */
export async function hasFiringOf(
  sql: Sql,
  executionId: string,
  severities: readonly string[],
): Promise<boolean> {
  const rows = await sql.query(
    `select from alerts where execution_id = $1::uuid and status = 'open' and lower(severity) = any($2::text[]) limit 1`,
    [executionId, severities],
  );
  return rows.length > 0;
}
