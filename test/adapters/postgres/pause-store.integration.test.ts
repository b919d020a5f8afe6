// A decision to wait for a pause, while somebody changes that pause: the firing waits for what holds, with its reason, or is due.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import type { Pause, PauseScope } from "../../../src/domain/facts/pause.ts";
import { delivery, newAlert, revision } from "../../contracts/store-samples.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

let postgres: TestPostgres;
let database: Database;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
  database = await openDatabase({ url: await postgres.createDatabase() });
});
afterAll(async () => {
  await database.close();
  await postgres.remove();
});

const ana = { by: "ana", reason: "a migration" };
const inNamespace = (namespace: string): PauseScope => ({ kind: "namespace", cluster: null, namespace });

/** A firing whose decision, made while `before` held, is committed after `meanwhile`. @returns seconds until it is due */
async function decidedLate(before: Pause, meanwhile: () => Promise<unknown>): Promise<number | null> {
  const alert = newAlert();
  await database.alerts.receive(delivery(alert));
  const [firing] = await database.alerts.takeDue(1, 600);
  if (firing === undefined) throw new Error("the firing is not due");
  await meanwhile();
  const decision = { kind: "paused", revision, reasons: [before.reason], pause: before } as const;
  expect(await database.alerts.decide(firing, decision)).toEqual({ result: "committed" });
  const { rows } = await database.pool.query<{ seconds: number | null }>(
    "select ceil(extract(epoch from decide_at - now()))::integer as seconds from alerts where id = $1",
    [firing.id],
  );
  return rows[0]?.seconds ?? null;
}

describe("a firing whose decision names a pause", () => {
  it("waits as long as that pause holds", async () => {
    const open = await database.pauses.pause(inNamespace("open"), ana, null);
    expect(await decidedLate(open, async () => undefined)).toBeNull();
    const hour = await database.pauses.pause(inNamespace("hour"), ana, 3600);
    expect(await decidedLate(hour, async () => undefined)).toBeGreaterThan(3590);
  });

  it("is due when somebody resumed meanwhile", async () => {
    const pause = await database.pauses.pause(inNamespace("resumed"), ana, null);
    const seconds = await decidedLate(pause, () => database.pauses.resume(inNamespace("resumed"), ana));
    expect(seconds).toBeLessThanOrEqual(1);
  });

  it("is due when another reason or another end took its place: people read what holds", async () => {
    const scope = inNamespace("replaced");
    const first = await database.pauses.pause(scope, ana, null);
    const bo = { by: "bo", reason: "it takes longer" };
    expect(await decidedLate(first, () => database.pauses.pause(scope, bo, null))).toBeLessThanOrEqual(1);
    const second = await database.pauses.pause(scope, bo, null);
    expect(await decidedLate(second, () => database.pauses.pause(scope, bo, 7200))).toBeLessThanOrEqual(1);
  });
});

describe("who ended a pause", () => {
  it("is whoever resumed it, and nobody when its time was over, whoever resumed one before it", async () => {
    const scope = inNamespace("ends");
    const bo = { by: "bo", reason: "done" };
    await database.pauses.pause(scope, ana, null);
    await database.pauses.resume(scope, bo);
    expect(await database.pauses.endOf(scope)).toEqual(bo);
    await database.pauses.pause(scope, ana, 0.000001);
    expect(await database.pauses.active()).not.toContainEqual(expect.objectContaining({ scope }));
    expect(await database.pauses.endOf(scope)).toBeNull();
    await database.pauses.pause(scope, ana, null);
    expect(await database.pauses.endOf(scope)).toBeNull();
    await database.pauses.pause(scope, bo, null);
    expect(await database.pauses.endOf(scope)).toEqual(bo);
  });
});
