// What is left when a replica, or the server itself, is killed, stopped or cut off.
import type { Worker } from "node:worker_threads";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import { append, delivery, newAlert } from "../../contracts/store-samples.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { eventually, type Replica, runReplica } from "./run-replica.ts";
import { startExecutions } from "./start-executions.ts";

let postgres: TestPostgres;
let url: string;
let database: Database;
const replicas: Replica[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.remove());
beforeEach(async () => {
  url = await postgres.createDatabase();
  database = await openDatabase({ url });
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.kill()));
  await database.close();
});

const replica = (executions: number, mode: string) => {
  const started = runReplica({ url }, executions, mode);
  replicas.push(started);
  return started;
};

/** Claims like the controller does until it has as many. @returns all that was claimed */
async function takeOver(count: number, timeoutMs: number): Promise<Map<string, number>> {
  const taken = new Map<string, number>();
  return eventually(timeoutMs, async () => {
    for (const { id, epoch } of await database.executions.claimAbandoned(100)) taken.set(id, epoch);
    return taken.size >= count ? taken : undefined;
  });
}

describe("a replica whose lease thread ends by itself", () => {
  it("is told that its lease is gone, and takes a new one", async () => {
    const threads: Worker[] = [];
    const keep = (thread: Worker) => void threads.push(thread);
    process.on("worker", keep);
    const own = await openDatabase({ url });
    process.off("worker", keep);
    try {
      const before = own.lease.replicaId();
      let lost = 0;
      own.lease.onLost(() => {
        lost += 1;
      });
      await threads.at(-1)!.terminate();
      expect(own.lease.valid()).toBe(false);
      await eventually(5_000, async () => own.lease.valid() || undefined);
      expect(lost).toBe(1);
      expect(own.lease.replicaId()).not.toBe(before);
    } finally {
      await own.close();
    }
  });
});

describe("a replica that is killed while it appends", () => {
  it("loses no event that it was told to be durable, and all its executions go on elsewhere within 5 s", async () => {
    const victim = replica(20, "append");
    const { ready = [] } = await victim.fact(({ ready: ids }) => ids !== undefined);
    await victim.fact(({ version }) => version === 20);
    expect(await database.executions.claimAbandoned(100)).toEqual([]);
    await victim.kill();
    const killedAt = performance.now();
    const taken = await takeOver(ready.length, 5_000);
    expect([...taken.values()]).toEqual(ready.map(() => 2));
    for (const id of ready) {
      const stored = (await database.executions.events(id)).length;
      const told = Math.max(
        2,
        ...victim.facts.filter((fact) => fact.id === id).map(({ version = 0 }) => version),
      );
      expect(stored).toBeGreaterThanOrEqual(told);
      await database.executions.append(append(id, stored, { epoch: 2 }));
    }
    expect(performance.now() - killedAt).toBeLessThan(5_000);
  });
});

describe("a replica that is killed while it receives", () => {
  it("loses no alert that it has accepted", async () => {
    const victim = replica(0, "receive");
    await victim.fact(({ accepted }) => accepted !== undefined);
    await eventually(10_000, async () => (victim.facts.length > 20 ? true : undefined));
    await victim.kill();
    const due = await database.alerts.takeDue(1_000_000, 60);
    const kept = new Set(due.map(({ alert }) => alert.fingerprint));
    const accepted = victim.facts.flatMap((fact) => fact.accepted ?? []);
    expect(accepted.length).toBeGreaterThan(300);
    expect(accepted.filter((fingerprint) => !kept.has(fingerprint))).toEqual([]);
  });
});

describe("a replica that is stopped for 6 s and continued", () => {
  it("knows at once that its lease is gone, is told, can append nothing, and gets a new lease", async () => {
    const zombie = replica(3, "freeze");
    const { ready = [] } = await zombie.fact(({ ready: ids }) => ids !== undefined);
    await zombie.fact(({ freezing }) => freezing === true);
    const stoppedAt = performance.now();
    await takeOver(3, 5_000);
    await eventually(10_000, async () => (performance.now() - stoppedAt > 6_000 ? true : undefined));
    zombie.process.kill("SIGCONT");
    const seen = await zombie.fact(({ valid }) => valid !== undefined);
    expect(seen).toEqual({ valid: false, code: "EXECUTION_MOVED_ON", lost: 1, renamed: true });
    for (const id of ready) expect(await database.executions.events(id)).toHaveLength(2);
  });
});

