// What fires under the name of an execution's alert in its cluster; what belongs to the same target comes first.
import type { OpenFiring } from "../../../controller/ports.ts";
import type { AlertReference } from "../../../domain/facts/alert.ts";
import type { Sql } from "../sql.ts";

type Row = Omit<AlertReference, "startsAt"> & {
  readonly id: string;
  readonly starts_at: Date;
  readonly own: boolean;
};

export async function alikeFirings(
  sql: Sql,
  executionId: string,
  limit: number,
): Promise<readonly OpenFiring[]> {
  const rows = await sql.query<Row>(
    `select a.id, a.cluster, a.fingerprint, a.name, a.severity, a.labels, a.starts_at,
       coalesce(a.execution_id = e.id or a.incident_id = e.incident_id or o.target_key = e.target_key, false) as own
     from executions e
     join events r on r.execution_id = e.id and r.seq = 1
     join alerts a on a.status = 'open' and a.name = e.alert_name and a.cluster = r.event -> 'alert' ->> 'cluster'
     left join executions o on o.id = a.execution_id
     where e.id = $1::uuid
     order by own desc, a.id limit $2::integer`,
    [executionId, limit],
  );
  return rows.map(({ id, own, starts_at, ...alert }) => ({
    id,
    own,
    alert: {
      cluster: alert.cluster,
      fingerprint: alert.fingerprint,
      name: alert.name,
      severity: alert.severity,
      labels: alert.labels,
      startsAt: starts_at.toISOString(),
    },
  }));
}
