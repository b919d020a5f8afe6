// Claims due firings for a while by moving their time on: a crash of whoever took them makes them due again.

import type { DueFiring } from "../../../controller/ports.ts";
import type { Alert } from "../../../domain/facts/alert.ts";
import type { Sql } from "../sql.ts";

interface Row {
  readonly id: string;
  readonly token: string;
  readonly cluster: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly severity: string;
  readonly labels: Alert["labels"];
  readonly annotations: Alert["annotations"];
  readonly source: string;
  readonly sanitised: boolean;
  readonly starts_at: Date;
  readonly opened_at: Date;
  readonly undecided_count: number;
}

/** Skips what another replica is taking. */
export async function takeDueFirings(
  sql: Sql,
  limit: number,
  claimSeconds: number,
): Promise<readonly DueFiring[]> {
  const rows = await sql.query<Row>(
    `with due as materialized (
       select id from alerts where status = 'open' and decide_at <= now()
       order by decide_at limit $1::integer for update skip locked
     )
     update alerts a set decide_at = now() + $2::double precision * interval '1 second', token = a.token + 1
     from due where a.id = due.id
     returning a.id, a.token, a.cluster, a.fingerprint, a.name, a.severity, a.labels, a.annotations, a.source,
       a.sanitised, a.starts_at, a.opened_at, a.undecided_count`,
    [limit, claimSeconds],
  );
  return rows.map(dueFiring).toSorted((a, b) => Number(a.id) - Number(b.id));
}

function dueFiring(row: Row): DueFiring {
  const { cluster, fingerprint, name, severity, labels, annotations, source, sanitised } = row;
  const startsAt = row.starts_at.toISOString();
  return {
    id: row.id,
    token: Number(row.token),
    undecidedCount: row.undecided_count,
    openedAt: row.opened_at.toISOString(),
    alert: {
      cluster,
      fingerprint,
      status: "firing",
      name,
      severity,
      labels,
      annotations,
      startsAt,
      endsAt: null,
      source,
      sanitised,
    },
  };
}
