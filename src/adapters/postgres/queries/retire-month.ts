// The end of a month: first what its record comes to is kept, then the rows that lists read go, then the partitions, whole. Nobody
// finds an execution whose events are gone.
import { createHash } from "node:crypto";
import { monthlyTables } from "../months.ts";
import type { Sql } from "../sql.ts";
import { readPartitions } from "./partitions.ts";

export interface IdRange {
  readonly lower: string;
  /** Without this id itself. */
  readonly upper: string;
}

export interface RetiringMonth extends IdRange {
  readonly executions: number;
  readonly rootHash: string;
}

const inRange = (column: string) => `${column} >= $1::uuid and ${column} < $2::uuid`;
const pageRows = 5_000;

export async function isFinished(
  sql: Sql,
  { lower, upper, before, seconds }: IdRange & { readonly before: Date; readonly seconds: number },
): Promise<boolean> {
  const [row] = await sql.query<{ finished: boolean }>(
    `select $3::timestamptz <= now() - $4::double precision * interval '1 second'
       and not exists (select from executions where ${inRange("id")} and outcome is null)
       and not exists (select from audit_outbox where ${inRange("execution_id")} and published_at is null)
       and not exists (select from assessments where ${inRange("execution_id")} and due_at is not null)
       and not exists (select from follow_ups where ${inRange("execution_id")} and due_at is not null) as finished`,
    [lower, upper, before, seconds],
  );
  return row?.finished === true;
}

/** sha256 of a line `<execution id> <head of its record>` for each record of the range, in order. */
export async function rootHash(
  sql: Sql,
  { lower, upper }: IdRange,
): Promise<Pick<RetiringMonth, "executions" | "rootHash">> {
  const hash = createHash("sha256");
  let executions = 0;
  let after: string | null = null;
  for (;;) {
    const rows: readonly { id: string; head: string }[] = await sql.query<{ id: string; head: string }>(
      `select execution_id::text as id, head from records
       where ${inRange("execution_id")} and ($3::uuid is null or execution_id > $3::uuid)
       order by execution_id limit $4::integer`,
      [lower, upper, after, pageRows],
    );
    for (const { id, head } of rows) hash.update(`${id} ${head}\n`);
    executions += rows.length;
    after = rows.at(-1)?.id ?? null;
    if (rows.length < pageRows) return { executions, rootHash: hash.digest("hex") };
  }
}

/** What a crash has left half done. */
export async function retiring(sql: Sql): Promise<RetiringMonth | null> {
  const [row] = await sql.query<{ lower: string; upper: string; executions: number; root_hash: string }>(
    `select lower_id::text as lower, upper_id::text as upper, executions, root_hash
     from retired where dropped_at is null order by upper_id limit 1`,
  );
  return row === undefined ? null : { ...row, rootHash: row.root_hash };
}

/** Two replicas at once come to the same. */
export async function beginRetiring(sql: Sql, month: RetiringMonth): Promise<RetiringMonth> {
  await sql.query(
    `insert into retired (lower_id, upper_id, executions, root_hash, last_xid)
     values ($1::uuid, $2::uuid, $3::integer, $4::text,
       (select xid from events where ${inRange("execution_id")} and xid is not null order by xid desc limit 1))
     on conflict (upper_id) do nothing`,
    [month.lower, month.upper, month.executions, month.rootHash],
  );
  return month;
}

/** Some thousands at a time. @returns whether there were any */
export async function removeRows(sql: Sql, { lower, upper }: IdRange): Promise<boolean> {
  let removed = false;
  for (const [table, id] of [
    ["executions", "id"],
    ["records", "execution_id"],
    ["evidence", "execution_id"],
    ["escalations", "execution_id"],
    ["follow_ups", "execution_id"],
    ["asks", "execution_id"],
    ["lifts", "execution_id"],
    ["next_asks", "execution_id"],
  ] as const) {
    const rows = await sql.query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where ${inRange(id)} limit $3::integer for update skip locked)) returning 1`,
      [lower, upper, pageRows],
    );
    removed ||= rows.length > 0;
  }
  return removed;
}

/** Inside a transaction: the partitions go together with the note that they are gone. */
export async function endRetiring(sql: Sql, { upper }: IdRange): Promise<void> {
  for (const table of monthlyTables) {
    const partition = (await readPartitions(sql, table)).find((one) => one.upper === upper);
    if (partition !== undefined) await sql.query(`drop table ${partition.name}`);
  }
  await sql.query("update retired set dropped_at = now() where upper_id = $1::uuid and dropped_at is null", [
    upper,
  ]);
}
