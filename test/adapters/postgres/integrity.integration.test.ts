// The database held against its events: what a restored backup, a careless hand or a bug has left, found and mended.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { integrityStore } from "../../../src/adapters/postgres/integrity-store.ts";
import {
  connectDatabase,
  type DatabaseConnection,
  openDatabase,
} from "../../../src/adapters/postgres/open-database.ts";
import { checkIntegrity } from "../../../src/controller/check-integrity.ts";
import { recordLines } from "../../../src/domain/audit/record-lines.ts";
import type { RecordedEvent } from "../../../src/domain/execution/events.ts";
import { fold } from "../../../src/domain/execution/evolve.ts";
import { snapshotShape, snapshotText } from "../../../src/domain/execution/snapshot.ts";
import { canonicalJson } from "../../../src/domain/json.ts";
import type { PlannedWait } from "../../../src/domain/planning/plan.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import { newId } from "../../contracts/store-samples.ts";
import { histories, succeededRollback } from "../../fixtures/executions.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

let postgres: TestPostgres;
let url: string;
let database: DatabaseConnection;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
});
afterAll(() => postgres.remove());
beforeEach(async () => {
  url = await postgres.createDatabase();
  database = await connectDatabase({ url });
  return () => database.close();
});

const query = async (text: string, values: readonly unknown[] = []) =>
  (await database.pool.query<Record<string, unknown>>(text, [...values])).rows;
const examine = (repair = false) => checkIntegrity(integrityStore(database), { repair });
const faultsOf = async (repair = false) => {
  const { faults } = await examine(repair);
  return faults.map(({ fault, count, mended }) => [fault, count, mended]);
};

async function storeEvents(id: string, events: readonly RecordedEvent[]): Promise<void> {
  await query(
    `insert into events (execution_id, seq, at, type, version, event, text)
     select $1::uuid, e.seq, e.at, e.type, e.version, e.text::jsonb -> 'event', e.text
     from unnest($2::integer[], $3::timestamptz[], $4::text[], $5::integer[], $6::text[]) as e(seq, at, type, version, text)`,
    [
      id,
      events.map(({ seq }) => seq),
      events.map(({ at }) => at),
      events.map(({ event }) => event.type),
      events.map(({ version }) => version),
      events.map((event) => canonicalJson(event)),
    ],
  );
}

const waits = {
  ...(fold(succeededRollback.events).plan?.steps[0] as PlannedWait),
  name: "resolved/look",
  keepSeconds: 3_600,
};

/** A whole, sound execution of this history, by the events alone. */
async function given(events: readonly RecordedEvent[] = succeededRollback.events): Promise<string> {
  const id = newId();
  await storeEvents(id, events);
  await examine(true);
  expect(await faultsOf()).toEqual([]);
  return id;
}

describe("a database of which only the events are left", () => {
  it("gets its lists, claims and outbox back, and a second repair finds nothing to do", async () => {
    for (const { events } of Object.values(histories)) await storeEvents(newId(), events);
    const sound = Object.keys(histories).length;
    const first = await examine(true);
    expect(first).toMatchObject({ executions: sound });
    const kinds = first.faults.map(({ fault }) => fault);
    expect(kinds).toEqual(expect.arrayContaining(["row-missing", "milestone-missing", "incident-missing"]));
    expect(first.faults.every(({ count, mended }) => count === mended)).toBe(true);
    expect(await faultsOf(true)).toEqual([]);
    const streams = Object.values(histories).map(({ events }) => fold(events));
    const rows = await query("select phase, outcome, escalated, version from executions");
    for (const { phase, outcome, escalated, version } of streams)
      expect(rows).toContainEqual({ phase, outcome, escalated, version });
  });
});

describe("a live execution", () => {
  const live = succeededRollback.events.slice(0, 6);

  it("that has lost its row is listed again without an owner, so that the next replica drives it", async () => {
    const id = await given(live);
    await query("delete from executions");
    expect(await faultsOf(true)).toEqual([["row-missing", 1, 1]]);
    expect(await faultsOf(true)).toEqual([]);
    expect(await query("select id, owner from executions")).toEqual([{ id, owner: null }]);
    expect(await query("select execution_id from claims")).toEqual([{ execution_id: id }]);
  });

  it("that has lost its claim holds its target again", async () => {
    const id = await given(live);
    const before = await query("select key from claims where execution_id = $1", [id]);
    expect(before).not.toEqual([]);
    await query("delete from claims");
    expect(await faultsOf(true)).toEqual([["claims-missing", 1, 1]]);
    expect(await query("select key from claims")).toEqual(before);
  });
});

describe("what was left in place until the incident is over", () => {
  it("is made due again, until as long after the end as its template keeps it", async () => {
    const keeping = succeededRollback.events.map((recorded) =>
      recorded.event.type === "Planned"
        ? {
            ...recorded,
            event: { ...recorded.event, plan: { ...recorded.event.plan, whenResolved: [waits] } },
          }
        : recorded,
    );
    const id = await given(keeping);
    const [row] = await query("select keep_until, due_at is not null as due from follow_ups");
    const endedAt = keeping.at(-1)?.at ?? "";
    expect(row).toEqual({ keep_until: new Date(Date.parse(endedAt) + 3_600_000), due: true });
    await query("update follow_ups set due_at = null");
    expect(await faultsOf()).toEqual([]);
    await query("delete from follow_ups where execution_id = $1::uuid", [id]);
    expect(await faultsOf(true)).toEqual([["follow-up-missing", 1, 1]]);
    expect(await faultsOf(true)).toEqual([]);
  });
});

