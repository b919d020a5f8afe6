// What the intake keeps beside firings, and for how long. Rows are made old by hand: nothing here waits.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import {
  delivery,
  newAlert,
  newExecution,
  newId,
  resolved,
  revision,
} from "../../contracts/store-samples.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

const day = 86_400;
const retention = {
  deadLettersSeconds: 30 * day,
  alertsSeconds: 90 * day,
  evidenceSeconds: 30 * day,
  bodiesSeconds: day,
};

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
const unreadable = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ reason: `LABELS_INVALID: ${index}`, body: { index } }));

describe("a firing that is held", () => {
  const hold = (until: string | null) => ({
    by: "ana",
    until,
    why: `silenced by ana until ${until ?? "later"}`,
  });

  it("is shown with the reason, then with what was decided before", async () => {
    const { alerts, views } = database;
    const alert = newAlert();
    await alerts.receive(delivery(alert));
    const [firing] = await alerts.takeDue(1, 60);
    await alerts.decide(firing!, { kind: "no-match", revision, reasons: ["no rule names it"] });
    await alerts.hold([{ ...alert, hold: hold(null) }]);
    expect(await views.currentFirings(10)).toMatchObject([
      { state: "held", reasons: ["silenced by ana until later"] },
    ]);
    await alerts.letGo([alert]);
    expect(await views.currentFirings(10)).toMatchObject([
      { state: "no-match", reasons: ["no rule names it"] },
    ]);
  });

  it("is due at the end of its silence, although nobody says so", async () => {
    const { alerts } = database;
    const alert = newAlert();
    await alerts.receive(delivery(alert));
    await alerts.hold([{ ...alert, hold: hold("2999-01-01T00:00:00.000Z") }]);
    expect(await alerts.takeDue(10, 0)).toEqual([]);
    await query("update alerts set held_until = now()");
    expect(await alerts.takeDue(10, 0)).toHaveLength(1);
  });

  it("is due again when nobody has said for a while that it is still inhibited", async () => {
    const { alerts } = database;
    const alert = newAlert();
    await alerts.receive(delivery(alert));
    const inhibited = { ...alert, hold: { by: null, until: null, why: "inhibited by X" } };
    const left = async () =>
      Number((await query("select extract(epoch from held_until - now()) as left from alerts"))[0]?.["left"]);
    await alerts.hold([inhibited]);
    expect(await left()).toBeGreaterThan(800);
    await query("update alerts set held_until = now() + interval '5 minutes'");
    const [before] = await query("select token from alerts");
    await alerts.hold([inhibited]);
    expect(await left()).toBeGreaterThan(800);
    expect(await query("select token from alerts")).toEqual([before]);
    expect(await query("select kind from decisions")).toHaveLength(1);
    expect(await alerts.takeDue(10, 0)).toEqual([]);
    await query("update alerts set held_until = now()");
    expect(await alerts.takeDue(10, 0)).toHaveLength(1);
  });

  it("tells a longer silence as a new reason, and the same one never twice", async () => {
    const { alerts } = database;
    const alert = newAlert();
    await alerts.receive(delivery(alert));
    for (const until of ["2999-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z", "2999-01-02T00:00:00.000Z"])
      await alerts.hold([{ ...alert, hold: hold(until) }]);
    const told = (await query("select reasons from decisions where kind = 'held' order by id")).map(
      ({ reasons }) => reasons,
    );
    expect(told).toEqual([
      ["silenced by ana until 2999-01-01T00:00:00.000Z"],
      ["silenced by ana until 2999-01-02T00:00:00.000Z"],
    ]);
  });
});

describe("a firing that its Alertmanager no longer has", () => {
  it("ends where it was heard of last and tells its execution; one that was delivered since stays", async () => {
    const { alerts } = database;
    const [gone, back] = [newAlert(), newAlert()];
    await alerts.receive(delivery(gone, back));
    const [firing] = (await alerts.takeDue(10, 60)).filter(
      ({ alert }) => alert.fingerprint === gone.fingerprint,
    );
    const decision = newExecution(gone);
    await alerts.decide(firing!, decision);
    await query("update alerts set last_received_at = '2026-11-17T11:00:00Z' where fingerprint = $1", [
      gone.fingerprint,
    ]);
    expect(await alerts.resolveUnheard([gone, back], "2026-11-17T11:00:00.000Z")).toBe(1);
    const rows = await query("select fingerprint, ends_at from alerts where status = 'resolved'");
    expect(rows).toEqual([{ fingerprint: gone.fingerprint, ends_at: new Date("2026-11-17T11:00:00Z") }]);
    expect(await query("select command ->> 'type' as type from commands")).toEqual([
      { type: "alert-resolved" },
    ]);
    expect((await alerts.openFirings()).map(({ fingerprint }) => fingerprint)).toEqual([back.fingerprint]);
  });
});

