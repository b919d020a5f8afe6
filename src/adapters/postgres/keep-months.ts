// The months of the database: room for those to come, and an end for those that are over. Several replicas may do it at once; one
// does, the others find it done. What cannot have its lock within two seconds is tried again in the next round.
import type pg from "pg";
import type { RetiredMonth } from "../../controller/ports.ts";
import { idTime, monthAfter, monthlyTables } from "./months.ts";
import { addMonth, type Partition, readPartitions, waitBriefly } from "./queries/partitions.ts";
import {
  beginRetiring,
  endRetiring,
  isFinished,
  removeRows,
  retiring,
  rootHash,
} from "./queries/retire-month.ts";
import { guarded, inTransaction, type Sql, sqlOf } from "./sql.ts";

const monthsAhead = 2;
/** Any constant will do; held until the transaction ends. */
const lockKey = 7_218_412;

/** @throws Problem DATABASE_UNAVAILABLE, INTERNAL (somebody held a lock for too long) */
export async function makeMonths(pool: pg.Pool): Promise<void> {
  await guarded(async () => {
    for (const table of monthlyTables) {
      while (
        await alone(pool, async (sql) => {
          const start = await missingMonth(sql, table);
          if (start !== null) await addMonth(sql, table, start);
          return start !== null;
        })
      );
    }
  });
}

/** The month after the last one that is there, unless that is far enough ahead. */
async function missingMonth(sql: Sql, table: (typeof monthlyTables)[number]): Promise<Date | null> {
  const last = (await readPartitions(sql, table)).at(-1);
  const [row] = await sql.query<{ now: Date }>("select now()");
  if (last === undefined || row === undefined) return null;
  const start = monthAfter(idTime(last.upper), 0);
  return start <= monthAfter(row.now, monthsAhead) ? start : null;
}

/** false: `work` said so, or another replica is at it. */
async function alone(pool: pg.Pool, work: (sql: Sql) => Promise<boolean>): Promise<boolean> {
  return inTransaction(pool, async (sql) => {
    const [lock] = await sql.query<{ had: boolean }>("select pg_try_advisory_xact_lock($1::bigint) as had", [
      lockKey,
    ]);
    return lock?.had === true && work(sql);
  });
}

/**
 * Lets go of the oldest month if it ended `seconds` ago, everything in it has ended, is published and assessed. A crash in between
 * is taken up where it was. @returns null: there is none, or something in it is not finished
 */
export async function retireMonth(pool: pg.Pool, seconds: number): Promise<RetiredMonth | null> {
  return guarded(async () => {
    const sql = sqlOf(pool);
    const [oldest] = await readPartitions(sql, "events");
    const begun = (await retiring(sql)) ?? (await begin(sql, oldest, seconds));
    if (begun === null) return null;
    while (await removeRows(sql, begun));
    await inTransaction(pool, async (transaction) => {
      await waitBriefly(transaction);
      await endRetiring(transaction, begun);
    });
    return {
      before: idTime(begun.upper).toISOString(),
      executions: begun.executions,
      rootHash: begun.rootHash,
    };
  });
}

async function begin(sql: Sql, oldest: Partition | undefined, seconds: number) {
  if (oldest === undefined) return null;
  const range = { lower: oldest.lower ?? "00000000-0000-0000-0000-000000000000", upper: oldest.upper };
  if (!(await isFinished(sql, { ...range, before: idTime(oldest.upper), seconds }))) return null;
  return beginRetiring(sql, { ...range, ...(await rootHash(sql, range)) });
}