describe("a main loop that stalls", () => {
  it("loses its lease although the process lives", async () => {
    const other = await openDatabase({ url });
    const [id = ""] = await startExecutions(database, 1);
    const before = database.lease.replicaId();
    let lost = 0;
    database.lease.onLost(() => (lost += 1));
    const end = performance.now() + 4_000;
    while (performance.now() < end);
    expect(database.lease.valid()).toBe(false);
    // The other replica stalled too, in the same process: it claims under the lease that it gets anew.
    const taken = await eventually(5_000, async () => (await other.executions.claimAbandoned(10))[0]);
    expect(taken).toEqual({ id, epoch: 2 });
    await eventually(5_000, async () => (database.lease.valid() ? true : undefined));
    expect([lost, database.lease.replicaId() !== before]).toEqual([1, true]);
    await other.close();
  });
});

describe("a replica that says goodbye", () => {
  it("leaves its executions to be claimed at once", async () => {
    const leaving = await openDatabase({ url });
    const ids = await startExecutions(leaving, 2);
    await leaving.close();
    const taken = await database.executions.claimAbandoned(10);
    expect(taken.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
  });
});

describe("a server that goes away and comes back", () => {
  it.each(["stop", "kill"] as const)(
    "has every append once after a %s, and callers repeated what failed",
    async (how) => {
      const ids = await startExecutions(database, 20);
      const problems = new Set<string>();
      let finished = false;
      const drive = async (id: string) => {
        let version = 2;
        while (!finished || version < 12) {
          try {
            await database.executions.append(append(id, version));
            version += 1;
          } catch (error) {
            const { code } = toProblem(error);
            problems.add(code);
            if (code !== "DATABASE_UNAVAILABLE") throw error;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
        return version;
      };
      // The lease is lost in an outage; what is tested here is the append, so the owner stays who it was.
      await withOwner(database);
      const drives = Promise.all(ids.map(drive));
      await eventually(10_000, async () =>
        (await database.executions.events(ids[0]!)).length > 5 ? true : undefined,
      );
      await postgres[how]();
      // A connection that was open outlives the server by a moment.
      const away = () =>
        database.ready().then(
          () => undefined,
          (error: unknown) => toProblem(error).code,
        );
      expect(await eventually(5_000, away)).toBe("DATABASE_UNAVAILABLE");
      const refused = database.alerts.receive(delivery(newAlert()));
      expect(await refused.catch((error: unknown) => toProblem(error).code)).toBe("DATABASE_UNAVAILABLE");
      await postgres.start();
      await eventually(10_000, async () =>
        database
          .ready()
          .then(() => true)
          .catch(() => undefined),
      );
      finished = true;
      const versions = await drives;
      expect([...problems]).toEqual(["DATABASE_UNAVAILABLE"]);
      for (const [index, id] of ids.entries()) {
        expect((await database.executions.events(id)).map(({ seq }) => seq)).toEqual(
          Array.from({ length: versions[index] ?? 0 }, (_, seq) => seq + 1),
        );
      }
      await eventually(10_000, async () => (database.lease.valid() ? true : undefined));
    },
  );
});

/** Gives all executions of this replica an owner that does not change with the lease. */
async function withOwner(held: Database): Promise<void> {
  const owner = held.lease.replicaId();
  Object.assign(held.lease, { replicaId: () => owner });
}

describe("events", () => {
  it("cannot be changed, deleted or emptied", async () => {
    await startExecutions(database, 1);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const refused = { code: "23001" };
    await expect(client.query("update events set text = ''")).rejects.toMatchObject(refused);
    await expect(client.query("delete from events")).rejects.toMatchObject(refused);
    await expect(client.query("truncate events")).rejects.toMatchObject(refused);
    await client.end();
  });
});

describe("the schema", () => {
  it("is brought up to date once, by whoever comes first", async () => {
    expect(await database.migrate({ dryRun: true })).toEqual([]);
    await expect(
      Promise.all([openDatabase({ url }), openDatabase({ url })]).then((both) =>
        Promise.all(both.map((one) => one.close())),
      ),
    ).resolves.toBeDefined();
  });

  it("gets what it lacks, also what was merged below the newest that it has", async () => {
    await database.pool.query("delete from migrations where number = 3");
    expect((await database.migrate({ dryRun: true })).map(({ name }) => name)).toEqual(["0003-intake"]);
  });

  it("is refused when a newer version made it", async () => {
    await database.pool.query(
      "insert into migrations (number, name, checksum) values (9999, '9999-later', 'x')",
    );
    const code = await openDatabase({ url }).catch((error: unknown) => toProblem(error).code);
    expect(code).toBe("DATABASE_TOO_NEW");
  });

  it("is refused when an applied file reads differently now", async () => {
    await database.pool.query("update migrations set checksum = 'x'");
    await expect(openDatabase({ url })).rejects.toThrow(/changed after it had been applied/);
  });
});

describe("the clock", () => {
  it("is the database's, whatever the process believes", async () => {
    const [row] = (await database.pool.query<{ now: Date }>("select clock_timestamp() as now")).rows;
    expect(Math.abs(Date.parse(database.clock.now()) - (row?.now.getTime() ?? 0))).toBeLessThan(250);
  });
});
