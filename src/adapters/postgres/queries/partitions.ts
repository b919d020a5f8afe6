// The partitions of a table that has one a month, and making a new one ahead of its time. Appends go on meanwhile: attaching locks
// only the default partition, which is empty unless a clock was wrong or nobody made a month in time.
import { idFloor, type MonthlyTable, monthAfter, monthSuffix } from "../months.ts";
import type { Sql } from "../sql.ts";

export interface Partition {
  readonly name: string;
  /** null: from the beginning. */
  readonly lower: string | null;
  /** Without this id itself. */
  readonly upper: string;
}

/** By time, without the default one. */
export async function readPartitions(sql: Sql, table: MonthlyTable): Promise<readonly Partition[]> {
  const rows = await sql.query<{ name: string; bounds: string }>(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = to_regclass($1::text)`,
    [table],
  );
  return rows
    .flatMap(({ name, bounds }) => {
      const [, lower = null, upper] =
        /FROM \((?:'([0-9a-f-]+)'|MINVALUE)\) TO \('([0-9a-f-]+)'\)/.exec(bounds) ?? [];
      return upper === undefined ? [] : [{ name, lower, upper }];
    })
    .toSorted((left, right) => (left.upper < right.upper ? -1 : 1));
}

/** A transaction that waits no longer than this for a lock, because others would queue up behind it. */
export async function waitBriefly(sql: Sql): Promise<void> {
  await sql.query("set local lock_timeout = '2s'");
}

/** Inside a transaction of its own. */
export async function addMonth(sql: Sql, table: MonthlyTable, start: Date): Promise<void> {
  const name = `${table}${monthSuffix(start)}`;
  const [lower, upper] = [idFloor(start), idFloor(monthAfter(start, 1))];
  await waitBriefly(sql);
  await sql.query(`create table ${name} (like ${table} including all)`);
  if (table === "events") {
    await sql.query(`create trigger ${name}_not_truncated before truncate on ${name}
      for each statement execute function refuse_change()`);
  }
  await takeFromDefault(sql, table, name, [lower, upper]);
  await sql.query(
    `alter table ${table} attach partition ${name} for values from ('${lower}') to ('${upper}')`,
  );
}

/** Rows that came before their month was made are moved into it as they are; that is no change of a stored event. */
async function takeFromDefault(
  sql: Sql,
  table: MonthlyTable,
  name: string,
  range: readonly [string, string],
): Promise<void> {
  const inRange = "execution_id >= $1::uuid and execution_id < $2::uuid";
  const early = await sql.query(`select 1 from ${table}_default where ${inRange} limit 1`, range);
  if (early.length === 0) return;
  await sql.query(`alter table ${table}_default disable trigger user`);
  await sql.query(
    `with early as (delete from ${table}_default where ${inRange} returning *) insert into ${name} select * from early`,
    range,
  );
  await sql.query(`alter table ${table}_default enable trigger user`);
}
