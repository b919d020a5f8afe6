// What waits for the end of an incident, as the database keeps it: due for one replica at a time, begun once, never twice and never
// while the incident is open; a replica that dies in between loses nothing.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { delivery, ending, newAlert, newExecution, resolved } from "../../contracts/store-samples.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

let postgres: TestPostgres;
let database: Database;
let other: Database;
let url: string;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
  url = await postgres.createDatabase();
  database = await openDatabase({ url });
  other = await openDatabase({ url });
});
afterAll(async () => {
  await other.close();
  await database.close();
  await postgres.remove();
});

const sql = <Row extends object>(text: string, values: unknown[] = []) =>
  database.pool.query<Row>(text, values).then(({ rows }) => rows);

/** It has ended and leaves something in place for so long; its alert fires. */
async function remedy(keepSeconds: number | null) {
  const alert = newAlert();
  await database.alerts.receive(delivery(alert));
  const due = await database.alerts.takeDue(100_000, 600);
  const execution = newExecution(alert);
  await database.alerts.decide(due.find((one) => one.alert.fingerprint === alert.fingerprint)!, execution);
  await database.executions.append(ending(execution.executionId, 2, { keepSeconds }));
  return { id: execution.executionId, alert, execution };
}
type Remedy = Awaited<ReturnType<typeof remedy>>;

async function over({ alert, execution }: Remedy) {
  await database.alerts.receive(delivery(resolved(alert, new Date().toISOString())));
  await sql("update incidents set closed_at = now() where id = $1", [execution.incidentId]);
}
const take = async ({ id }: Pick<Remedy, "id">, from = database, claimSeconds = 600) =>
  (await from.followUps.takeDue(1_000, claimSeconds)).find(({ executionId }) => executionId === id);
const following = ({ id, alert, execution }: Remedy) =>
  newExecution(alert, {
    follows: id,
    incidentId: execution.incidentId,
    incidentKey: execution.incidentKey,
    claimKey: execution.incidentKey,
    target: execution.target,
  });
const startsOf = ({ id }: Remedy) => sql("select 1 from executions where follows = $1::uuid", [id]);

describe("what was left in place", () => {
  it("is due when all alerts of its incident are resolved and that is closed, for one replica at a time", async () => {
    const one = await remedy(3_600);
    expect(await take(one)).toBeUndefined();
    await database.alerts.receive(delivery(resolved(one.alert, new Date().toISOString())));
    expect(await take(one)).toBeUndefined();
    await over(one);
    expect(await take(one)).toMatchObject({ expired: false, incidentKey: one.execution.incidentKey });
    expect(await take(one, other)).toBeUndefined();
  });

  it("is not due while nobody delivers its alert any more: silence is no end", async () => {
    const one = await remedy(3_600);
    await sql("update alerts set status = 'stale' where fingerprint = $1", [one.alert.fingerprint]);
    await sql("update incidents set closed_at = now() where id = $1", [one.execution.incidentId]);
    expect(await take(one)).toBeUndefined();
  });

  it("is due when its time is over, whatever fires", async () => {
    const one = await remedy(0);
    expect(await take(one)).toMatchObject({ expired: true });
  });

  it("is nothing where the end leaves nothing", async () => {
    const one = await remedy(null);
    await over(one);
    expect(await take(one)).toBeUndefined();
  });

  it("is due again after a replica that took it died, and after it was put off, with the reason", async () => {
    const one = await remedy(3_600);
    await over(one);
    const first = await take(one, other, 0);
    const second = await take(one);
    expect(second!.claim).toBeGreaterThan(first!.claim);
    await other.followUps.putOff(first!, "stale", 0);
    expect(await take(one)).toBeUndefined();
    await database.followUps.putOff(second!, "paused", 0);
    expect(await take(one)).toMatchObject({ problem: "paused" });
  });
});

describe("its start", () => {
  it("is committed with the execution, once: a stale claim writes nothing", async () => {
    const one = await remedy(3_600);
    await over(one);
    const stale = await take(one, other, 0);
    const due = await take(one);
    expect(await other.followUps.start(stale!, one.alert.name, following(one))).toEqual({ result: "stale" });
    expect(await startsOf(one)).toEqual([]);
    expect(await database.followUps.start(due!, one.alert.name, following(one))).toEqual({
      result: "committed",
    });
    expect(await database.followUps.start(due!, one.alert.name, following(one))).toEqual({ result: "stale" });
    expect(await startsOf(one)).toHaveLength(1);
    const [incident] = await sql("select closed_at from incidents where id = $1", [one.execution.incidentId]);
    expect(incident).toEqual({ closed_at: null });
  });

  it("waits for another execution of the same target, and writes nothing", async () => {
    const one = await remedy(3_600);
    await over(one);
    const due = await take(one);
    await sql("insert into claims (key, execution_id) values ($1, gen_random_uuid())", [
      one.execution.incidentKey,
    ]);
    expect(await database.followUps.start(due!, one.alert.name, following(one))).toMatchObject({
      result: "busy",
    });
    expect(await startsOf(one)).toEqual([]);
  });

  it("is not made when the alert fires again between the look and the commit", async () => {
    const one = await remedy(3_600);
    await over(one);
    const due = await take(one);
    await sql("insert into incidents (id, key) values ($1, $2)", [
      `again-${one.id}`,
      one.execution.incidentKey,
    ]);
    expect(await database.followUps.start(due!, one.alert.name, following(one))).toEqual({ result: "stale" });
    expect(await startsOf(one)).toEqual([]);
  });

  it("survives a replica that dies right after the commit: another one takes the execution over", async () => {
    const one = await remedy(3_600);
    await over(one);
    const next = following(one);
    const lost = await openDatabase({ url });
    await lost.followUps.start((await take(one, lost))!, one.alert.name, next);
    await lost.close();
    await sql("update replicas set expires_at = now() - interval '1 second' where id = $1", [
      lost.lease.replicaId(),
    ]);
    const taken = await database.executions.claimAbandoned(100);
    expect(taken.map(({ id }) => id)).toContain(next.executionId);
  });
});
