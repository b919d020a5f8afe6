// Two versions of gitmend on one database, as the older one lives it; and what it makes of snapshots that it did not write.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { fold } from "../../../src/domain/execution/evolve.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import { append, ending, events, recorded } from "../../contracts/store-samples.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { startExecutions } from "./start-executions.ts";

let postgres: TestPostgres;
let database: Database;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
});
afterAll(() => postgres.remove());
beforeEach(async () => {
  database = await openDatabase({ url: await postgres.createDatabase() });
  return () => database.close();
});

const query = async (text: string, values: readonly unknown[] = []) =>
  (await database.pool.query<Record<string, unknown>>(text, [...values])).rows;
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: unknown) => toProblem(error).code,
  );

/** Its third event is one that only a newer version has. */
async function newerStream(id: string, type = "StepSkipped", version = 99): Promise<void> {
  const [event] = recorded(2, events.skipped("as of next year"));
  const newer = { ...event!, version, event: { ...event!.event, type } };
  await database.executions.append(append(id, 2, { events: [newer as typeof event & object] }));
}

describe("a replica beside a newer one", () => {
  it("claims what it can read and leaves the rest to the newer one", async () => {
    const [known = "", newerVersion = "", newerType = ""] = await startExecutions(database, 3);
    await newerStream(newerVersion);
    await newerStream(newerType, "StepTeleported", 1);
    await database.executions.release();
    expect((await database.executions.claimAbandoned(10)).map(({ id }) => id)).toEqual([known]);
    expect(await query("select id from executions where owner is null order by id")).toHaveLength(2);
  });

  it("lists a newer execution, and says why it does not show it", async () => {
    const [id = ""] = await startExecutions(database, 1);
    await newerStream(id);
    expect(await database.executions.find(id)).toMatchObject({ id, phase: "running" });
    expect(await codeOf(database.executions.events(id))).toBe("EVENT_UNKNOWN");
    await expect(database.executions.state(id)).rejects.toThrow(/StepSkipped of version 99.*does not know/);
  });

  it("neither assesses nor publishes it", async () => {
    const [known = "", newer = ""] = await startExecutions(database, 2);
    await newerStream(newer);
    for (const [id, version] of [[known, 2] as const, [newer, 3] as const])
      await database.executions.append(ending(id, version, { assessAfterSeconds: 0 }));
    expect((await database.assessments.takeDue(10, 60)).map(({ executionId }) => executionId)).toEqual([
      known,
    ]);
    const entries = await database.outbox.take(100);
    expect(new Set(entries.map(({ executionId }) => executionId))).toEqual(new Set([known]));
  });

  it("tells how many executions nobody drives, so that a rollback is not silent", async () => {
    const [id = ""] = await startExecutions(database, 2);
    await newerStream(id);
    expect(await database.views.health()).toMatchObject({ unowned: 0 });
    await database.executions.release();
    await database.executions.claimAbandoned(10);
    expect(await database.views.health()).toMatchObject({ unowned: 1 });
  });
});

describe("a long stream", () => {
  const skipped = (count: number) =>
    recorded(2, ...Array.from({ length: count }, (_, index) => events.skipped(`${index}`)));
  const long = async () => {
    const [id = ""] = await startExecutions(database, 1);
    await database.executions.append(append(id, 2, { events: skipped(250) }));
    return id;
  };
  const all = async (id: string) => fold(await database.executions.events(id));

  it("is read from its snapshot and the events after it", async () => {
    const id = await long();
    const early = fold((await database.executions.events(id)).slice(0, 200));
    await database.executions.saveSnapshot(id, early);
    expect(await database.executions.state(id)).toEqual(await all(id));
    // The snapshot is what was read: a word in it that the events do not have shows.
    await query('update snapshots set text = replace(text, \'"incident":"\', \'"incident":"cached \')');
    expect((await database.executions.state(id)).incident).toMatch(/^cached /);
  });

  it.each([
    ["of another shape", "update snapshots set shape = 'last-year', text = '{}'"],
    ["that cannot be read", "update snapshots set text = '{'"],
    ["that says more than the events", "update snapshots set seq = 999"],
    ["of another event than it says", "update snapshots set seq = 100"],
  ])("is read from its events when there is a snapshot %s", async (_, damage) => {
    const id = await long();
    await database.executions.saveSnapshot(id, fold((await database.executions.events(id)).slice(0, 200)));
    await query(damage);
    expect(await database.executions.state(id)).toEqual(await all(id));
  });

  it("keeps its newest snapshot when an older one comes late", async () => {
    const id = await long();
    const stream = await database.executions.events(id);
    await database.executions.saveSnapshot(id, fold(stream.slice(0, 240)));
    await database.executions.saveSnapshot(id, fold(stream.slice(0, 200)));
    expect(await query("select seq from snapshots")).toEqual([{ seq: 240 }]);
  });
});
