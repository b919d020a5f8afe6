// Durable appends a second and their latency, through ExecutionStore.append, beside a pool of single inserts and pgbench on
// the same throw-away server (fsync on), in the same run: the ratios are the result, the absolute figures move with the machine.
// Usage: node bench/appends.ts [--seconds 3]
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import pg from "pg";
import { type Database, openDatabase } from "../src/adapters/postgres/open-database.ts";
import { startExecutions } from "../test/adapters/postgres/start-executions.ts";
import { append, newId } from "../test/contracts/store-samples.ts";
import { startPostgres, type TestPostgres } from "../test/support/postgres.ts";

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const connections = 20;
/** Events of about the size that the engine writes. */
const payload = "x".repeat(200);

const script = `\\set seq random(1, 2000000000)
insert into events (execution_id, seq, at, type, version, event, text)
values (gen_random_uuid(), :seq, now(), 'StepSkipped', 1,
  '{"type":"StepSkipped","reason":"${payload}"}'::jsonb, '{"event":{"type":"StepSkipped","reason":"${payload}"}}');
`;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "3" } } });
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new RangeError("--seconds wants a number above 0");

const postgres = await startPostgres({ fsync: true });
try {
  for (const executions of [1, 100, 1_000]) await compare(executions);
} finally {
  await postgres.remove();
}

async function compare(executions: number): Promise<void> {
  const url = await postgres.createDatabase();
  const database = await openDatabase({ url });
  const ours = await appends(database, executions);
  await database.close();
  const pool = await singleInserts(url, executions);
  const pgbench = await runPgbench(postgres, url);
  const ratio = (other: Figures) => `${(ours.perSecond / other.perSecond).toFixed(1)} times`;
  console.log(`${executions} executions`);
  print("ExecutionStore.append", ours, "");
  print(`pool of ${connections}, single inserts`, pool, ratio(pool));
  print(`pgbench -c ${connections}, one event a transaction`, pgbench, ratio(pgbench));
}

function print(name: string, { perSecond, p50Ms, p99Ms }: Figures, ratio: string): void {
  const rate = `${Math.round(perSecond)}/s`.padStart(9);
  const latency = Number.isNaN(p99Ms)
    ? `mean ${p50Ms.toFixed(2)} ms`
    : `p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms`;
  console.log(
    `  ${name.padEnd(44)} ${rate}  ${latency.padEnd(30)} ${ratio === "" ? "" : `append is ${ratio} as fast`}`,
  );
}

/** Each execution sends its next append when the one before is durable. */
async function appends(database: Database, executions: number): Promise<Figures> {
  const ids = await startExecutions(database, executions);
  return measure(ids, async (id, done) => {
    const [event] = append(id, done + 2).events;
    if (event?.event.type !== "StepSkipped") throw new TypeError("the sample changed");
    const events = [{ ...event, event: { ...event.event, reason: payload } }];
    await database.executions.append(append(id, done + 2, { events }));
  });
}

async function singleInserts(url: string, executions: number): Promise<Figures> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  const ids = Array.from({ length: executions }, newId);
  const text = JSON.stringify({ event: { type: "StepSkipped", reason: payload } });
  const figures = await measure(ids, async (id, done) => {
    await pool.query(
      `insert into events (execution_id, seq, at, type, version, event, text)
       values ($1::uuid, $2::integer, now(), 'StepSkipped', 1, $3::jsonb -> 'event', $3::text)`,
      [id, done + 1, text],
    );
  });
  await pool.end();
  return figures;
}

async function measure(
  ids: readonly string[],
  write: (id: string, done: number) => Promise<void>,
): Promise<Figures> {
  const latencies: number[] = [];
  const begin = performance.now();
  const end = begin + seconds * 1_000;
  await Promise.all(
    ids.map(async (id) => {
      for (let done = 0; performance.now() < end; done += 1) {
        const sentAt = performance.now();
        await write(id, done);
        latencies.push(performance.now() - sentAt);
      }
    }),
  );
  const perSecond = latencies.length / ((performance.now() - begin) / 1_000);
  const sorted = Float64Array.from(latencies).toSorted();
  const quantile = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  return { perSecond, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

async function runPgbench({ binaries }: TestPostgres, url: string): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), "gitmend-bench-"));
  const file = join(folder, "one-event.sql");
  await writeFile(file, script);
  const options = [
    "-n",
    "-M",
    "prepared",
    "-c",
    String(connections),
    "-j",
    "2",
    "-T",
    String(Math.ceil(seconds)),
    "-f",
    file,
  ];
  const { stdout } = await promisify(execFile)(join(binaries, "pgbench"), [...options, url]);
  await rm(folder, { recursive: true });
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
  return {
    perSecond: number(/tps = ([\d.]+)/),
    p50Ms: number(/latency average = ([\d.]+)/),
    p99Ms: Number.NaN,
  };
}
