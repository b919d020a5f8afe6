// Incidents with what belongs to them, counted for the whole page at once.
import type {
  Incident,
  IncidentAlert,
  IncidentDecision,
  IncidentSummary,
} from "../../../controller/views.ts";
import type { Sql } from "../sql.ts";
import { columns, type ExecutionRow, summary } from "./list-executions.ts";

interface Row {
  readonly id: string;
  readonly key: string;
  readonly opened_at: Date;
  readonly closed_at: Date | null;
  readonly alerts: number | null;
  readonly firing: number | null;
  readonly names: readonly string[] | null;
  readonly executions: number | null;
  readonly escalated: boolean | null;
  readonly last_execution: IncidentSummary["lastExecution"];
}

const counted = `
select p.id, p.key, p.opened_at, p.closed_at, a.alerts, a.firing, a.names, x.executions, x.escalated, x.last_execution
from page p
left join (
  select incident_id, count(*)::integer as alerts, (count(*) filter (where status = 'open'))::integer as firing,
    array_agg(distinct name) as names
  from alerts where incident_id in (select id from page) group by incident_id
) a on a.incident_id = p.id
left join (
  select incident_id, count(*)::integer as executions, bool_or(escalated) as escalated,
    (array_agg(jsonb_build_object('id', id, 'template', template, 'phase', phase, 'outcome', outcome) order by id desc))[1]
      as last_execution
  from executions where incident_id in (select id from page) group by incident_id
) x on x.incident_id = p.id
order by p.id desc`;

/** Newest first (ids are UUIDv7). */
export async function listIncidents(
  sql: Sql,
  query: { readonly limit: number; readonly before?: string; readonly open?: boolean },
): Promise<readonly IncidentSummary[]> {
  const conditions = [
    query.before === undefined ? "$2::text is null" : "id < $2::text",
    ...(query.open === undefined ? [] : [query.open ? "closed_at is null" : "closed_at is not null"]),
  ];
  const page = `with page as materialized (
    select id, key, opened_at, closed_at from incidents where ${conditions.join(" and ")}
    order by id desc limit $1::integer)`;
  const rows = await sql.query<Row>(page + counted, [query.limit, query.before ?? null]);
  return rows.map(incident);
}

/** By id, or a prefix or suffix of at least 6 characters that only one incident has. */
export async function findIncident(sql: Sql, part: string): Promise<Incident | null> {
  const text = part.toLowerCase();
  if (!/^[0-9a-f-]{6,36}$/.test(text)) return null;
  const page = `with page as materialized (
    select id, key, opened_at, closed_at from incidents where id collate "C" >= $1::text and id collate "C" < $1::text || 'g'
    union
    select id, key, opened_at, closed_at from incidents
    where reverse(id) collate "C" >= reverse($1::text) and reverse(id) collate "C" < reverse($1::text) || 'g'
    limit 2)`;
  const [row, other] = await sql.query<Row>(page + counted, [text]);
  if (row === undefined || other !== undefined) return null;
  return {
    ...incident(row),
    alertList: await alertsOf(sql, row.id),
    executionList: await executionsOf(sql, row.id),
    decisions: await decisionsOf(sql, row.id),
  };
}

function incident(row: Row): IncidentSummary {
  return {
    id: row.id,
    key: row.key,
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
    alerts: row.alerts ?? 0,
    firing: row.firing ?? 0,
    alertNames: row.names ?? [],
    executions: row.executions ?? 0,
    escalated: row.escalated ?? false,
    lastExecution: row.last_execution,
  };
}

async function alertsOf(sql: Sql, id: string): Promise<readonly IncidentAlert[]> {
  const rows = await sql.query<{
    id: string;
    fingerprint: string;
    cluster: string;
    name: string;
    severity: string;
    status: IncidentAlert["status"];
    labels: IncidentAlert["labels"];
    opened_at: Date;
    resolved_at: Date | null;
  }>(
    `select id, fingerprint, cluster, name, severity, status, labels, opened_at, resolved_at
     from alerts where incident_id = $1::text order by id desc limit 100`,
    [id],
  );
  return rows.map(({ opened_at, resolved_at, ...alert }) => ({
    ...alert,
    openedAt: opened_at.toISOString(),
    resolvedAt: resolved_at?.toISOString() ?? null,
  }));
}

async function executionsOf(sql: Sql, id: string) {
  const rows = await sql.query<ExecutionRow>(
    `select ${columns} from executions where incident_id = $1::text order by executions.id desc limit 100`,
    [id],
  );
  return rows.map(summary);
}

async function decisionsOf(sql: Sql, id: string): Promise<readonly IncidentDecision[]> {
  const rows = await sql.query<{
    at: Date;
    alert: string;
    kind: string;
    revision: string;
    reasons: readonly string[];
    execution_id: string | null;
  }>(
    `select d.at, a.name as alert, d.kind, d.revision, d.reasons, d.execution_id::text
     from alerts a join decisions d on d.alert_id = a.id
     where a.incident_id = $1::text order by d.id desc limit 100`,
    [id],
  );
  return rows.map(({ at, execution_id, ...decision }) => ({
    ...decision,
    at: at.toISOString(),
    executionId: execution_id,
  }));
}
