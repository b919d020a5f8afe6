// Forward-only migrations: numbered SQL files, each applied once, all pending ones in one transaction under a lock.
// A database that knows more than this program is refused, unless what is new says that older programs work with it; so is one
// whose applied files read differently now.
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
  /** The oldest program that works with it, by the last migration that it has: its line `-- Programs from 0007 on work with it.` */
  readonly worksWith: number;
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
        worksWith: Number(/^-- Programs from (\d{4}) on work with it\.$/m.exec(sql)?.[1] ?? file.slice(0, 4)),
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
  readonly works_with: number;
}

async function applied(sql: Sql): Promise<readonly Applied[]> {
  const [table] = await sql.query<{ exists: boolean }>(
    "select to_regclass('migrations') is not null as exists",
  );
  if (table?.exists !== true) return [];
  // The column is younger than the table.
  return sql.query<Applied>(
    `select number, name, checksum, coalesce((to_jsonb(m) ->> 'works_with')::integer, number) as works_with
     from migrations m order by number`,
  );
}

function pendingOf(known: readonly Migration[], done: readonly Applied[]): readonly Migration[] {
  const newest = Math.max(0, ...known.map(({ number }) => number));
  for (const { number, name, checksum, works_with } of done) {
    const file = known.find((migration) => migration.number === number);
    if (file === undefined && works_with <= newest) continue;
    if (file === undefined) {
      const least = String(works_with).padStart(4, "0");
      throw new Problem(
        "DATABASE_TOO_NEW",
        `the database has migration ${name}, which works only with versions that have migration ${least} or later`,
        { details: { migration: name, worksWith: works_with, newestKnown: newest } },
      );
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
    number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now(), works_with integer)`);
  await sql.query("alter table migrations add column if not exists works_with integer");
  for (const { number, name, checksum, worksWith, sql: text } of pending) {
    await sql.query(text);
    await sql.query(
      `insert into migrations (number, name, checksum, works_with)
       values ($1::integer, $2::text, $3::text, $4::integer)`,
      [number, name, checksum, worksWith],
    );
  }
}
