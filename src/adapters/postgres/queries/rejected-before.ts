// Whether people have rejected a template for a target in the incident that is still open.
import { type ObjectRef, objectKey } from "../../../domain/facts/objects.ts";
import type { Sql } from "../sql.ts";

export async function rejectedBefore(sql: Sql, template: string, target: ObjectRef): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from executions e join incidents i on i.id = e.incident_id
     where e.target_key = $1::text and e.template = $2::text and e.outcome = 'rejected' and i.closed_at is null
     limit 1`,
    [objectKey(target), template],
  );
  return rows.length > 0;
}
