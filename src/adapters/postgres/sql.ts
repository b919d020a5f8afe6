// How all queries talk to PostgreSQL: unnamed statements only (PGlite has one session for everybody), errors as Problems,
// and transactions that are repeated when PostgreSQL broke a deadlock.
import pg from "pg";
import { Problem } from "../../domain/problem.ts";

export interface Sql {
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

// Connection, resources, shutdown, system, access, no such database, deadlock and serialisation, read-only after a failover.
const unavailableStates = /^(08|53|57|58|28|3D|40|25006)/;
const repeatableStates = /^40/;
const repetitions = 5;

/** SQLSTATE of an error that PostgreSQL itself answered; null for everything else. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code !== undefined ? error.code : null;
}

/** Whether PostgreSQL understood the statement and refused what is in it: repeating it does not help. */
export function isRefused(error: unknown): boolean {
  const state = sqlState(error);
  return state !== null && !unavailableStates.test(state);
}

/** Any error of the driver as a Problem: DATABASE_UNAVAILABLE when the same call may succeed later, else INTERNAL. */
export function databaseProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const text = error instanceof Error ? error.message : String(error);
  const isBug = error instanceof TypeError || error instanceof RangeError;
  if (isRefused(error) || isBug) {
    return new Problem("INTERNAL", `the database refused a statement: ${text}`, {
      cause: error,
      details: { sqlState: sqlState(error) },
    });
  }
  return new Problem("DATABASE_UNAVAILABLE", `the database does not answer: ${text}`, {
    cause: error,
    retryable: true,
  });
}

export function sqlOf(target: pg.Pool | pg.PoolClient): Sql {
  return {
    async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      const result = await (target as pg.Pool).query<Row>(text, [...values]);
      return result.rows;
    },
  };
}

/** Whatever the driver throws inside becomes a Problem. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseProblem(error);
  }
}

/** Commits what `work` did when it resolves, undoes it when it throws. Never use the pool inside: PGlite has one connection. */
export async function inTransaction<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transact(pool, work);
    } catch (error) {
      const state = sqlState(error);
      if (state === null || !repeatableStates.test(state) || attempt === repetitions) throw error;
    }
  }
}

async function transact<T>(pool: pg.Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("begin");
    const result = await work(sqlOf(client));
    await client.query("commit");
    broken = false;
    return result;
  } catch (error) {
    broken = !(await rolledBack(client));
    throw error;
  } finally {
    client.release(broken);
  }
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query("rollback");
    return true;
  } catch {
    return false;
  }
}
