// Lists of executions and the lookup by a part of the id, from the projection.
import type { ExecutionQuery, ExecutionSummary } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";
import { type EscalationRow, escalationColumn, escalationState, isSeen, isUntold } from "./escalations.ts";

export interface ExecutionRow {
  readonly id: string;
  readonly phase: ExecutionSummary["phase"];
  readonly outcome: ExecutionSummary["outcome"];
  readonly escalated: boolean;
  readonly mode: ExecutionSummary["mode"];
  readonly template: string;
  readonly alert_name: string;
  readonly incident_id: string;
  readonly target_cluster: string | null;
  readonly target_api_version: string;
  readonly target_kind: string;
  readonly target_namespace: string | null;
  readonly target_name: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly escalation: EscalationRow | null;
}

export const columns = `id::text, phase, outcome, escalated, mode, template, alert_name, incident_id, target_cluster,
  target_api_version, target_kind, target_namespace, target_name, created_at, updated_at, ${escalationColumn}`;

// A part for each index: asked as one condition, the whole past would be walked for the few that are left.
const needsPeople = `id in (
  select id from executions where outcome is null and (phase = 'awaiting_approval' or escalated and not ${isSeen})
  union all
  select id from executions where outcome is not null and escalated and not ${isSeen})`;

/** Newest first (ids are UUIDv7). */
export async function listExecutions(sql: Sql, query: ExecutionQuery): Promise<readonly ExecutionSummary[]> {
  const values: unknown[] = [query.limit];
  const conditions: string[] = [];
  const ask = (condition: string, value: string | undefined, type: string) => {
    if (value !== undefined) conditions.push(`${condition} $${values.push(value)}::${type}`);
  };
  ask("id <", query.before, "uuid");
  ask("template =", query.template, "text");
  ask("outcome =", query.outcome, "text");
  ask("target_namespace =", query.namespace, "text");
  if (query.live === true) conditions.push("outcome is null");
  if (query.attention === true) conditions.push(needsPeople);
  if (query.untold === true) conditions.push(isUntold);
  const where = conditions.length === 0 ? "" : ` where ${conditions.join(" and ")}`;
  const rows = await sql.query<ExecutionRow>(
    `select ${columns} from executions${where} order by executions.id desc limit $1::integer`,
    values,
  );
  return rows.map(summary);
}

/** By id, or a prefix or suffix of at least 6 characters that only one execution has. */
export async function findExecution(sql: Sql, part: string): Promise<ExecutionSummary | null> {
  const text = part.toLowerCase();
  if (!/^[0-9a-f-]{6,36}$/.test(text)) return null;
  const digits = text.replaceAll("-", "");
  if (digits.length > 32) return null;
  // A prefix is a range of ids; a suffix is a range of reversed ids ("g" follows all digits).
  const rows = await sql.query<ExecutionRow>(
    `select ${columns} from executions where id between $1::uuid and $2::uuid and id::text like $3::text || '%'
     union
     select ${columns} from executions
     where reverse(id::text) collate "C" >= reverse($3::text) and reverse(id::text) collate "C" < reverse($3::text) || 'g'
     limit 2`,
    [digits.padEnd(32, "0"), digits.padEnd(32, "f"), text],
  );
  return rows.length === 1 && rows[0] !== undefined ? summary(rows[0]) : null;
}

export function summary(row: ExecutionRow): ExecutionSummary {
  const target =
    row.target_cluster === null
      ? null
      : {
          cluster: row.target_cluster,
          apiVersion: row.target_api_version,
          kind: row.target_kind,
          namespace: row.target_namespace,
          name: row.target_name,
        };
  return {
    id: row.id,
    phase: row.phase,
    outcome: row.outcome,
    escalated: row.escalated,
    mode: row.mode,
    template: row.template,
    alertName: row.alert_name,
    incidentId: row.incident_id,
    target,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    escalation: escalationState(row.escalation),
  };
}
