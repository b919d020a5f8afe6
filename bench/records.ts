// Records a second in the audit repository and how far they lag behind, through the publisher on a throw-away PostgreSQL server
// (fsync on), beside plain `git commit` in a work tree of the same size, in the same run: the ratios are the result.
// A record here is one milestone: a commit of three files. The repository holds `size` records of the days before (2,000 a day) and
// `today` executions of the same day: every commit writes the tree of its day anew.
// Usage: node bench/records.ts [--records 2000] [--sizes 0,10000] [--today 0] [--rate 500]
// The design's figure: --sizes 0,10000,100000 --rate 1000
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { openAuditRepository } from "../src/adapters/git/audit-repository.ts";
import { fastImportInput } from "../src/adapters/git/fast-import.ts";
import { type Database, openDatabase } from "../src/adapters/postgres/open-database.ts";
import { createPublisher } from "../src/controller/publish-records.ts";
import { renderRecord } from "../src/domain/audit/render-record.ts";
import type { RecordedEvent } from "../src/domain/execution/events.ts";
import { plusSeconds } from "../src/domain/instant.ts";
import { canonicalJson } from "../src/domain/json.ts";
import { newId } from "../test/contracts/store-samples.ts";
import { succeededRollback } from "../test/fixtures/executions.ts";
import { noMetrics } from "../test/support/no-metrics.ts";
import { startPostgres } from "../test/support/postgres.ts";

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "2000" },
    sizes: { type: "string", default: "0,10000" },
    today: { type: "string", default: "0" },
    rate: { type: "string", default: "500" },
  },
});
const records = Number(values.records);
const rate = Number(values.rate);
const today = Number(values.today);
const sizes = values.sizes.split(",").map(Number);
if (!(records > 1) || !(rate > 0) || !(today >= 0) || sizes.some((size) => !(size >= 0)))
  throw new RangeError("--records, --sizes, --today and --rate want numbers");

const perDay = 2_000;
const plainCommits = 10;
const { events, plannedSeq } = succeededRollback;
const by = { name: "gitmend", email: "gitmend@localhost" };

const postgres = await startPostgres({ fsync: true });
try {
  for (const size of sizes) await measure(size);
} finally {
  await postgres.remove();
}

async function measure(size: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gitmend-bench-"));
  const url = await postgres.createDatabase();
  const database = await openDatabase({ url });
  const pool = new pg.Pool({ connectionString: url });
  try {
    const audit = join(folder, "audit.git");
    const repository = { folder: audit, branch: "audit", remote: null, signingKey: null };
    await openAuditRepository(repository);
    fill(audit, size);
    const publish = publisher(database, await openAuditRepository(repository));
    const ids = await storeExecutions(pool, records / 2);
    await ask(pool, ids);
    const begin = performance.now();
    await publish();
    const perSecond = records / ((performance.now() - begin) / 1_000);
    const lag = await lagAt(pool, publish);
    // Last: a work tree of so many files keeps the disk busy for a while.
    const plain = plainCommitsPerSecond(audit, folder);
    console.log(`${size} records before${today === 0 ? "" : `, ${today} executions of the same day`}`);
    console.log(`  publisher              ${perSecond.toFixed(0).padStart(6)}/s`);
    console.log(
      `  git add + git commit   ${plain.toFixed(1).padStart(6)}/s   the publisher is ${(perSecond / plain).toFixed(0)} times as fast`,
    );
    console.log(`  lag at ${rate}/s           p50 ${lag.p50.toFixed(1)} s  max ${lag.max.toFixed(1)} s`);
    console.log(`  repository             ${megabytes(audit)} MB, ${packs(audit)} packs`);
  } finally {
    await pool.end();
    await database.close();
    await rm(folder, { recursive: true });
  }
}

function publisher(database: Database, auditRepository: Awaited<ReturnType<typeof openAuditRepository>>) {
  const quiet = { info: () => undefined, warn: () => undefined, error: console.error };
  const { outbox, lease } = database;
  const faults = { at: async () => undefined };
  return createPublisher({ outbox, auditRepository, lease, faults, log: quiet, metrics: noMetrics });
}

/** The days before, each as one commit: what slows a repository down is how much it holds. */
function fill(audit: string, size: number): void {
  fillDay(audit, 0, today);
  for (let day = 1; (day - 1) * perDay < size; day += 1)
    fillDay(audit, day, Math.min(perDay, size - (day - 1) * perDay));
}

