// A decision that was committed although its answer was lost: its execution must not wait for ever for somebody to drive it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commitDecision } from "../../../src/adapters/postgres/commit-decision.ts";
import { doubtfulDecisions } from "../../../src/adapters/postgres/doubtful-decisions.ts";
import { executionStore } from "../../../src/adapters/postgres/execution-store.ts";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { Problem } from "../../../src/domain/problem.ts";
import { delivery, newAlert, newExecution } from "../../contracts/store-samples.ts";
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

async function decideWithLostAnswer(committed: boolean) {
  const { pool, lease, alerts } = database;
  const alert = newAlert();
  await alerts.receive(delivery(alert));
  const [firing] = await alerts.takeDue(1, 600);
  const decision = newExecution(alert);
  const doubtful = doubtfulDecisions();
  const commit = () => commitDecision(pool, lease.replicaId(), firing ?? { id: "0", token: 0 }, decision);
  const lost = doubtful.watch(decision, async () => {
    if (committed) await commit();
    throw new Problem("DATABASE_UNAVAILABLE", "the answer was lost");
  });
  await expect(lost).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  const executions = executionStore(pool, pool, lease, doubtful);
  return { id: decision.executionId, executions, repeat: () => doubtful.watch(decision, commit) };
}

describe("a decision whose answer was lost", () => {
  it("is driven by whoever claims next when it was committed, once", async () => {
    const { id, executions } = await decideWithLostAnswer(true);
    expect(await executions.claimAbandoned(10)).toEqual([{ id, epoch: 2 }]);
    expect(await executions.claimAbandoned(10)).toEqual([]);
  });

  it("is left alone when the repeated decision was answered", async () => {
    const { executions, repeat } = await decideWithLostAnswer(true);
    expect(await repeat()).toEqual({ result: "committed" });
    expect(await executions.claimAbandoned(10)).toEqual([]);
  });

  it("leaves nothing when it was not committed", async () => {
    const { id, executions } = await decideWithLostAnswer(false);
    expect(await executions.claimAbandoned(10)).toEqual([]);
    expect(await executions.find(id)).toBeNull();
  });
});
