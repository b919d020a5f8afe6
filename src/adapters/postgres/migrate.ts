// Forward-only migrations: numbered SQL files, each applied once, all pending ones in one transaction under a lock.
// A database that knows more than this program is refused; so is one whose applied files read differently now.
import { readdir, readFile } from "node:fs/promises";
import type pg from "pg";
import { sha256 } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import { guarded, inTransaction, type Sql } from "./sql.ts";

export interface Migration {
  /** `0001-first-tables`. */
  readonly name: string;
  readonly number: number;
  readonly sql: string;
  readonly checksum: string;
}

const folder = new URL("./migrations/", import.meta.url);
/** Any constant will do; held until the transaction ends. */
const lockKey = 7_218_411;

export async function readMigrations(): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}-.*\.sql$/.test(file)).toSorted();
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(new URL(file, folder), "utf8");
      return {
        name: file.replace(/\.sql$/, ""),
        number: Number(file.slice(0, 4)),
        sql,
        checksum: sha256(sql),
      };
    }),
  );
}

/**
 * Brings the schema up to date; `dryRun` only says what would be applied. Two at once: the second waits and finds nothing to do.
 * @returns what was (or would be) applied. @throws Problem DATABASE_TOO_NEW, DATABASE_UNAVAILABLE, INTERNAL (a file was changed)
 */
export async function migrate(
  pool: pg.Pool,
  options: { readonly dryRun?: boolean } = {},
): Promise<readonly Migration[]> {
  const known = await readMigrations();
  return guarded(() =>
    inTransaction(pool, async (sql) => {
      await sql.query("select pg_advisory_xact_lock($1::bigint)", [lockKey]);
      const pending = pendingOf(known, await applied(sql));
      if (options.dryRun !== true && pending.length > 0) await apply(sql, pending);
      return pending;
    }),
  );
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

async function applied(sql: Sql): Promise<readonly Applied[]> {
  const [table] = await sql.query<{ exists: boolean }>(
    "select to_regclass('migrations') is not null as exists",
  );
  if (table?.exists !== true) return [];
  return sql.query<Applied>("select number, name, checksum from migrations order by number");
}

function pendingOf(known: readonly Migration[], done: readonly Applied[]): readonly Migration[] {
  for (const { number, name, checksum } of done) {
    const file = known.find((migration) => migration.number === number);
    if (file === undefined) {
      throw new Problem("DATABASE_TOO_NEW", `the database has migration ${name}, which this version lacks`);
    }
    if (file.checksum !== checksum) {
      throw new Problem("INTERNAL", `migration ${name} was changed after it had been applied`);
    }
  }
  // By number: what was merged later may stand before what is there already.
  return known.filter(({ number }) => !done.some((migration) => migration.number === number));
}

async function apply(sql: Sql, pending: readonly Migration[]): Promise<void> {
  await sql.query(`create table if not exists migrations (
    number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`);
  for (const { number, name, checksum, sql: text } of pending) {
    await sql.query(text);
    await sql.query(
      "insert into migrations (number, name, checksum) values ($1::integer, $2::text, $3::text)",
      [number, name, checksum],
    );
  }
}
