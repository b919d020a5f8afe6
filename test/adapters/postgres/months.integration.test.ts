// Months of the database: made ahead of their time, let go when they are over; and a database from before there were any.
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import { append, ending, events, recorded } from "../../contracts/store-samples.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { startExecutions } from "./start-executions.ts";

const folder = join(import.meta.dirname, "../../../src/adapters/postgres/migrations");
const day = 86_400;

let postgres: TestPostgres;
let url: string;
let database: Database;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
});
afterAll(() => postgres.remove());

async function run(text: string, values: readonly unknown[] = [], where = url) {
  const client = new pg.Client({ connectionString: where });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

const partitions = async () =>
  (
    await run(
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass order by 1",
    )
  ).map(({ name }) => name);

describe("a database of a version without months", () => {
  /** As that version left it, with an execution in it. */
  async function oldDatabase(): Promise<void> {
    url = postgres.url("before");
    await run("drop database if exists before", [], postgres.url("postgres"));
    await run("create database before", [], postgres.url("postgres"));
    await run(
      "create table migrations (number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())",
    );
    for (const file of globSync("000[1-7]-*.sql", { cwd: folder }).toSorted()) {
      const sql = readFileSync(join(folder, file), "utf8");
      await run(sql);
      const checksum = createHash("sha256").update(sql).digest("hex");
      await run("insert into migrations values ($1::integer, $2, $3)", [
        Number(file.slice(0, 4)),
        file.slice(0, -4),
        checksum,
      ]);
    }
  }
  const insertEvent = (id: string) =>
    run(`insert into events values ($1, 1, now(), 'StepSkipped', 1, '{}', '{}');`, [id]);

  it("keeps its events, its order of publishing and its refusal of changes", async () => {
    await oldDatabase();
    const [old, late] = ["01900000-0000-7000-8000-000000000001", "ffffffff-0000-7000-8000-000000000001"];
    for (const id of [old, late]) await insertEvent(id);
    await run("insert into audit_outbox (execution_id, milestone, seq) values ($1, 'planned', 1)", [old]);
    database = await openDatabase({ url });
    expect(
      await run("select execution_id, tableoid::regclass::text as place from events order by 1"),
    ).toEqual([
      { execution_id: old, place: "events_before" },
      { execution_id: late, place: "events_default" },
    ]);
    await run("insert into audit_outbox (execution_id, milestone, seq) values ($1, 'ended', 2)", [old]);
    expect(await run("select id, seq from audit_outbox order by id")).toEqual([
      { id: "1", seq: 1 },
      { id: "2", seq: 2 },
    ]);
    for (const statement of [
      "update events set text = ''",
      "delete from events",
      "truncate events",
      "truncate events_before",
    ])
      await expect(run(statement)).rejects.toMatchObject({ code: "23001" });
    await database.close();
  });
});

/** As if nobody had made it in time. */
async function dropLast(): Promise<string> {
  const last = String((await partitions()).findLast((name) => /_\d{4}_\d{2}$/.test(String(name))));
  for (const table of ["events", "audit_outbox", "assessments", "snapshots"])
    await run(`drop table ${last.replace("events", table)}`);
  return last;
}

describe("the months to come", () => {
  beforeEach(async () => {
    url = await postgres.createDatabase();
    database = await openDatabase({ url });
    return () => database.close();
  });

  it("are there before anybody needs them, once, although several replicas make them", async () => {
    const made = await partitions();
    expect(made).toEqual(expect.arrayContaining(["events_before", "events_default"]));
    expect(made).toHaveLength(4);
    const last = await dropLast();
    await Promise.all([1, 2, 3].map(() => database.executions.keepMonths(365 * day)));
    expect(await partitions()).toEqual(made);
    await expect(run(`truncate ${last}`)).rejects.toMatchObject({ code: "23001" });
  });

  it("take in what came before they were made: nothing was refused, nothing is lost", async () => {
    const last = await dropLast();
    const start = Date.parse(`${last.slice(-7).replace("_", "-")}-10T00:00:00Z`)
      .toString(16)
      .padStart(12, "0");
    const id = `${start.slice(0, 8)}-${start.slice(8)}-7000-8000-000000000001`;
    await run("insert into events values ($1, 1, now(), 'StepSkipped', 1, '{}', '{}')", [id]);
    await database.executions.keepMonths(365 * day);
    expect(await run("select tableoid::regclass::text as place from events")).toEqual([{ place: last }]);
    await expect(run("delete from events")).rejects.toMatchObject({ code: "23001" });
    await expect(run("delete from events_default where true returning 1")).resolves.toEqual([]);
  });

  it("wait for nobody: who holds a lock for long is left alone, and the month is made in a later round", async () => {
    const last = await dropLast();
    const reader = new pg.Client({ connectionString: url });
    await reader.connect();
    await reader.query("begin; lock table events in share update exclusive mode");
    const code = await database.executions
      .keepMonths(365 * day)
      .catch((error: unknown) => toProblem(error).message);
    expect(code).toMatch(/lock timeout/);
    await reader.query("rollback");
    await reader.end();
    await database.executions.keepMonths(365 * day);
    expect(await partitions()).toContain(last);
  });
});

describe("a month that is over", () => {
  beforeEach(async () => {
    url = await postgres.createDatabase();
    database = await openDatabase({ url });
    return () => database.close();
  });

  /** Ended and published, with a record whose head is known; all of it more than a year ago as far as the ids say. */
  async function pastExecutions(count: number): Promise<readonly string[]> {
    const ids = await startExecutions(database, count);
    for (const id of ids) await database.executions.append(ending(id, 2));
    const entries = await database.outbox.take(1_000);
    await database.outbox.markPublished(
      entries.map((entry) => ({
        ...entry,
        commit: "c".repeat(40),
        head: `head of ${entry.executionId}`,
        lines: 3,
        firstPrevious: "",
      })),
    );
    return ids.toSorted();
  }
  /** The month of now becomes one that ended long ago, without touching a row: retention is counted backwards. */
  const letGo = () => database.executions.keepMonths(-62 * day);

  it("is let go whole, and what its record comes to stays", async () => {
    const ids = await pastExecutions(3);
    const rootHash = createHash("sha256")
      .update(ids.map((id) => `${id} head of ${id}\n`).join(""))
      .digest("hex");
    expect(await letGo()).toMatchObject({ executions: 3, rootHash });
    for (const table of ["events", "executions", "audit_outbox", "records", "assessments"])
      expect(await run(`select count(*)::integer as rows from ${table}`)).toEqual([{ rows: 0 }]);
    expect(await run("select executions, root_hash, dropped_at is not null as dropped from retired")).toEqual(
      [{ executions: 3, root_hash: rootHash, dropped: true }],
    );
    expect(await database.executions.find(ids[0]!)).toBeNull();
  });

  it.each([
    ["an execution has not ended", async () => void (await startExecutions(database, 1))],
    [
      "a milestone is not published",
      async () => {
        const [id = ""] = await startExecutions(database, 1);
        await database.executions.append(ending(id, 2));
      },
    ],
    [
      "an assessment is to come",
      async () => {
        await run("insert into assessments (execution_id, due_at) select id, now() from executions limit 1");
      },
    ],
  ])("stays while %s", async (_, unfinished) => {
    const [id = ""] = await pastExecutions(1);
    await unfinished();
    expect(await letGo()).toBeNull();
    expect(await database.executions.events(id)).toHaveLength(3);
  });

  it("stays while it is not old enough", async () => {
    await pastExecutions(1);
    expect(await database.executions.keepMonths(30 * day)).toBeNull();
  });

  it("goes on being let go where a crash has left it", async () => {
    const [id = ""] = await pastExecutions(2);
    const [month] = await run(
      `select (regexp_match(pg_get_expr(relpartbound, oid), 'TO \\(''([^'']+)'))[1] as upper from pg_class where relname = 'events_before'`,
    );
    await run(
      "insert into retired (lower_id, upper_id, executions, root_hash) values ('00000000-0000-0000-0000-000000000000', $1, 2, 'kept')",
      [month?.["upper"]],
    );
    await run("delete from executions where id = $1", [id]);
    expect(await letGo()).toMatchObject({ executions: 2, rootHash: "kept" });
    expect(await run("select count(*)::integer as rows from executions")).toEqual([{ rows: 0 }]);
    expect(await partitions()).not.toContain("events_before");
  });

  it("does not stop appends to the months that stay", async () => {
    await pastExecutions(1);
    await letGo();
    const [id = ""] = await startExecutions(database, 1);
    await database.executions.append(append(id, 2, { events: recorded(2, events.skipped("later")) }));
    expect(await database.executions.events(id)).toHaveLength(3);
  });
});

describe("a schema that is newer than the program", () => {
  beforeEach(async () => {
    url = await postgres.createDatabase();
  });
  const later = (worksWith: number | null) =>
    run("insert into migrations (number, name, checksum, works_with) values (9999, '9999-later', 'x', $1)", [
      worksWith,
    ]);

  it("is worked with when it says that programs of this age may", async () => {
    await later(8);
    database = await openDatabase({ url });
    expect(await database.migrate({ dryRun: true })).toEqual([]);
    await database.close();
  });

  it.each([
    ["a later program is needed", 9999],
    ["it does not say", null],
  ])("is refused when %s, with the reason", async (_, worksWith) => {
    await later(worksWith);
    const refused = openDatabase({ url });
    await expect(refused).rejects.toThrow(/9999-later.*migration 9999 or later/);
    expect(await refused.catch((error: unknown) => toProblem(error).code)).toBe("DATABASE_TOO_NEW");
  });
});
