// Claims due firings for a while by moving their time on: a crash of whoever took them makes them due again.

import type { DueFiring } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";
import { type OpenAlertRow, openAlert, openAlertColumns } from "./open-alert.ts";

interface Row extends OpenAlertRow {
  readonly id: string;
  readonly token: string;
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
       select id from alerts where status = 'open' and decide_at <= now() and (held_why is null or held_until <= now())
       order by decide_at limit $1::integer for update skip locked
     )
     update alerts a set decide_at = now() + $2::double precision * interval '1 second', token = a.token + 1
     from due where a.id = due.id
     returning a.id, a.token, a.opened_at, a.undecided_count, ${openAlertColumns}`,
    [limit, claimSeconds],
  );
  return rows.map(dueFiring).toSorted((a, b) => Number(a.id) - Number(b.id));
}

function dueFiring(row: Row): DueFiring {
  return {
    id: row.id,
    token: Number(row.token),
    undecidedCount: row.undecided_count,
    openedAt: row.opened_at.toISOString(),
    alert: openAlert(row),
  };
}
