// From the outbox to the audit repository, on a real PostgreSQL and a real Git: every line of every record is walked afterwards.
import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openAuditRepository } from "../../src/adapters/git/audit-repository.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import { createPublisher } from "../../src/controller/publish-records.ts";
import { linesOf, noHead, verifyChain } from "../../src/domain/audit/record-lines.ts";
import type { RecordedEvent } from "../../src/domain/execution/events.ts";
import { plusSeconds } from "../../src/domain/instant.ts";
import { canonicalJson } from "../../src/domain/json.ts";
import { newId } from "../contracts/store-samples.ts";
import { succeededRollback } from "../fixtures/executions.ts";
import { bareRepository, git, temporaryFolder } from "../support/git.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

let postgres: TestPostgres;
let database: Database;
let folder: ReturnType<typeof temporaryFolder>;
let errors: object[];
/** Several replicas have one; then `audit.git` is its place. */
let remote: { readonly url: string; readonly credential: null } | null;
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
}, 60_000);
afterAll(() => postgres.remove());
beforeEach(async () => {
  folder = temporaryFolder();
  errors = [];
  remote = null;
  database = await openDatabase({ url: await postgres.createDatabase() });
});
afterEach(async () => {
  await database.close();
  folder.remove();
});

const audit = () => join(folder.path, "audit.git");
const publisher = async (crashAt: FaultPoint | null = null, replica = "audit.git") =>
  createPublisher({
    outbox: database.outbox,
    auditRepository: await openAuditRepository({
      folder: join(folder.path, replica),
      branch: "audit",
      remote,
      signingKey: null,
    }),
    lease: database.lease,
    faults: {
      at: async (point) => {
        if (point === crashAt) throw new Error("killed");
      },
    },
    log: { info: () => undefined, warn: () => undefined, error: (fields) => void errors.push(fields) },
    metrics: noMetrics,
  });

const { events, plannedSeq } = succeededRollback;
const last = events.at(-1)!;
const assessment = (round: number): RecordedEvent => ({
  seq: last.seq + round,
  at: plusSeconds(last.at, 600 * round),
  version: 1,
  event: {
    type: "AssessmentMade",
    verdict: round === 1 ? "inconclusive" : "effective",
    round,
    evidence: [{ what: "alert", finding: "KubePodCrashLooping does not fire", supports: "effective" }],
    again: round === 1 ? plusSeconds(last.at, 1_200) : null,
  },
});
const whole = [...events, assessment(1), assessment(2)];
const milestones = [
  ["planned", plannedSeq],
  ["ended", last.seq],
  ["assessed", last.seq + 1],
  ["assessed", last.seq + 2],
] as const;

/** Streams that have ended and were assessed twice; their milestones are asked for by `ask`. */
async function store(ids: readonly string[]): Promise<void> {
  await database.pool.query(
    `insert into events (execution_id, seq, at, type, version, event, text)
     select i.id, e.seq, now(), e.text::jsonb #>> '{event,type}', 1, e.text::jsonb -> 'event', e.text
     from unnest($1::uuid[]) as i(id), unnest($2::integer[], $3::text[]) as e(seq, text)`,
    [ids, whole.map(({ seq }) => seq), whole.map((recorded) => canonicalJson(recorded))],
  );
}

async function ask(
  ids: readonly string[],
  some: readonly (readonly [string, number])[] = milestones,
): Promise<void> {
  await database.pool.query(
    `insert into audit_outbox (execution_id, milestone, seq)
     select i.id, m.milestone, m.seq
     from unnest($1::uuid[]) with ordinality as i(id, place), unnest($2::text[], $3::integer[]) as m(milestone, seq)
     order by m.seq, i.place`,
    [ids, some.map(([milestone]) => milestone), some.map(([, seq]) => seq)],
  );
}

const ids = (count: number) => Array.from({ length: count }, newId);
const log = (format: string) => git(audit(), ["log", "--reverse", `--format=${format}`, "audit"]).split("\n");
const unpublished = async () => (await database.outbox.take(10_000)).length;

/** As an auditor does: from the first commit on, with nothing but the repository. */
function walk(): { readonly commits: number; readonly lines: number } {
  const commits = log(
    "%H %(trailers:key=Execution-Id,valueonly,separator=) %(trailers:key=Events-Hash,valueonly,separator=)",
  );
  const starts = new Map<string, string>();
  let head = noHead;
  let lines = 0;
  for (const entry of commits) {
    const [commit = "", executionId = "", hash = ""] = entry.split(" ");
    const path = `executions/2026/11/17/${executionId}/events.jsonl`;
    const verdict = verifyChain(linesOf(git(audit(), ["cat-file", "blob", `${commit}:${path}`])));
    if (!verdict.sound) throw new Error(`${commit}, line ${verdict.line}: ${verdict.why}`);
    expect(verdict.head).toBe(hash);
    expect(verdict.previousHead).toBe(starts.get(executionId) ?? head);
    starts.set(executionId, verdict.previousHead);
    head = verdict.head;
    lines += verdict.lines;
  }
  return { commits: commits.length, lines };
}