describe("what is wrong beside the events", () => {
  it.each([
    ["row-differs", "update executions set outcome = 'failed', escalated = true"],
    ["row-differs", "update executions set version = version - 1"],
    ["milestone-missing", "delete from audit_outbox where milestone = 'ended'"],
    ["assessment-missing", "delete from assessments"],
    ["claims-left", "insert into claims select 'prod-eu/apps/Deployment/shop/api', id from executions"],
    [
      "commands-left",
      `insert into commands (execution_id, command) select id, '{"type":"cancel"}' from executions`,
    ],
    ["incident-missing", "delete from incidents"],
    [
      "incident-empty",
      "insert into incidents (id, key, opened_at) values ('i-lost', 'nobody', now() - interval '1 day')",
    ],
    [
      "no-events",
      `insert into executions (id, epoch, version, phase, escalated, mode, template, alert_name, incident_id, cooldown_seconds)
      select gen_random_uuid(), 1, 3, 'running', false, 'live', 't', 'a', incident_id, 0 from executions`,
    ],
    [
      "firing-nowhere",
      `insert into alerts (cluster, fingerprint, name, severity, labels, annotations, source, sanitised, status, starts_at, execution_id)
      values ('c', 'f', 'n', 's', '{}', '{}', 'd', false, 'open', now(), gen_random_uuid())`,
    ],
    ["snapshot-differs", `insert into snapshots select id, 3, '${snapshotShape}', '{}' from executions`],
  ])("is found and mended once: %s by %s", async (fault, damage) => {
    await given();
    await query(damage);
    expect(await faultsOf()).toEqual([[fault, 1, 0]]);
    expect(await faultsOf(true)).toEqual([[fault, 1, 1]]);
    expect(await faultsOf(true)).toEqual([]);
  });

  it("is not a snapshot that says what the events say", async () => {
    const id = await given();
    await query("insert into snapshots values ($1, 5, $2, $3)", [
      id,
      snapshotShape,
      snapshotText(fold(succeededRollback.events.slice(0, 5))),
    ]);
    expect(await faultsOf()).toEqual([]);
  });
});

describe("what is wrong in the events themselves", () => {
  const damaged = (change: (events: RecordedEvent[]) => RecordedEvent[]) =>
    change([...succeededRollback.events]);
  it.each([
    ["gap", damaged((events) => events.filter(({ seq }) => seq !== 4))],
    ["illegal", damaged((events) => [...events, { ...events[1]!, seq: events.length + 1 }])],
    [
      "unknown-version",
      damaged((events) => events.map((one) => (one.seq === 3 ? { ...one, version: 7 } : one))),
    ],
  ])("is told and never touched: %s", async (fault, events) => {
    const id = newId();
    await storeEvents(id, events);
    const before = await query("select seq, text from events order by seq");
    expect(await faultsOf(true)).toEqual([[fault, 1, 0]]);
    expect(await query("select seq, text from events order by seq")).toEqual(before);
  });

  it("is seen by what was published: an event that was changed later no longer hashes to its record", async () => {
    const id = await given();
    const { head, lines } = recordLines(succeededRollback.events, null);
    await query("insert into records (execution_id, head, lines, first_previous) values ($1, $2, $3, $4)", [
      id,
      head,
      lines.length,
      "0".repeat(64),
    ]);
    expect(await faultsOf()).toEqual([]);
    await query("alter table events disable trigger user");
    await query("alter table events_before disable trigger user");
    const forged = { ...succeededRollback.events[0]!, at: "2026-11-17T09:00:00.000Z" };
    await query("update events set text = $1 where seq = 1", [canonicalJson(forged)]);
    expect(await faultsOf(true)).toEqual([["record-differs", 1, 0]]);
    await query("update events set text = left(text, 40) where seq = 2");
    expect(await faultsOf(true)).toEqual([["unreadable", 1, 0]]);
  });
});

describe("a repair beside a replica", () => {
  it("changes nothing and says who is at work; looking is allowed", async () => {
    await storeEvents(newId(), succeededRollback.events);
    const replica = await openDatabase({ url });
    expect(await faultsOf()).not.toEqual([]);
    const refused = await examine(true).catch((error: unknown) => toProblem(error));
    expect(refused).toMatchObject({
      code: "REPLICA_ALIVE",
      details: { replicas: [replica.lease.replicaId()] },
    });
    expect(await query("select 1 from executions")).toEqual([]);
    await replica.close();
    await examine(true);
    expect(await faultsOf()).toEqual([]);
  });
});

describe("more executions than a page", () => {
  it("are all examined, also where only one of lists and events has them", async () => {
    for (let index = 0; index < 230; index += 1)
      await storeEvents(newId(), succeededRollback.events.slice(0, 3));
    expect(await examine(true)).toMatchObject({ executions: 230, events: 690 });
    expect(await query("select count(*)::integer as count from executions")).toEqual([{ count: 230 }]);
    expect(await examine()).toMatchObject({ executions: 230 });
  });
});
