// Firings whose Alertmanager no longer has them end where they were heard of last, in the way of a delivery. What was delivered
// again since the question was asked stays: it is looked at under its lock.
import type pg from "pg";
import type { FiringKey } from "../../controller/ports.ts";
import { type OpenAlertRow, openAlert, openAlertColumns } from "./queries/open-alert.ts";
import { receiveAlerts } from "./queries/receive-alerts.ts";
import { inTransaction } from "./sql.ts";

interface Row extends OpenAlertRow, Record<string, unknown> {
  readonly ends_at: Date;
}

const lockUnheard = `
select ${openAlertColumns}, greatest(a.last_received_at, a.starts_at) as ends_at
from alerts a join unnest($1::text[], $2::text[]) as i(cluster, fingerprint)
  on a.cluster = i.cluster and a.fingerprint = i.fingerprint
where a.status = 'open' and a.last_received_at <= $3::timestamptz
order by a.cluster, a.fingerprint for update of a`;

/** @returns how many were resolved */
export async function resolveUnheard(
  pool: pg.Pool,
  firings: readonly FiringKey[],
  heardBefore: string,
): Promise<number> {
  if (firings.length === 0) return 0;
  const keys = [firings.map(({ cluster }) => cluster), firings.map(({ fingerprint }) => fingerprint)];
  return inTransaction(pool, async (sql) => {
    const rows = await sql.query<Row>(lockUnheard, [...keys, heardBefore]);
    const ended = rows.map((row) => ({
      ...openAlert(row),
      status: "resolved" as const,
      endsAt: row.ends_at.toISOString(),
    }));
    return (await receiveAlerts(sql, ended)).length;
  });
}
