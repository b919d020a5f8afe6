// Other open firings of an alert's name in its cluster and namespace, oldest first: they may be about the same target.
import type { Alert } from "../../../domain/facts/alert.ts";
import type { Sql } from "../sql.ts";
import { type OpenAlertRow, openAlert, openAlertColumns } from "./open-alert.ts";

export async function openAlike(
  sql: Sql,
  { cluster, name, fingerprint, labels }: Alert,
  limit: number,
): Promise<readonly Alert[]> {
  const namespace = labels["exported_namespace"] ?? labels["namespace"] ?? null;
  const rows = await sql.query<OpenAlertRow>(
    `select ${openAlertColumns} from alerts a
     where a.status = 'open' and a.name = $1::text and a.cluster = $2::text and a.fingerprint <> $3::text
       and coalesce(a.labels ->> 'exported_namespace', a.labels ->> 'namespace') is not distinct from $4::text
     order by a.id limit $5::integer`,
    [name, cluster, fingerprint, namespace, limit],
  );
  return rows.map(openAlert);
}