describe("the record of executions", () => {
  it("has a commit for each milestone, and a chain that holds from the first line to the last", async () => {
    const all = ids(3);
    await store(all);
    await ask(all.slice(0, 2), milestones.slice(0, 2));
    const publish = await publisher();
    await publish();
    await ask(all.slice(0, 2), milestones.slice(2));
    await ask(all.slice(2));
    await publish();
    expect(walk()).toEqual({ commits: 12, lines: 3 * milestones.reduce((sum, [, seq]) => sum + seq, 0) });
    expect(
      log("%s")
        .map((subject) => subject.replace(/\(.*\)/, ""))
        .slice(-4),
    ).toEqual([
      "plan: rollback-workload, starts at once",
      "remediate: rollback-workload succeeded in 48s",
      "assess: rollback-workload inconclusive",
      "assess: rollback-workload effective",
    ]);
    expect(await unpublished()).toBe(0);
  });

  it("is in order over many flushes, one being written while the next is rendered", async () => {
    const all = ids(400);
    await store(all);
    await ask(all, milestones.slice(0, 3));
    await (await publisher())();
    const keys = log("%(trailers:key=Execution-Id,valueonly,separator=)");
    expect(keys).toEqual([...all, ...all, ...all]);
    expect(new Set(log("%(trailers:key=Seq,valueonly,separator=)")).size).toBe(3);
    expect(await unpublished()).toBe(0);
    expect(git(audit(), ["fsck", "--full", "--strict", "--no-dangling"])).toBe("");
    const [first] = all;
    const file = git(audit(), ["cat-file", "blob", `audit:executions/2026/11/17/${first}/events.jsonl`]);
    expect(verifyChain(linesOf(file))).toMatchObject({ sound: true, previousHead: noHead });
  });

  it("has nothing twice after a crash between commit and mark", async () => {
    const all = ids(3);
    await store(all);
    await ask(all, milestones.slice(0, 2));
    await expect((await publisher("record-after-commit"))()).rejects.toThrow("killed");
    expect(await unpublished()).toBe(6);
    expect(log("%H")).toHaveLength(6);
    await ask(all, milestones.slice(2));
    await (await publisher())();
    expect(walk().commits).toBe(12);
    expect(await unpublished()).toBe(0);
  });

  it("is whole at the remote when the replica that wrote it is gone, and when it comes back", async () => {
    const all = ids(3);
    await store(all);
    await ask(all, milestones.slice(0, 2));
    remote = { url: bareRepository(audit(), "audit"), credential: null };
    await expect((await publisher("record-after-commit", "a"))()).rejects.toThrow("killed");
    expect(await unpublished()).toBe(6);
    await (await publisher(null, "b"))();
    await ask(all, milestones.slice(2, 3));
    await expect((await publisher("record-after-push", "b"))()).rejects.toThrow("killed");
    expect(await unpublished()).toBe(3);
    await ask(all, milestones.slice(3));
    await (await publisher(null, "a"))();
    expect(walk()).toEqual({ commits: 12, lines: 3 * milestones.reduce((sum, [, seq]) => sum + seq, 0) });
    expect(await unpublished()).toBe(0);
  });

  it("waits in the database while the remote is away, and is written once when it is back", async () => {
    const all = ids(3);
    await store(all);
    await ask(all);
    const place = bareRepository(audit(), "audit");
    remote = { url: place, credential: null };
    const publish = await publisher(null, "a");
    renameSync(place, `${place}.away`);
    await expect(publish()).rejects.toMatchObject({ code: expect.stringContaining("GIT_") });
    await expect(publish()).rejects.toMatchObject({ code: expect.stringContaining("GIT_") });
    expect(await unpublished()).toBe(12);
    renameSync(`${place}.away`, place);
    await publish();
    expect(walk().commits).toBe(12);
    expect(await unpublished()).toBe(0);
  });

  it("has nothing twice when two rounds are asked for at once", async () => {
    const all = ids(40);
    await store(all);
    await ask(all);
    const publish = await publisher();
    await Promise.all([publish(), publish()]);
    expect(walk().commits).toBe(160);
  });

  it("of one execution that cannot be written holds up nobody else's", async () => {
    const [bad = "", good = ""] = ids(2);
    await store([good]);
    await ask([bad], milestones.slice(0, 1));
    await ask([good], milestones.slice(0, 2));
    await (await publisher())();
    expect(walk().commits).toBe(2);
    expect(errors).toMatchObject([{ executionId: bad }]);
    expect(await unpublished()).toBe(1);
  });
});
