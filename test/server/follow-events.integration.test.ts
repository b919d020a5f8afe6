// All executions' events through two replicas: one PostgreSQL, one real Redis, real HTTP. Whoever follows gets each event once and an
// execution's in order, whatever dies in between.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createServer, get as httpGet, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { openShared } from "../../src/adapters/redis/open-shared.ts";
import { streamMessages } from "../../src/cli/event-stream.ts";
import type { EventLog } from "../../src/controller/event-log.ts";
import { nothingShared, ownNews, type Shared, tellingStore } from "../../src/controller/shared.ts";
import { beforeTransaction, isAfter, positionText } from "../../src/domain/execution/log-position.ts";
import type { ApiPorts } from "../../src/server/api/api-ports.ts";
import { followRoute } from "../../src/server/api/follow-route.ts";
import { startExecutions } from "../adapters/postgres/start-executions.ts";
import { append, ending } from "../contracts/store-samples.ts";
import { eventually } from "../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { givenServer, readyState, token } from "./given-server.ts";

let postgres: TestPostgres;
let redis: TestRedis;
let url: string;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres({ fsync: false }), startRedis()]);
});
afterAll(async () => {
  await redis.stop();
  await postgres.remove();
});
beforeEach(async () => {
  url = await postgres.createDatabase();
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

interface Replica extends Pick<Database, "alerts" | "executions" | "eventLog"> {
  readonly url: string;
  kill(): Promise<void>;
}

async function replica(withRedis = false): Promise<Replica> {
  const database = await openDatabase({ url });
  closing.push(() => database.close());
  const quiet = { info: () => undefined, warn: () => undefined };
  const shared = withRedis ? openShared(redis.url, ownNews(), quiet) : nothingShared();
  if ("close" in shared) closing.push(() => (shared as { close(): void }).close());
  if (withRedis) await hearing(shared);
  const executions = tellingStore(database.executions, shared);
  const server = await givenServer({}, { executions, eventLog: database.eventLog, news: shared });
  const kill = () => server.server.close(0);
  closing.push(kill);
  return { url: server.url, executions, alerts: database.alerts, eventLog: database.eventLog, kill };
}
const hearing = (shared: Shared) => eventually("it hears the others", () => shared.hears());

interface Reader {
  /** `<execution> <seq>` of all that came, in order. */
  readonly got: string[];
  readonly lastId: () => string;
  readonly leave: () => void;
  /** Resolves with the status when the stream is over, however it ends. */
  readonly over: Promise<number>;
}

/** As a browser does; resolves when the stream has begun. */
async function follow(at: Pick<Replica, "url">, lastEventId?: string): Promise<Reader> {
  const got: string[] = [];
  let lastId = lastEventId ?? "";
  const left = new AbortController();
  closing.push(() => left.abort());
  const response = await fetch(`${at.url}/api/v1/stream`, {
    signal: left.signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
  });
  const over = (async () => {
    try {
      for await (const { id, data } of streamMessages(noting(response.body!, (id) => (lastId = id)))) {
        const { executionId, seq } = JSON.parse(data) as { executionId: string; seq: number };
        got.push(`${executionId} ${seq}`);
        lastId = id;
      }
    } catch {
      // Cut off.
    }
    return response.status;
  })();
  const reader = { got, lastId: () => lastId, leave: () => left.abort(), over };
  await eventually("the stream has begun", () => lastId !== "");
  return reader;
}

/** The first id comes without an event. */
async function* noting(body: AsyncIterable<Uint8Array>, note: (id: string) => void) {
  let begun = false;
  for await (const chunk of body) {
    const [, id] = /^id: (\d+)\n\n/m.exec(new TextDecoder().decode(chunk)) ?? [];
    if (!begun && id !== undefined) note(id);
    begun ||= id !== undefined;
    yield chunk;
  }
}

const has = (reader: Reader, count: number) =>
  eventually(`${count} events have come`, () => reader.got.length >= count);

/** Events 3, 4, … of each of them, one after the other. */
async function happen({ executions }: Replica, ids: readonly string[], from: number, to: number) {
  for (let version = from; version < to; version += 1)
    await Promise.all(ids.map((id) => executions.append(append(id, version))));
}
const expected = (ids: readonly string[], from: number, to: number) =>
  ids.flatMap((id) => Array.from({ length: to - from }, (_, index) => `${id} ${from + index + 1}`));

function expectOnceAndInOrder(got: readonly string[], all: readonly string[]): void {
  expect(got.toSorted()).toEqual(all.toSorted());
  for (const id of new Set(all.map((one) => one.slice(0, 36)))) {
    const seqs = got.filter((one) => one.startsWith(id)).map((one) => Number(one.slice(37)));
    expect(seqs).toEqual(seqs.toSorted((left, right) => left - right));
  }
}

async function client(): Promise<pg.Client> {
  const opened = new pg.Client({ connectionString: url });
  await opened.connect();
  closing.push(() => opened.end());
  return opened;
}

describe("the stream of all events", () => {
  it("waits for a slow transaction, so that what that one writes is not passed by", async () => {
    const [one, other] = [await replica(), await replica()];
    const ids = await startExecutions(one, 4);
    const readers = [await follow(one), await follow(other)];
    const before = await one.eventLog.end();
    const slow = await client();
    await slow.query("begin");
    const stranger = "01990000-0000-7000-8000-000000000001";
    const written = "insert into events (execution_id, seq, at, type, version, event, text)";
    const text = JSON.stringify({
      seq: 1,
      at: "2026-11-17T10:00:00.000Z",
      version: 1,
      event: { type: "New" },
    });
    await slow.query(`${written} values ($1, 1, now(), 'New', 1, '{}', $2)`, [stranger, text]);
    await happen(one, ids, 2, 6);
    expect(await one.eventLog.after(before, 100)).toEqual([]);
    await slow.query("commit");
    const all = [`${stranger} 1`, ...expected(ids, 2, 6)];
    for (const reader of readers) await has(reader, all.length);
    expect(readers[0]?.got).toEqual(readers[1]?.got);
    expect(readers[0]?.got[0]).toBe(all[0]);
    expectOnceAndInOrder(readers[0]?.got ?? [], all);
  });

  it("goes on at another replica where a killed one stopped, and brings each event once", async () => {
    const [one, other] = [await replica(), await replica()];
    const ids = await startExecutions(other, 5);
    const reader = await follow(one);
    const fresh = await follow(one);
    expect(fresh.got).toEqual([]);
    await happen(other, ids, 2, 4);
    await has(reader, 10);
    reader.leave();
    await happen(other, ids, 4, 60);
    await one.kill();
    await reader.over;
    const again = await follow(other, reader.lastId());
    await has(again, 280);
    await happen(other, ids, 60, 62);
    await has(again, 290);
    expectOnceAndInOrder([...reader.got, ...again.got], expected(ids, 2, 62));
  });

  it("loses nothing for who was cut off before the first event", async () => {
    const one = await replica();
    const ids = await startExecutions(one, 1);
    const reader = await follow(one);
    reader.leave();
    await reader.over;
    await happen(one, ids, 2, 5);
    const again = await follow(one, reader.lastId());
    await has(again, 3);
    expect(again.got).toEqual(expected(ids, 2, 5));
  });

  it("brings every event once while Redis dies and comes back", async () => {
    const [one, other] = [await replica(true), await replica(true)];
    const ids = await startExecutions(one, 3);
    const reader = await follow(other);
    await happen(one, ids, 2, 5);
    await has(reader, 9);
    await redis.stop();
    await happen(one, ids, 5, 8);
    await has(reader, 18);
    await redis.start();
    await happen(one, ids, 8, 11);
    await has(reader, 27);
    expectOnceAndInOrder(reader.got, expected(ids, 2, 11));
  });

  it("goes on when the database was away", async () => {
    const one = await replica();
    const ids = await startExecutions(one, 1);
    const reader = await follow(one);
    const writer = await client();
    await happen(one, ids, 2, 4);
    await has(reader, 2);
    await writer.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()",
    );
    await eventually("appends go on", async () => {
      await happen(one, ids, 4, 5);
      return true;
    });
    await has(reader, 3);
    expect(reader.got).toEqual(expected(ids, 2, 5));
  });

  it("serves two hundred readers with every event, and tells the next one to come later", async () => {
    const one = await replica();
    const ids = await startExecutions(one, 2);
    const readers = await Promise.all(Array.from({ length: 200 }, () => follow(one)));
    const refused = await fetch(`${one.url}/api/v1/stream`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, "OVERLOADED"]);
    await happen(one, ids, 2, 7);
    for (const reader of readers) await has(reader, 10);
    for (const { got } of readers) expect(got).toEqual(readers[0]?.got);
    expectOnceAndInOrder(readers[0]?.got ?? [], expected(ids, 2, 7));
  });
});

