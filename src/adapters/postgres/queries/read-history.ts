// What was tried before for one alert name and target.

import type { History } from "../../../domain/facts/facts.ts";
import { type ObjectRef, objectKey } from "../../../domain/facts/objects.ts";
import type { Sql } from "../sql.ts";

/** Newest first, at most 100, within 7 days of the database's clock. */
export async function readHistory(sql: Sql, alertName: string, target: ObjectRef): Promise<History> {
  const rows = await sql.query<{ id: string; created_at: Date; template: string; outcome: string | null }>(
    `select id::text, created_at, template, outcome from executions
     where target_key = $1::text and alert_name = $2::text and created_at > now() - interval '7 days'
     order by created_at desc limit 100`,
    [objectKey(target), alertName],
  );
  return {
    attempts: rows.map(({ id, created_at, template, outcome }) => ({
      executionId: id,
      at: created_at.toISOString(),
      template,
      outcome,
    })),
  };
}
