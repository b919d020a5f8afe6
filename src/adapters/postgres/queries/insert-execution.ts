// A new execution with its first events, owned by the deciding replica at epoch 1, and what is to be published of it already.

import type { FiringDecision } from "../../../controller/ports.ts";
import type { RecordedEvent } from "../../../domain/execution/events.ts";
import { objectKey } from "../../../domain/facts/objects.ts";
import { canonicalJson } from "../../../domain/json.ts";
import type { Sql } from "../sql.ts";

type NewExecution = Extract<FiringDecision, { kind: "execution" }>;

/** false: this replica's lease has ended; nothing was written. */
export async function insertExecution(
  sql: Sql,
  owner: string,
  alertName: string,
  execution: NewExecution,
  incident: string,
): Promise<boolean> {
  const { executionId, projection, target, mode, template, cooldownSeconds, countsIn, events } = execution;
  const rows = await sql.query(
    `insert into executions (id, owner, epoch, version, phase, outcome, escalated, mode, template, alert_name, incident_id,
       target_key, target_cluster, target_api_version, target_kind, target_namespace, target_name, cooldown_seconds, counts_in, follows, ended_at)
     select $1::uuid, r.id, 1, $3::integer, $4::text, $5::text, $6::boolean, $7::text, $8::text, $9::text, $10::text,
       $11::text, $12::text, $13::text, $14::text, $15::text, $16::text, $17::double precision, $18::text[],
       $19::uuid, case when $5::text is not null then now() end
     from replicas r where r.id = $2::text and r.expires_at > now()
     returning 1`,
    [
      executionId,
      owner,
      events.length,
      projection.phase,
      projection.outcome,
      projection.escalated,
      mode,
      template,
      alertName,
      incident,
      target === null ? null : objectKey(target),
      target?.cluster,
      target?.apiVersion,
      target?.kind,
      target?.namespace,
      target?.name,
      cooldownSeconds,
      countsIn,
      execution.follows ?? null,
    ],
  );
  if (rows.length === 0) return false;
  await insertEvents(sql, executionId, inIncident(events, incident));
  await insertMilestones(sql, executionId, events);
  if (projection.outcome !== null && projection.escalated)
    await sql.query("insert into escalations (execution_id) values ($1::uuid)", [executionId]);
  return true;
}

/** The caller could not know whether an incident was open already. */
function inIncident(events: readonly RecordedEvent[], incident: string): readonly RecordedEvent[] {
  return events.map((recorded) =>
    recorded.event.type === "ExecutionRequested"
      ? { ...recorded, event: { ...recorded.event, incident } }
      : recorded,
  );
}

async function insertEvents(sql: Sql, id: string, events: readonly RecordedEvent[]): Promise<void> {
  await sql.query(
    `insert into events (execution_id, seq, at, type, version, event, text)
     select $1::uuid, n.seq, n.at, n.type, n.version, n.text::jsonb -> 'event', n.text
     from unnest($2::integer[], $3::timestamptz[], $4::text[], $5::integer[], $6::text[]) as n(seq, at, type, version, text)`,
    [
      id,
      events.map(({ seq }) => seq),
      events.map(({ at }) => at),
      events.map(({ event }) => event.type),
      events.map(({ version }) => version),
      events.map((event) => canonicalJson(event)),
    ],
  );
}

/** `planned` when the gate was decided, `ended` when it is over already (observed, refused). */
async function insertMilestones(sql: Sql, id: string, events: readonly RecordedEvent[]): Promise<void> {
  const seqOf = (type: RecordedEvent["event"]["type"]) =>
    events.findLast(({ event }) => event.type === type)?.seq;
  const milestones = [
    { milestone: "planned", seq: seqOf("GateDecided") },
    { milestone: "ended", seq: seqOf("Ended") },
  ].filter(({ seq }) => seq !== undefined);
  if (milestones.length === 0) return;
  await sql.query(
    `insert into audit_outbox (execution_id, milestone, seq)
     select $1::uuid, m.milestone, m.seq from unnest($2::text[], $3::integer[]) with ordinality as m(milestone, seq, place)
     order by m.place`,
    [id, milestones.map(({ milestone }) => milestone), milestones.map(({ seq }) => seq)],
  );
}
