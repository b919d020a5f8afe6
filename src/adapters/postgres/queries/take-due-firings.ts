// Claims due firings for a while by moving their time on: a crash of whoever took them makes them due again. In a storm of
// thousands the critical ones go first; of each kind, what has waited longest.

import type { DueFiring } from "../../../controller/ports.ts";
import { asBadOrWorse } from "../../../domain/intake/severity.ts";
import type { Sql } from "../sql.ts";
import { type OpenAlertRow, openAlert, openAlertColumns } from "./open-alert.ts";

interface Row extends OpenAlertRow {
  readonly id: string;
  readonly token: string;
  readonly opened_at: Date;
  readonly undecided_count: number;
}

const isDue = `status = 'open' and decide_at <= now() and (held_why is null or held_until <= now())`;

/** As in the index alerts_urgent. */
const isUrgent = `lower(severity) = any ('{${asBadOrWorse("critical").join(",")}}'::text[])`;

/** Skips what another replica is taking. */
export async function takeDueFirings(
  sql: Sql,
  limit: number,
  claimSeconds: number,
): Promise<readonly DueFiring[]> {
  const rows = await sql.query<Row>(
    `with urgent as materialized (
       select id from alerts where ${isDue} and ${isUrgent} order by decide_at limit $1::integer for update skip locked
     ), others as materialized (
       select id from alerts where ${isDue} and not ${isUrgent} order by decide_at
       limit $1::integer - (select count(*) from urgent) for update skip locked
     ), due as (
       select id from urgent union all select id from others
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