describe("dead letters", () => {
  it("are read page by page, each once, while new ones arrive", async () => {
    const { alerts } = database;
    await alerts.receive({ ...delivery(), deadLetters: unreadable(5) });
    const first = await alerts.deadLetters({ limit: 2 });
    await alerts.receive({ ...delivery(), deadLetters: unreadable(3) });
    const second = await alerts.deadLetters({ limit: 2, before: first[1]!.id });
    const third = await alerts.deadLetters({ limit: 2, before: second[1]!.id });
    const bodies = [...first, ...second, ...third].map(({ body }) => JSON.parse(body).index);
    expect(bodies).toEqual([4, 3, 2, 1, 0]);
  });

  it("are found and dropped by their id, and by no other", async () => {
    const { alerts } = database;
    await alerts.receive({ ...delivery(), deadLetters: unreadable(2) });
    const [letter, other] = await alerts.deadLetters({ limit: 2 });
    expect(await alerts.deadLetter(letter!.id)).toEqual(letter);
    expect(await alerts.deadLetter("999999999999999999")).toBeNull();
    expect(await alerts.dropDeadLetter(letter!.id)).toBe(true);
    expect(await alerts.dropDeadLetter(letter!.id)).toBe(false);
    expect(await alerts.deadLetters({ limit: 9 })).toEqual([other]);
  });
});

describe("what is older than its retention", () => {
  it("goes: dead letters, evidence, resolved firings with their decisions", async () => {
    const { alerts, executions } = database;
    const [old, young, open] = [newAlert(), newAlert(), newAlert()];
    await alerts.receive({ ...delivery(old, young, open), deadLetters: unreadable(2) });
    for (const firing of await alerts.takeDue(10, 60))
      await alerts.decide(firing, { kind: "no-match", revision, reasons: [] });
    await alerts.receive(delivery(resolved(old), resolved(young)));
    const evidence = { executionId: newId(), sha256: "x", text: "a log" };
    await executions.saveEvidence({ ...evidence, name: "old" });
    await executions.saveEvidence({ ...evidence, name: "young" });
    await query("update dead_letters set received_at = now() - interval '31 days' where id = 1");
    await query("update evidence set saved_at = now() - interval '31 days' where name = 'old'");
    await query("update alerts set resolved_at = now() - interval '91 days' where fingerprint = $1", [
      old.fingerprint,
    ]);
    await alerts.keepHouse(day, retention);
    expect((await alerts.deadLetters({ limit: 9 })).map(({ id }) => id)).toEqual(["2"]);
    expect(await query("select name from evidence")).toEqual([{ name: "young" }]);
    const left = await query(
      "select a.fingerprint from alerts a join decisions d on d.alert_id = a.id order by a.id",
    );
    expect(new Set(left.map(({ fingerprint }) => fingerprint))).toEqual(
      new Set([young.fingerprint, open.fingerprint]),
    );
    expect(await query("select count(*)::integer as count from decisions")).toEqual([{ count: 2 }]);
  });

  it("goes: bodies of mended alerts, while the deliveries stay in the log", async () => {
    const { alerts } = database;
    await alerts.receive({ ...delivery(newAlert()), mendedBody: "as it came, a day ago" });
    await query("update deliveries set received_at = now() - interval '25 hours'");
    await alerts.receive({ ...delivery(newAlert()), mendedBody: "as it came \ud83d" });
    await alerts.receive(delivery(newAlert()));
    await alerts.keepHouse(day, retention);
    const bodies = (await query("select body from deliveries order by id")).map(({ body }) => body);
    expect(bodies).toEqual([null, "as it came \uFFFD", null]);
  });

  it("never takes an open firing, however old, and takes a stale one", async () => {
    const { alerts } = database;
    const [open, stale] = [newAlert(), newAlert()];
    await alerts.receive(delivery(open, stale));
    await query(
      "update alerts set last_received_at = now() - interval '91 days', opened_at = last_received_at",
    );
    await query("update alerts set status = 'stale' where fingerprint = $1", [stale.fingerprint]);
    await alerts.keepHouse(365 * day, retention);
    expect(await query("select fingerprint from alerts")).toEqual([{ fingerprint: open.fingerprint }]);
  });

  it("goes some thousands at a time, so that no round holds the database for long", async () => {
    await query(
      `insert into dead_letters (received_at, source, reason, body)
       select now() - interval '40 days', 'default', 'r', '{}' from generate_series(1, 12000)`,
    );
    const left = async () => (await query("select count(*)::integer as count from dead_letters"))[0]!.count;
    const counts = [];
    for (let round = 0; round < 3; round += 1) {
      await database.alerts.keepHouse(day, retention);
      counts.push(await left());
    }
    expect(counts).toEqual([7_000, 2_000, 0]);
  });
});

describe("the Watchdogs of two peers", () => {
  it("are one sign of life: seconds between them are no interval", async () => {
    const { alerts } = database;
    const comes = () => alerts.receive({ ...delivery(newAlert({ name: "Watchdog" })), source: "main" });
    await comes();
    await query("update watchdogs set last_at = now() - interval '4 hours'");
    await comes();
    await comes();
    const [watchdog] = await alerts.watchdogs();
    expect(watchdog?.gapSeconds).toBeCloseTo(4 * 3_600, -2);
  });
});
