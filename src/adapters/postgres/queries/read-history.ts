// What was tried before for one alert name and target.

import type { History } from "../../../domain/facts/facts.ts";
import { type ObjectRef, objectKey } from "../../../domain/facts/objects.ts";
import type { Sql } from "../sql.ts";

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly created_at: Date;
  readonly template: string;
  readonly outcome: string | null;
  readonly never_started: boolean;
}

/** Newest first, at most 100, within 7 days of the database's clock. */
export async function readHistory(sql: Sql, alertName: string, target: ObjectRef): Promise<History> {
  const rows = await sql.query<Row>(
    `select id::text, created_at, template, outcome,
       outcome is not null and not exists (
         select from events v where v.execution_id = e.id and v.type = 'StepStarted'
       ) as never_started
     from executions e
     where target_key = $1::text and alert_name = $2::text and follows is null and created_at > now() - interval '7 days'
     order by created_at desc limit 100`,
    [objectKey(target), alertName],
  );
  return {
    attempts: rows.map(({ id, created_at, template, outcome, never_started }) => ({
      executionId: id,
      at: created_at.toISOString(),
      template,
      outcome,
      ...(never_started ? { neverStarted: true } : {}),
    })),
  };
}
