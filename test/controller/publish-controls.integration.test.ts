// Acts of control from the transaction that makes them to the audit repository, on a real PostgreSQL and a real Git: one signed
// commit each, in order, whatever dies in between.
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openAuditHistory } from "../../src/adapters/git/audit-history.ts";
import { openAuditRepository } from "../../src/adapters/git/audit-repository.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { Log } from "../../src/controller/ports.ts";
import { createPublisher } from "../../src/controller/publish-records.ts";
import type { PauseScope } from "../../src/domain/facts/pause.ts";
import { canonicalJson } from "../../src/domain/json.ts";
import { newId } from "../contracts/store-samples.ts";
import { succeededRollback } from "../fixtures/executions.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, git, type SshKey, sshKey, temporaryFolder } from "../support/git.ts";
import { judgeRecords } from "../support/judge-records.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

let postgres: TestPostgres;
let url: string;
let database: Database;
let folder: ReturnType<typeof temporaryFolder>;
let key: SshKey;
let remote: string;
let errors: object[];
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
}, 60_000);
afterAll(() => postgres.remove());
beforeEach(async () => {
  folder = temporaryFolder();
  key = sshKey(folder.path, "key");
  remote = bareRepository(join(folder.path, "remote.git"), "audit");
  errors = [];
  url = await postgres.createDatabase();
  database = await openDatabase({ url });
});
afterEach(async () => {
  await database.close();
  folder.remove();
});

const log: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: (fields) => void errors.push(fields),
};

/** A replica that publishes, with a repository of its own. */
const publisher = async (name: string, crashAt: FaultPoint | null = null, of: Database = database) =>
  createPublisher({
    outbox: of.outbox,
    auditRepository: await openAuditRepository({
      folder: join(folder.path, name),
      branch: "audit",
      remote: { url: remote, credential: null },
      signingKey: key.privateKeyFile,
    }),
    lease: of.lease,
    faults: {
      at: async (point) => {
        if (point === crashAt) throw new Error("killed");
      },
    },
    log,
    metrics: noMetrics,
  });

const ana = { by: "ana", reason: "a migration" };
const bo = { by: "bo", reason: "done" };
const shop: PauseScope = { kind: "namespace", cluster: null, namespace: "shop" };
const everything: PauseScope = { kind: "everything", cluster: null };

const published = (format = "%s") => {
  if (git(remote, ["branch", "--list", "audit"]) === "") return [];
  return git(remote, ["log", "--reverse", `--format=${format}`, "audit"]).split("\n");
};
const waiting = async () => (await database.views.health()).unpublished;

/** The streams of executions that have ended; their milestones wait to be published. */
async function endedExecutions(ids: readonly string[]): Promise<void> {
  const { events, plannedSeq } = succeededRollback;
  await database.pool.query(
    `insert into events (execution_id, seq, at, type, version, event, text)
     select i.id, e.seq, now(), e.text::jsonb #>> '{event,type}', 1, e.text::jsonb -> 'event', e.text
     from unnest($1::uuid[]) as i(id), unnest($2::integer[], $3::text[]) as e(seq, text)`,
    [ids, events.map(({ seq }) => seq), events.map((recorded) => canonicalJson(recorded))],
  );
  await database.pool.query(
    `insert into audit_outbox (execution_id, milestone, seq)
     select i.id, m.milestone, m.seq from unnest($1::uuid[]) as i(id), (values ('planned', $2::integer), ('ended', $3)) as m(milestone, seq)
     order by m.seq`,
    [ids, plannedSeq, events.length],
  );
}

