// `gitmend migrate` and `gitmend doctor --repair` on a database of their own, without a controller.
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { cli } from "./given-cli.ts";

let postgres: TestPostgres;
let url: string;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
  url = postgres.url("fresh");
  await query("create database fresh", postgres.url("postgres"));
});
afterAll(() => postgres.remove());

async function query(text: string, where = url) {
  const client = new pg.Client({ connectionString: where });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
const run = (...args: string[]) =>
  cli(args, { environment: { GITMEND_DATABASE_URL: url }, workingFolder: "/" });

describe("a new database", () => {
  it("is shown the SQL first, then gets it, once", async () => {
    const dry = await run("migrate", "--dry-run");
    expect(dry).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^-- 0001-first-tables\n[\s\S]*create table events/),
    });
    expect(await query("select to_regclass('events') as events")).toEqual([{ events: null }]);
    expect((await run("migrate")).out).toMatch(/^applied 0001-first-tables\n[\s\S]*applied 0008-months\n/);
    expect((await run("migrate")).out).toBe("the schema is up to date\n");
    const programs = JSON.parse((await run("migrate", "-o", "json")).out) as object;
    expect(programs).toEqual({ dryRun: false, migrations: [] });
  });

  it("is sound, and a repair has nothing to do", async () => {
    const { code, out } = await run("doctor", "--repair");
    expect([code, out]).toEqual([
      0,
      "0 executions, 0 events examined\n\nAll that follows from the events is as they say.\n",
    ]);
  });

  it("with something left behind is told of it, mended, and then sound", async () => {
    await query("insert into claims values ('prod-eu/apps/Deployment/shop/api', gen_random_uuid())");
    const found = await run("doctor", "--integrity");
    expect(found.code).toBe(1);
    expect(found.out).toContain("claims-left  1\n  an execution that has ended");
    expect(found.out).toContain("prod-eu/apps/Deployment/shop/api by ");
    expect(found.out).toContain("run `gitmend doctor --repair`");
    expect(await run("doctor", "--repair")).toMatchObject({
      code: 0,
      out: expect.stringContaining("claims-left  1, mended"),
    });
    expect((await run("doctor", "--repair")).out).toContain("All that follows");
  });
});

describe("an old schema", () => {
  it("is migrated before it is examined, and not while a replica is at work", async () => {
    await query("delete from migrations where number = 4");
    expect(await run("doctor", "--repair")).toMatchObject({
      code: 1,
      err: expect.stringContaining("gitmend migrate"),
    });
    await query("insert into replicas values ('r1', now() + interval '1 hour')");
    expect(await run("migrate")).toMatchObject({ code: 1, err: expect.stringContaining("REPLICA_ALIVE") });
    expect(await query("select 1 from migrations where number = 4")).toEqual([]);
  });
});
