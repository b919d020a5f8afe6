// The open firings of one target: what they wait for before the first decision, and which of them it is about.
import type { GatheredFiring, Gathering } from "../../../controller/hold-ports.ts";
import type { DueFiring } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";
import { type OpenAlertRow, openAlert, openAlertColumns } from "./open-alert.ts";

/** Nothing but waiting was decided about the firing. */
const undecided = `not exists (
  select from decisions d where d.alert_id = a.id and d.kind not in ('waiting', 'held')
)`;

/**
 * Writes down what the firing is about. What was open for longer than the time of gathering has gathered already, so that an alert
 * which nobody answers delays nothing.
 */
export async function aimFiring(
  sql: Sql,
  { id, token }: Pick<DueFiring, "id" | "token">,
  key: string,
  gatherSeconds: number,
): Promise<Gathering> {
  await sql.query(
    `update alerts set target_key = $3::text where id = $1::bigint and token = $2::bigint and target_key is distinct from $3::text`,
    [id, token, key],
  );
  const rows = await sql.query<{ first: boolean; seconds: number }>(
    `select ${undecided} and not exists (select from incidents i where i.key = $2::text and i.closed_at is null) as first,
       extract(epoch from (
         select min(o.opened_at) from alerts o
         where o.id = a.id or (o.target_key = $2::text and o.status = 'open'
           and o.opened_at > now() - $3::double precision * interval '1 second')
       ) + $3::double precision * interval '1 second' - now())::double precision as seconds
     from alerts a where a.id = $1::bigint`,
    [id, key, gatherSeconds],
  );
  const { first = false, seconds = 0 } = rows[0] ?? {};
  return { first, seconds };
}

/** One of each name and severity, always the same ones, whatever the order in which they came. */
export async function gatheredFirings(
  sql: Sql,
  key: string,
  limit: number,
): Promise<readonly GatheredFiring[]> {
  const rows = await sql.query<OpenAlertRow & { readonly id: string }>(
    `select distinct on (a.name, a.severity) a.id, ${openAlertColumns} from alerts a
     where a.target_key = $1::text and a.status = 'open' and (a.held_why is null or a.held_until <= now()) and ${undecided}
     order by a.name, a.severity, a.fingerprint limit $2::integer`,
    [key, limit],
  );
  return rows.map((row) => ({ id: row.id, alert: openAlert(row) }));
}

/** It is decided now instead of later. */
export async function hastenFiring(sql: Sql, id: string): Promise<void> {
  await sql.query(
    "update alerts set decide_at = now() where id = $1::bigint and status = 'open' and decide_at > now() + interval '10 seconds'",
    [id],
  );
}

/** Why the object may be in trouble; null: nothing that fires is about it. */
export async function openTrouble(sql: Sql, key: string): Promise<"fires" | "incident" | null> {
  const rows = await sql.query<{ fires: boolean; incident: boolean }>(
    `select exists (select from alerts where target_key = $1::text and status = 'open') as fires,
       exists (select from incidents where key = $1::text and closed_at is null) as incident`,
    [key],
  );
  const [row] = rows;
  return row?.fires === true ? "fires" : row?.incident === true ? "incident" : null;
}
