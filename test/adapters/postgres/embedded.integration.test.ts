// The embedded database: one controller a folder, nothing lost on kill -9, whatever is killed.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPool, probe } from "../../../src/adapters/postgres/connect.ts";
import { lockFolder } from "../../../src/adapters/postgres/embedded/data-folder-lock.ts";
import { startEmbedded } from "../../../src/adapters/postgres/embedded/start-embedded.ts";
import { migrate } from "../../../src/adapters/postgres/migrate.ts";
import { openDatabase } from "../../../src/adapters/postgres/open-database.ts";
import { databaseProblem } from "../../../src/adapters/postgres/sql.ts";
import { delivery, newAlert } from "../../contracts/store-samples.ts";
import { eventually, type Replica, runReplica } from "./run-replica.ts";

let dataDir: string;
const replicas: Replica[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gitmend-data-"));
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.kill()));
  // A child may still be writing while it ends.
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
});

describe("a data folder", () => {
  it("serves one controller: the second is refused with the first one's pid", async () => {
    const first = await openDatabase({ dataDir });
    await expect(openDatabase({ dataDir })).rejects.toMatchObject({
      code: "DATA_FOLDER_IN_USE",
      details: { pid: process.pid },
    });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    await first.close();
    const second = await openDatabase({ dataDir });
    await second.close();
  });

  it("may have a long path", async () => {
    const long = join(dataDir, "a-folder-with-a-name".repeat(6));
    const database = await openDatabase({ dataDir: long });
    await database.ready();
    await expect(openDatabase({ dataDir: long })).rejects.toMatchObject({ code: "DATA_FOLDER_IN_USE" });
    await database.close();
  });

  it("is locked by one of many who try at once, after a holder that was killed too", async () => {
    const path = join(dataDir, "lock");
    const replica = runReplica({ dataDir }, 0, "receive");
    replicas.push(replica);
    await replica.fact(({ ready }) => ready !== undefined);
    await replica.kill();
    const stale = join(dataDir, "controller.lock");
    for (const socket of [path, stale]) {
      const tries = await Promise.all(Array.from({ length: 5 }, () => lockFolder(socket)));
      const held = tries.filter((one) => one.locked);
      expect(held).toHaveLength(1);
      for (const { lock } of held) await lock.release();
    }
  });
});

describe("a controller on the embedded database that is killed", () => {
  it("loses no alert that it has accepted, and its executions are claimed at the next start", async () => {
    const victim = runReplica({ dataDir }, 3, "receive");
    replicas.push(victim);
    const { ready = [] } = await victim.fact((fact) => fact.ready !== undefined);
    await eventually(20_000, async () => (victim.facts.length > 10 ? true : undefined));
    await victim.kill();
    const database = await openDatabase({ dataDir });
    const taken = await database.executions.claimAbandoned(10);
    expect(taken.map(({ id }) => id).toSorted()).toEqual([...ready].toSorted());
    const kept = new Set(
      (await database.alerts.takeDue(1_000_000, 60)).map(({ alert }) => alert.fingerprint),
    );
    const accepted = victim.facts.flatMap((fact) => fact.accepted ?? []);
    expect(accepted.length).toBeGreaterThan(100);
    expect(accepted.filter((fingerprint) => !kept.has(fingerprint))).toEqual([]);
    await database.close();
  });

  it("starts again when it was killed during its first start", async () => {
    for (const delayMs of [50, 400, 800, 1_200]) {
      const victim = runReplica({ dataDir }, 0, "receive");
      replicas.push(victim);
      const killAt = performance.now() + delayMs;
      await eventually(5_000, async () => (performance.now() > killAt ? true : undefined));
      await victim.kill();
    }
    const database = await openDatabase({ dataDir });
    expect(await database.alerts.receive(delivery(newAlert()))).toMatchObject({ opened: 1 });
    await database.close();
  });
});

describe("a process that fails after it has opened the database", () => {
  it("ends, and its database with it", async () => {
    const failing = runReplica({ dataDir }, 0, "leave");
    replicas.push(failing);
    await failing.fact(({ ready }) => ready !== undefined);
    await eventually(20_000, async () => failing.process.exitCode ?? undefined);
    const database = await openDatabase({ dataDir });
    await database.ready();
    await database.close();
  });
});

describe("the embedded server", () => {
  it("is unavailable when it is killed, is started again, and still has everything", async () => {
    const embedded = await startEmbedded(dataDir);
    const pool = openPool({ socketFolder: embedded.socketFolder }, 1);
    await migrate(pool);
    const first = embedded.pid() ?? 0;
    process.kill(first, "SIGKILL");
    const code = await eventually(5_000, () =>
      probe(pool, 1_000).then(
        () => undefined,
        (error: unknown) => databaseProblem(error).code,
      ),
    );
    expect(code).toBe("DATABASE_UNAVAILABLE");
    await eventually(20_000, () =>
      probe(pool, 1_000).then(
        () => true,
        () => undefined,
      ),
    );
    expect(embedded.pid()).not.toBe(first);
    expect(await migrate(pool, { dryRun: true })).toEqual([]);
    await pool.end();
    await embedded.stop();
  });
});
