// What Alertmanager may send, through the real server into a real PostgreSQL that durably commits: an answer of 202 is kept.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { Delivery } from "../../src/controller/ports.ts";
import { eventually } from "../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { givenServer, noDeadLetters } from "./given-server.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: true });
});
afterAll(() => postgres.remove());

const alert = (fingerprint: string, changes: object = {}) => ({
  status: "firing",
  labels: { alertname: "KubePodCrashLooping", namespace: "shop", pod: "api-0" },
  annotations: { summary: "api-0 is crash looping" },
  startsAt: "2026-11-17T10:00:00Z",
  endsAt: "0001-01-01T00:00:00Z",
  fingerprint,
  ...changes,
});
const payload = (...alerts: unknown[]) => ({ version: "4", alerts });
const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => alert(`${prefix}${index}`));

async function givenIntake() {
  const database = await openDatabase({ url: await postgres.createDatabase() });
  const alerts = { ...noDeadLetters, receive: (delivery: Delivery) => database.alerts.receive(delivery) };
  const server = await givenServer({}, { alerts });
  return {
    database,
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await database.close();
    },
  };
}

/** All that fire; claims them. */
async function firing(database: Database) {
  const due = await database.alerts.takeDue(100_000, 600);
  return due.map((firing) => firing.alert);
}

describe("a delivery", () => {
  it("is one firing each when the same body comes eight times at once", async () => {
    await using given = await givenIntake();
    const body = payload(...named(50, "f"));
    const answers = await Promise.all(Array.from({ length: 8 }, () => given.webhook(body)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
    const sum = (count: "opened" | "repeated") => answers.reduce((total, { json }) => total + json[count], 0);
    expect([sum("opened"), sum("repeated")]).toEqual([50, 350]);
    expect(await firing(given.database)).toHaveLength(50);
  });

  it("of 10,000 alerts, one of them broken, is read beside the main loop and kept whole", async () => {
    await using given = await givenIntake();
    const padding = { annotations: { description: "x".repeat(200) } };
    const alerts = Array.from({ length: 10_000 }, (_, index) => alert(`f${index}`, padding));
    const body = JSON.stringify(payload(...alerts.with(5_000, { ...alerts[0]!, status: "pending" })));
    expect(body.length).toBeGreaterThan(2 * 1024 * 1024);
    const { status, json } = await given.webhook(body);
    expect([status, json]).toEqual([202, { opened: 9_999, resolved: 0, repeated: 0, deadLetters: 1 }]);
    const fingerprints = (await firing(given.database)).map(({ fingerprint }) => fingerprint);
    expect(new Set(fingerprints).size).toBe(9_999);
    const [letter] = await given.database.alerts.deadLetters({ limit: 1 });
    expect(letter?.reason).toBe('STATUS_INVALID: status "pending" is neither "firing" nor "resolved"');
  });

  it.each([
    ["is no JSON", (text: string) => text.slice(1)],
    ["has another version", (text: string) => text.replace('"version":"4"', '"version":"3"')],
  ])("of several MiB that %s is refused with 400 like a small one", async (_, broken) => {
    await using given = await givenIntake();
    const text = JSON.stringify({ ...payload(alert("f0")), padding: "x".repeat(2 * 1024 * 1024) });
    const { status, json } = await given.webhook(broken(text));
    expect([status, json.code]).toEqual([400, "PAYLOAD_INVALID"]);
    expect((await given.webhook(text)).json).toMatchObject({ opened: 1 });
  });

  it("may be nested more deeply than any stack", async () => {
    await using given = await givenIntake();
    const deep = `${"[".repeat(1_500_000)}${"]".repeat(1_500_000)}`;
    expect((await given.webhook(deep)).status).toBe(400);
    const body = JSON.stringify(payload(alert("f0"), "@")).replace('"@"', deep);
    expect((await given.webhook(body)).json).toMatchObject({ opened: 1, deadLetters: 1 });
  });

  it("is kept letter by letter: every script, quotes, what looks like an escape; NUL and halves of pairs as U+FFFD", async () => {
    await using given = await givenIntake();
    const labels = {
      alertname: "Ünïcödé 日本 🙂",
      quotes: `"'{}\\,NULL`,
      escape: "\\u0000 \\x00",
      control: "\u0001\u001f\u2028\u202e",
      constructor: "x",
    };
    const body = JSON.stringify(payload(alert("f0", { labels: { ...labels, nul: "a@b", half: "c#d" } })));
    const sent = await given.webhook(body.replace("a@b", "a\\u0000b").replace("c#d", "c\\ud83dd"));
    expect(sent.status).toBe(202);
    const [kept] = await firing(given.database);
    expect(kept?.labels).toEqual({ ...labels, nul: "a\uFFFDb", half: "c\uFFFDd" });
    expect(kept?.sanitised).toBe(true);
  });

  it("opens nothing when its resolve came first, and is one firing when its start moves back and forth", async () => {
    await using given = await givenIntake();
    await given.webhook(payload(alert("late", { status: "resolved", endsAt: "2026-11-17T10:05:00Z" })));
    await given.webhook(payload(alert("late")));
    for (const minute of ["10", "05", "15", "00"]) {
      await given.webhook(payload(alert("moving", { startsAt: `2026-11-17T10:${minute}:00Z` })));
    }
    expect(await firing(given.database)).toMatchObject([
      { fingerprint: "moving", startsAt: "2026-11-17T10:10:00.000Z" },
    ]);
  });
});

describe("while PostgreSQL is away", () => {
  it("a delivery is answered with 503, and taken when PostgreSQL is back", async () => {
    await using given = await givenIntake();
    expect((await given.webhook(payload(alert("before")))).status).toBe(202);
    await postgres.stop();
    const away = await given.webhook(payload(alert("away")));
    expect([away.status, away.json.code, away.json.retryable]).toEqual([503, "DATABASE_UNAVAILABLE", true]);
    await postgres.start();
    await eventually("the delivery is taken", async () => {
      return (await given.webhook(payload(alert("away")))).status === 202;
    });
    expect((await firing(given.database)).map(({ fingerprint }) => fingerprint).toSorted()).toEqual([
      "away",
      "before",
    ]);
  });

  it("whatever was answered with 202 is there after PostgreSQL was killed, and the rest after it is repeated", async () => {
    await using given = await givenIntake();
    const bodies = Array.from({ length: 60 }, (_, index) => payload(...named(20, `b${index}.`)));
    const sent = bodies.map(async (body) => ({ body, answer: await given.webhook(body) }));
    await Promise.any(sent);
    await postgres.kill();
    const statuses = await Promise.all(sent);
    await postgres.start();
    expect(new Set(statuses.map(({ answer }) => answer.status)).difference(new Set([202, 503]))).toEqual(
      new Set(),
    );
    const accepted = statuses
      .filter(({ answer }) => answer.status === 202)
      .flatMap(({ body }) => body.alerts);
    const fingerprints = (alerts: readonly unknown[]) =>
      new Set((alerts as { fingerprint: string }[]).map(({ fingerprint }) => fingerprint));
    await eventually("PostgreSQL answers again", () => given.database.ready().then(() => true));
    const kept = fingerprints(await firing(given.database));
    expect(fingerprints(accepted).difference(kept)).toEqual(new Set());
    for (const body of bodies) {
      await eventually("it is taken", async () => (await given.webhook(body)).status === 202);
    }
    const all = kept.union(fingerprints(await firing(given.database)));
    expect(all.size).toBe(60 * 20);
  });
});