function fillDay(audit: string, day: number, count: number): void {
  if (count === 0) return;
  const files: Record<string, string> = {};
  const shifted = events.map((recorded) => ({ ...recorded, at: plusSeconds(recorded.at, -86_400 * day) }));
  for (let made = 0; made < count; made += 1) Object.assign(files, recordOf(newId(), shifted).files);
  const head = git(audit, ["for-each-ref", "--format=%(objectname)", "refs/heads/audit"]);
  const commits = [{ files, message: `fill: day ${day}\n`, at: events[0]!.at }];
  const input = fastImportInput(commits, head === "" ? null : head, by);
  git(
    audit,
    ["fast-import", "--quiet", "--done"],
    input.replaceAll("refs/gitmend/flush", "refs/heads/audit"),
  );
}

function recordOf(executionId: string, past: readonly RecordedEvent[]) {
  return renderRecord({ executionId, milestone: "ended", events: past, previousHead: null });
}

function git(folder: string, args: readonly string[], input?: string): string {
  const options = {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 1e8,
    ...(input === undefined ? {} : { input }),
  } as const;
  return execFileSync("git", args, options).trim();
}

/** As a script would do it: a work tree, three files, add, commit. */
function plainCommitsPerSecond(audit: string, folder: string): number {
  const tree = join(folder, "work-tree");
  if (git(audit, ["for-each-ref"]) === "") git(folder, ["init", "--quiet", tree]);
  else git(folder, ["clone", "--quiet", "--branch", "audit", audit, tree]);
  const begin = performance.now();
  for (let count = 0; count < plainCommits; count += 1) {
    const { files, message } = recordOf(newId(), events);
    for (const path of Object.keys(files)) mkdirSync(dirname(join(tree, path)), { recursive: true });
    for (const [path, text] of Object.entries(files))
      execFileSync("tee", [join(tree, path)], { input: text, stdio: "pipe" });
    git(tree, ["add", "--", ...Object.keys(files)]);
    git(tree, ["-c", "user.name=g", "-c", "user.email=g@localhost", "commit", "--quiet", "-F", "-"], message);
  }
  return plainCommits / ((performance.now() - begin) / 1_000);
}

/** Their events are there; nobody has asked for their records yet. */
async function storeExecutions(pool: pg.Pool, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, newId);
  for (let start = 0; start < count; start += 500) {
    await pool.query(
      `insert into events (execution_id, seq, at, type, version, event, text)
       select i.id, e.seq, now(), e.type, 1, e.text::jsonb -> 'event', e.text
       from unnest($1::uuid[]) as i(id), unnest($2::integer[], $3::text[], $4::text[]) as e(seq, type, text)`,
      [
        ids.slice(start, start + 500),
        events.map(({ seq }) => seq),
        events.map(({ event }) => event.type),
        events.map((recorded) => canonicalJson(recorded)),
      ],
    );
  }
  return ids;
}

/** Two milestones of each. */
async function ask(pool: pg.Pool, ids: readonly string[]): Promise<void> {
  await pool.query(
    `insert into audit_outbox (execution_id, milestone, seq)
     select i.id, m.milestone, m.seq
     from unnest($1::uuid[]) with ordinality as i(id, place), (values ('planned', $2::integer), ('ended', $3::integer)) as m(milestone, seq)
     order by i.place, m.seq`,
    [ids, plannedSeq, events.length],
  );
}

/** Milestones come at the rate for five seconds, a tenth of a second's worth at a time; the publisher makes a round each second. */
async function lagAt(pool: pg.Pool, publish: () => Promise<void>): Promise<{ p50: number; max: number }> {
  const batches = 50;
  const size = Math.ceil(rate / 20);
  const ids = await storeExecutions(pool, batches * size);
  let asking = true;
  const publishing = (async () => {
    while (asking) {
      await publish();
      await delay(1_000);
    }
    await publish();
  })();
  const begin = performance.now();
  for (let batch = 0; batch < batches; batch += 1) {
    await ask(pool, ids.slice(batch * size, (batch + 1) * size));
    await delay(Math.max(0, begin + (batch + 1) * 100 - performance.now()));
  }
  asking = false;
  await publishing;
  const { rows } = await pool.query<{ p50: number; max: number }>(
    `select percentile_cont(0.5) within group (order by lag) as p50, max(lag) as max
     from (select extract(epoch from published_at - created_at)::float8 as lag from audit_outbox
           where execution_id = any($1::uuid[])) l`,
    [ids],
  );
  return rows[0]!;
}

function megabytes(audit: string): string {
  return (Number(execFileSync("du", ["-sk", audit], { encoding: "utf8" }).split("\t")[0]) / 1_024).toFixed(0);
}

function packs(audit: string): string {
  return /packs: (\d+)/.exec(git(audit, ["count-objects", "-v"]))?.[1] ?? "?";
}