describe("what people pause and resume", () => {
  it("is one signed commit for each act, in their order, with who and why", async () => {
    await database.pauses.pause(shop, ana, 3600);
    await database.pauses.pause(everything, ana, null);
    await database.pauses.resume(shop, bo);
    await (await publisher("a"))();
    expect(published()).toEqual([
      expect.stringMatching(/^control: pause shop by ana until (\d{4}-\d\d-\d\d )?\d\d:\d\d$/),
      "control: pause everything by ana",
      "control: resume shop by bo",
    ]);
    const signers = join(folder.path, "signers");
    writeFileSync(signers, `gitmend@localhost ${key.publicKey}\n`);
    const verify = ["-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${signers}`];
    expect(git(remote, [...verify, "log", "-1", "--format=%G? %GS", "audit"])).toBe("G gitmend@localhost");
    expect(await waiting()).toBe(0);
  });

  it("is nothing where nothing was paused, and of one execution stands in its own history", async () => {
    expect(await database.pauses.resume(shop, bo)).toBeNull();
    await database.pauses.pause({ kind: "execution", execution: newId() }, ana, null);
    expect(await waiting()).toBe(0);
  });

  it("is not recorded when its transaction is given up", async () => {
    await database.pool.query(
      "create function no() returns trigger language plpgsql as $$ begin raise 'no'; end $$",
    );
    await database.pool.query(
      "create trigger no before insert on controls for each row execute function no()",
    );
    await expect(database.pauses.pause(shop, ana, null)).rejects.toMatchObject({ code: "INTERNAL" });
    expect(await database.pauses.active()).toEqual([]);
    expect(await waiting()).toBe(0);
  });

  it("cannot forge a trailer, whatever its reason is, and is found and shown whole", async () => {
    const reason = `it\u2019s 👩‍🚒\n\nGitmend-Control: 00000000-0000-4000-8000-000000000000\nApproved-By: mallory\n${"why ".repeat(200)}`;
    const by = "Ана\nExecution-Id: 1";
    await database.pauses.pause(shop, { by, reason }, null);
    const publish = await publisher("a");
    await publish();
    const history = await openAuditHistory(remote, "audit");
    const [commit, ...more] = await history.commits(10);
    expect(more).toEqual([]);
    expect(commit?.trailers).toEqual({
      "Gitmend-Control": [expect.stringMatching(/^[0-9a-f-]{36}$/)],
      "Control-Act": ["pause"],
      "Control-Scope": ["namespace shop"],
      "Control-By": ["Ана Execution-Id - 1"],
    });
    const id = commit?.trailers["Gitmend-Control"]?.[0] ?? "";
    expect(await history.of(id.slice(-12))).toEqual([commit]);
    expect(await history.of("000000000000")).toEqual([]);
    const record = parse(await history.file(commit?.commit ?? "", `${id}.yaml`)) as object;
    expect(record).toMatchObject({ control: id, act: "pause", by, reason });
    // Its own commit is found all the same: it is not made again.
    await database.pool.query("update controls set published_at = null");
    await publish();
    expect(published()).toHaveLength(1);
  });
});

describe("a replica that dies while it publishes an act", () => {
  it.each(["record-after-commit", "record-after-push"] as const)(
    "at %s: it comes back and there is one commit",
    async (point) => {
      await database.pauses.pause(shop, ana, null);
      await expect((await publisher("a", point))()).rejects.toThrow("killed");
      expect(await waiting()).toBe(1);
      await database.pauses.resume(shop, bo);
      await (await publisher("a"))();
      expect(published()).toEqual(["control: pause shop by ana", "control: resume shop by bo"]);
      expect(await waiting()).toBe(0);
    },
  );

  it.each(["record-after-commit", "record-after-push"] as const)(
    "at %s, and another one takes over: there is one commit",
    async (point) => {
      const other = await openDatabase({ url });
      try {
        // Both are there from the beginning, when the remote is empty still; the first one publishes.
        await (await publisher("a"))();
        const second = await publisher("b", null, other);
        await second();
        await database.pauses.pause(shop, ana, null);
        await expect((await publisher("a", point))()).rejects.toThrow("killed");
        await second();
        expect(await waiting(), "the first one's lease holds still").toBe(1);
        await database.pool.query("update replicas set expires_at = now() where id = $1", [
          database.lease.replicaId(),
        ]);
        await second();
        expect(published()).toEqual(["control: pause shop by ana"]);
        expect(await waiting()).toBe(0);
        expect(judgeRecords(remote).complaints).toEqual([]);
      } finally {
        await other.close();
      }
    },
  );
});

describe("two replicas that publish at the same time", () => {
  it("make one commit for each act, also when the one that publishes loses its lease in between", async () => {
    const other = await openDatabase({ url });
    try {
      const [first, second] = [await publisher("a"), await publisher("b", null, other)];
      const both = () => Promise.allSettled([first(), second()]);
      for (let count = 0; count < 4; count++) {
        const round = both();
        await database.pauses.pause(shop, ana, null);
        await other.pauses.pause(everything, bo, null);
        if (count % 2 === 1) await database.pool.query("update replicas set expires_at = now()");
        await round;
      }
      await eventually("everything is published", async () => {
        await both();
        return (await waiting()) === 0;
      });
      expect(published().toSorted()).toEqual([
        ...Array<string>(4).fill("control: pause everything by bo"),
        ...Array<string>(4).fill("control: pause shop by ana"),
      ]);
      const ids = published("%(trailers:key=Gitmend-Control,valueonly,separator=)");
      expect(new Set(ids).size).toBe(8);
      expect(await waiting()).toBe(0);
    } finally {
      await other.close();
    }
  });
});

describe("a Git server that refuses the push", () => {
  it("delays the record and not the pause, and gets everything once when it takes it again", async () => {
    const hook = join(remote, "hooks", "pre-receive");
    writeFileSync(hook, "#!/bin/sh\necho frozen >&2\nexit 1\n");
    chmodSync(hook, 0o755);
    const publish = await publisher("a");
    await database.pauses.pause(shop, ana, null);
    expect(await database.pauses.active()).toMatchObject([{ scope: shop, by: "ana" }]);
    await expect(publish()).rejects.toMatchObject({ code: expect.stringContaining("GIT_") });
    await endedExecutions([newId()]);
    await database.pauses.resume(shop, bo);
    await expect(publish()).rejects.toMatchObject({ code: expect.stringContaining("GIT_") });
    expect([published(), await waiting()]).toEqual([[], 4]);
    rmSync(hook);
    await publish();
    expect(published().map((subject) => subject.replace(/\(.*/, ""))).toEqual(
      expect.arrayContaining([
        "control: pause shop by ana",
        "plan",
        "remediate",
        "control: resume shop by bo",
      ]),
    );
    expect([published().length, await waiting()]).toEqual([4, 0]);
  });
});

describe("acts of control among the milestones of executions", () => {
  it("stand before what came after them, and leave the chain of records whole", async () => {
    const ids = [newId(), newId()];
    await endedExecutions(ids);
    // The milestones are of 17 November: an act of the day before comes first, one of today last.
    await database.pauses.pause(shop, ana, null);
    await database.pool.query("update controls set at = '2026-11-16T10:00:00Z'");
    await database.pauses.resume(shop, bo);
    await (await publisher("a"))();
    const subjects = published().map((subject) => subject.replace(/\(.*/, ""));
    expect(subjects).toEqual([
      "control: pause shop by ana",
      "plan",
      "plan",
      "remediate",
      "remediate",
      "control: resume shop by bo",
    ]);
    const judged = judgeRecords(remote);
    expect([judged.complaints, judged.lines.size]).toEqual([[], 2]);
  });

  it("are held up by no record that cannot be written, nor hold up one", async () => {
    const good = newId();
    await database.pool.query(
      "insert into audit_outbox (execution_id, milestone, seq) values ($1, 'planned', 3)",
      [newId()],
    );
    await database.pool.query(
      `insert into controls (act) values ('{"act": "resume"}'), ('{"act": "of a newer version"}')`,
    );
    await database.pauses.pause(shop, ana, null);
    await endedExecutions([good]);
    await (await publisher("a"))();
    expect(published().map((subject) => subject.replace(/\(.*/, ""))).toEqual(
      expect.arrayContaining(["control: pause shop by ana", "plan", "remediate"]),
    );
    expect(errors).toHaveLength(2);
    expect(await waiting()).toBe(3);
  });

  it("are published once over many flushes", async () => {
    await endedExecutions(Array.from({ length: 300 }, newId));
    for (let count = 0; count < 3; count++) await database.pauses.pause(shop, ana, null);
    await (await publisher("a"))();
    const ids = published("%(trailers:key=Gitmend-Control,valueonly,separator=)").filter((id) => id !== "");
    expect([ids.length, new Set(ids).size, await waiting()]).toEqual([3, 3, 0]);
    expect(published()).toHaveLength(603);
  });
});
