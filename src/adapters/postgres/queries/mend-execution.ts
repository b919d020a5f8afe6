// Writes what follows from the events of one execution where the database says something else. Each may be repeated.
import type { Mend } from "../../../controller/examine-stream.ts";
import { objectKey } from "../../../domain/facts/objects.ts";
import { unreachable } from "../../../domain/problem.ts";
import type { Sql } from "../sql.ts";

export async function mendExecution(sql: Sql, id: string, mend: Mend): Promise<void> {
  switch (mend.kind) {
    case "row":
      return writeRow(sql, id, mend);
    case "remove-row":
      await sql.query(
        "delete from executions e where id = $1::uuid and not exists (select from events v where v.execution_id = e.id)",
        [id],
      );
      return;
    case "take-claims":
      await sql.query(
        `insert into claims (key, execution_id, firm) select key, $1::uuid, $3::boolean from unnest($2::text[]) as key
         on conflict (key) do nothing`,
        [id, mend.keys, mend.firm],
      );
      return;
    case "milestone":
      await sql.query(
        `insert into audit_outbox (execution_id, milestone, seq) values ($1::uuid, $2::text, $3::integer)
         on conflict (execution_id, seq) do nothing`,
        [id, mend.milestone, mend.seq],
      );
      return;
    case "assessment":
      await sql.query(
        `insert into assessments (execution_id, due_at) values ($1::uuid, now() + $2::double precision * interval '1 second')
         on conflict (execution_id) do nothing`,
        [id, mend.seconds],
      );
      return;
    case "follow-up":
      await sql.query(
        `insert into follow_ups (execution_id, keep_until) values ($1::uuid, $2::timestamptz)
         on conflict (execution_id) do nothing`,
        [id, mend.keepUntil],
      );
      return;
    case "drop-snapshot":
      await sql.query("delete from snapshots where execution_id = $1::uuid", [id]);
      return;
    default:
      unreachable(mend);
  }
}

/** A row that is there keeps its owner and epoch; a new one has no owner, so that the next replica takes it over. */
async function writeRow(sql: Sql, id: string, { row, rest }: Extract<Mend, { kind: "row" }>): Promise<void> {
  const { target } = rest;
  await sql.query(
    `insert into executions (id, owner, epoch, version, phase, outcome, escalated, mode, template, incident_id, alert_name,
       target_key, target_cluster, target_api_version, target_kind, target_namespace, target_name, cooldown_seconds,
       created_at, ended_at, follows)
     values ($1::uuid, null, 1, $2::integer, $3::text, $4::text, $5::boolean, $6::text, $7::text, $8::text, $9::text,
       $10::text, $11::text, $12::text, $13::text, $14::text, $15::text, $16::double precision, $17::timestamptz,
       $18::timestamptz, $19::uuid)
     on conflict (id) do update set version = excluded.version, phase = excluded.phase, outcome = excluded.outcome,
       escalated = excluded.escalated, mode = excluded.mode, template = excluded.template,
       incident_id = excluded.incident_id, ended_at = excluded.ended_at, updated_at = now()`,
    [
      id,
      row.version,
      row.phase,
      row.outcome,
      row.escalated,
      row.mode,
      row.template,
      row.incidentId,
      rest.alertName,
      target === null ? null : objectKey(target),
      target?.cluster,
      target?.apiVersion,
      target?.kind,
      target?.namespace,
      target?.name,
      rest.cooldownSeconds,
      rest.createdAt,
      rest.endedAt,
      rest.follows,
    ],
  );
}