describe("a reader that takes nothing", () => {
  it("is told why it is closed, costs no more memory than a few events, and goes on where it was", async () => {
    const longText = "x".repeat(256 * 1024);
    const event = { type: "StepSkipped", step: "one", reason: longText, byCondition: true } as const;
    const [count, id] = [400, "01990000-0000-7000-8000-000000000001"];
    const all = Array.from({ length: count }, (_, index) => ({
      position: { xid: 5n, executionId: id, seq: index + 1 },
      event: { seq: index + 1, at: "2026-11-17T10:00:00.000Z", version: 1, event },
    }));
    const eventLog: EventLog = {
      end: async () => beforeTransaction(5n),
      examine: async () => "known",
      after: async (position, limit) =>
        all.filter((one) => isAfter(one.position, position)).slice(0, Math.min(limit, 20)),
    };
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const ports = { eventLog, news: nothingShared(), log: quiet, state: readyState() } as unknown as ApiPorts;
    const route = followRoute(ports, 400);
    const responses: ServerResponse[] = [];
    const server = createServer((request, response) => {
      responses.push(response);
      void route.open({ id: "", query: {}, body: {} }, request, response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const read = async (lastEventId?: string) => {
      const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
      const asked = httpGet({ port, host: "127.0.0.1", path: "/stream", headers, agent: false });
      const [answer] = (await once(asked, "response")) as [IncomingMessage];
      return answer;
    };
    const slow = await read();
    slow.pause();
    await eventually("it is closed", () => responses[0]?.writableEnded);
    expect(responses[0]?.writableLength).toBeLessThan(2 * longText.length);
    let text = "";
    for await (const chunk of slow) text += String(chunk);
    expect(text).toMatch(
      /\n: closed, because nothing was taken for 0.4 s; come back with Last-Event-ID\n\n$/,
    );
    const ids = (said: string) => [...said.matchAll(/^id: (5\..*)$/gm)].map(([, one]) => one ?? "");
    const got = ids(text);
    expect(got.length).toBeLessThan(count);
    while (got.length < count)
      for await (const { id: next } of streamMessages(await read(got.at(-1)))) {
        if (next !== "") got.push(next);
        if (got.length === count) break;
      }
    expect(got).toEqual(all.map(({ position }) => positionText(position)));
  });
});

describe("a Last-Event-ID", () => {
  const answer = async (one: Replica, id: string) => {
    const response = await fetch(`${one.url}/api/v1/stream`, {
      headers: { authorization: `Bearer ${token}`, "last-event-id": id },
    });
    return [response.status, ((await response.json()) as { code: string }).code];
  };

  it("that no event of this database has is refused", async () => {
    const one = await replica();
    const [id = ""] = await startExecutions(one, 1);
    const { xid } = await one.eventLog.end();
    for (const hostile of [
      "x",
      "-1",
      "1e3",
      "1; drop table events",
      "%00",
      "99999999999999999999999",
      "18446744073709551616",
      String(xid + 1_000n),
      `${xid - 1n}.${id}.999999999`,
      `${xid - 1n}.${id}.0`,
      `${xid - 1n}.${id.toUpperCase()}.1`,
      `3.${id}.1`,
      `${xid}.${id}.1.1`,
    ])
      expect([hostile, ...(await answer(one, hostile))]).toEqual([hostile, 400, "USAGE"]);
  });

  it("whose following events were let go is gone: nobody could say what would be missed", async () => {
    const one = await replica();
    const [id = ""] = await startExecutions(one, 1);
    const start = await one.eventLog.end();
    const reader = await follow(one, positionText(start));
    await one.executions.append(ending(id, 2));
    await has(reader, 1);
    const published = await client();
    await published.query("update audit_outbox set published_at = now()");
    expect(await one.executions.keepMonths(-62 * 86_400)).not.toBeNull();
    expect(await answer(one, positionText(start))).toEqual([410, "POSITION_GONE"]);
    expect(await answer(one, reader.lastId())).toEqual([410, "POSITION_GONE"]);
    const now = await one.eventLog.end();
    const again = await follow(one, positionText(now));
    const [later = ""] = await startExecutions(one, 1);
    await has(again, 2);
    expect(again.got).toEqual(expected([later], 0, 2));
  });
});

describe("a database of a version that knew no order", () => {
  const folder = join(import.meta.dirname, "../../src/adapters/postgres/migrations");

  it("is not rewritten, shows what comes after, and takes events of programs that know no order", async () => {
    const name = "without_order";
    const admin = new pg.Client({ connectionString: postgres.url("postgres") });
    await admin.connect();
    await admin.query(`create database ${name}`);
    await admin.end();
    url = postgres.url(name);
    const old = await client();
    await old.query(
      "create table migrations (number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now(), works_with integer)",
    );
    for (const file of globSync("00*.sql", { cwd: folder }).toSorted()) {
      if (file.includes("event-order")) break;
      const sql = readFileSync(join(folder, file), "utf8");
      await old.query(sql);
      const checksum = createHash("sha256").update(sql).digest("hex");
      await old.query("insert into migrations values ($1::integer, $2, $3)", [
        Number(file.slice(0, 4)),
        file.slice(0, -4),
        checksum,
      ]);
    }
    const id = "01990000-0000-7000-8000-000000000001";
    const text = (seq: number) => JSON.stringify({ seq, at: "", version: 1, event: { type: "New" } });
    const insert = (seq: number) =>
      old.query(
        "insert into events (execution_id, seq, at, type, version, event, text) values ($1, $2, now(), 'New', 1, '{}', $3)",
        [id, seq, text(seq)],
      );
    const file = async () =>
      (await old.query("select pg_relation_filenode('events_before') as file")).rows as unknown;
    await insert(1);
    const before = await file();
    const one = await replica();
    expect(await file()).toEqual(before);
    const reader = await follow(one);
    await insert(2);
    await has(reader, 1);
    expect(reader.got).toEqual([`${id} 2`]);
    expect(await one.eventLog.after(beforeTransaction(0n), 100)).toHaveLength(1);
  });
});
