// The engine without the world: how many steps a second one replica drives with an action that does nothing, beside the same
// events appended by nobody but the store, on the same throw-away PostgreSQL (fsync on), in the same run. Before it, how long a
// replica needs to take up many executions that wait, and how much memory they hold.
// Usage: node --expose-gc bench/engine.ts [--executions 500] [--steps 20] [--waiting 10000]
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { actions } from "../src/actions/registry.ts";
import { type Database, openDatabase } from "../src/adapters/postgres/open-database.ts";
import { createLog } from "../src/adapters/telemetry/log.ts";
import { createMetrics } from "../src/adapters/telemetry/metrics.ts";
import { type Controller, type ControllerPorts, startController } from "../src/controller/controller.ts";
import type { ExecutionEvent } from "../src/domain/execution/events.ts";
import type { PlannedStep } from "../src/domain/planning/plan.ts";
import {
  append,
  delivery,
  events,
  newAlert,
  newExecution,
  recorded,
} from "../test/contracts/store-samples.ts";
import { plan } from "../test/fixtures/executions.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { cluster, endOfLease, installedPorts } from "../test/support/replica.ts";

const { values } = parseArgs({
  options: {
    executions: { type: "string", default: "500" },
    steps: { type: "string", default: "20" },
    waiting: { type: "string", default: "10000" },
    // What this program calls itself with, so that the memory of the replica is nobody else's.
    "take-up": { type: "string" },
  },
});
const [executions, steps, waiting] = [values.executions, values.steps, values.waiting].map(Number) as [
  number,
  number,
  number,
];
/** As Prometheus does by default. */
const scrapeEveryMilliseconds = 15_000;
const scrapes = 50;
const folder = await mkdtemp(join(tmpdir(), "gitmend-bench-"));
if (values["take-up"] !== undefined) {
  const database = await openDatabase({ url: values["take-up"] });
  await takeUp(database);
  await database.close();
  await rm(folder, { recursive: true });
  process.exit(0);
}
const postgres = await startPostgres({ fsync: true });
try {
  if (waiting > 0) await takeUpElsewhere();
  const { rate: driven, kilobytes, monitoring } = await inDatabase((database) => stepsASecond(database));
  const bare = await inDatabase((database) => bareSteps(database));
  console.log(`${executions} executions of ${steps} steps, one replica`);
  console.log(`  engine                        ${Math.round(driven)} steps/s (design 1000)`);
  console.log(
    `  their events, appended alone  ${Math.round(bare)} steps/s   the engine reaches ${(driven / bare).toFixed(2)} of it`,
  );
  console.log(`  size in the database          ${kilobytes.toFixed(0)} kB an execution, indexes included`);
  const { calls, callShare, scrapeMilliseconds } = monitoring;
  const scrapeShare = scrapeMilliseconds / scrapeEveryMilliseconds;
  console.log(
    `  monitoring                    ${((callShare + scrapeShare) * 100).toFixed(2)} % of the CPU (design 2 %): ${calls} measurements and log lines ${(callShare * 100).toFixed(2)} %, a scrape of ${scrapeMilliseconds.toFixed(1)} ms every 15 s ${(scrapeShare * 100).toFixed(2)} %`,
  );
} finally {
  await postgres.remove();
  await rm(folder, { recursive: true });
}

async function inDatabase<T>(measure: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({ url: await postgres.createDatabase() });
  try {
    return await measure(database);
  } finally {
    await database.close();
  }
}

function chain(length: number): readonly PlannedStep[] {
  const [sample] = plan.steps;
  if (sample === undefined) throw new TypeError("the sample has no step");
  return Array.from({ length }, (_, index) => ({
    ...sample,
    name: `step-${index}`,
    dependsOn: index === 0 ? [] : [`step-${index - 1}`],
    call: { action: "get_pod_status", input: {} },
  }));
}

/** Live executions that nobody drives. `more`: what has happened to them already. */
async function giveUp(database: Database, count: number, more: readonly ExecutionEvent[]): Promise<void> {
  const ownPlan = {
    ...plan,
    target: null,
    steps: chain(steps),
    timeoutSeconds: 1_000_000_000,
    touches: { ...plan.touches, clusters: [cluster], objects: [] },
  };
  for (let made = 0; made < count; made += 500) {
    const alerts = Array.from({ length: Math.min(500, count - made) }, () => newAlert({ cluster }));
    await database.alerts.receive(delivery(...alerts));
    for (const firing of await database.alerts.takeDue(500, 600)) {
      const decision = newExecution(firing.alert);
      const first = [
        events.requested(firing.alert, decision.incidentId),
        { type: "Planned", plan: ownPlan, previews: [] } as unknown as ExecutionEvent,
        events.gate,
        ...more,
      ];
      const { result } = await database.alerts.decide(firing, {
        ...decision,
        events: recorded(0, ...first),
      });
      if (result !== "committed") throw new Error(`the decision was ${result}`);
    }
  }
  await endOfLease(database);
}

async function startReplica(
  database: Database,
  name: string,
  watched: (ports: ControllerPorts) => ControllerPorts = (ports) => ports,
) {
  const { ports, close } = await installedPorts(
    { folder: join(folder, name), database, kubeconfig: unusedKubeconfig(), catalog: [] },
    () => undefined,
  );
  const look = actions.find(({ name }) => name === "get_pod_status");
  if (look === undefined || look.changes) throw new TypeError("the sample action changed");
  const idle = { ...look, input: { type: "object" }, run: async () => ({ done: true }) };
  const controller = startController(watched({ ...ports, actions: new Map([["get_pod_status", idle]]) }), {
    catalogIntervalSeconds: 60,
    staleAfterSeconds: 3_600,
    retention: {
      deadLettersSeconds: 86_400,
      alertsSeconds: 86_400,
      evidenceSeconds: 86_400,
      bodiesSeconds: 86_400,
    },
    keepExecutionsSeconds: 400 * 86_400,
  });
  return { controller, close };
}

/** No step asks it anything. */
function unusedKubeconfig(): string {
  return JSON.stringify({
    clusters: [{ name: cluster, cluster: { server: "http://127.0.0.1:9" } }],
    contexts: [{ name: cluster, context: { cluster, user: cluster } }],
    users: [{ name: cluster, user: {} }],
    "current-context": cluster,
  });
}

type Said = Parameters<ControllerPorts["log"]["info"]>;

interface Monitoring {
  readonly calls: number;
  /** Of the CPU time of the process. */
  readonly callShare: number;
  /** Wall time, the database's answer included: more than its CPU time. */
  readonly scrapeMilliseconds: number;
}

async function stepsASecond(
  database: Database,
): Promise<{ readonly rate: number; readonly kilobytes: number; readonly monitoring: Monitoring }> {
  const emptyBytes = await sizeOf(database);
  await giveUp(database, executions, []);
  const registry = createMetrics();
  const log = createLog({ level: "info", pretty: false, write: () => undefined });
  let calls = 0;
  let spent = 0;
  const timed =
    <Arguments extends unknown[]>(call: (...given: Arguments) => void) =>
    (...given: Arguments) => {
      const from = performance.now();
      call(...given);
      spent += performance.now() - from;
      calls += 1;
    };
  const cpu = process.cpuUsage();
  const began = performance.now();
  const { controller, close } = await startReplica(database, "driven", (ports) => ({
    ...ports,
    metrics: {
      count: timed((...said: Parameters<typeof registry.count>) => registry.count(...said)),
      observe: timed((...said: Parameters<typeof registry.observe>) => registry.observe(...said)),
    } as typeof registry,
    log: {
      info: timed((...said: Said) => log.info(...said)),
      warn: timed((...said: Said) => log.warn(...said)),
      error: timed((...said: Said) => log.error(...said)),
    },
  }));
  await until(database, "select count(*) = 0 as done from executions where outcome is null");
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const scrapeMilliseconds = await aScrape(database, registry);
  const kilobytes = ((await sizeOf(database)) - emptyBytes) / executions / 1000;
  await stop(controller, close);
  return {
    rate: (executions * steps) / seconds,
    kilobytes,
    monitoring: { calls, callShare: (spent * 1000) / (user + system), scrapeMilliseconds },
  };
}

async function sizeOf({ pool }: Database): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    "select pg_database_size(current_database()) as bytes",
  );
  return Number(rows[0]?.bytes);
}

async function aScrape({ views }: Database, registry: ReturnType<typeof createMetrics>): Promise<number> {
  const nothing = () => [];
  const began = performance.now();
  for (let count = 0; count < scrapes; count += 1) {
    const health = views.health();
    await registry.scrape({
      catalog_revision_info: nothing,
      catalog_invalid: nothing,
      executions_active: async () =>
        Object.entries((await health).active).map(([state, value]) => ({ labels: { state }, value })),
      decision_backlog: nothing,
      breakers_open: nothing,
      audit_lag_seconds: async () => [{ labels: {}, value: (await health).auditLagSeconds }],
      api_concurrency: nothing,
    });
  }
  return (performance.now() - began) / scrapes;
}

/** Two events a step, each durable before the next, as the engine writes them. */
async function bareSteps(database: Database): Promise<number> {
  await giveUp(database, executions, []);
  const owned = await database.executions.claimAbandoned(executions);
  const began = performance.now();
  await Promise.all(
    owned.map(async ({ id, epoch }) => {
      for (let version = 3; version < 3 + 2 * steps; version += 1)
        await database.executions.append(append(id, version, { epoch }));
    }),
  );
  return (executions * steps * 1000) / (performance.now() - began);
}

async function takeUpElsewhere(): Promise<void> {
  const url = await postgres.createDatabase();
  const database = await openDatabase({ url });
  const retry = "9999-01-01T00:00:00.000Z";
  await giveUp(database, waiting, [
    { type: "Claimed", keys: [] },
    { type: "RetryScheduled", step: "step-0", attempt: 2, at: retry },
  ]);
  // What waits for hours was published long ago.
  await database.pool.query("update audit_outbox set published_at = now()");
  await database.close();
  // As bin/gitmend starts it.
  const flags = ["--expose-gc", "--max-semi-space-size=2"];
  const program = [...flags, import.meta.filename, "--take-up", url, "--waiting", values.waiting];
  const { stdout } = await promisify(execFile)(process.execPath, program, {
    env: { ...process.env, MALLOC_ARENA_MAX: "1" },
  });
  process.stdout.write(stdout);
}

async function takeUp(database: Database): Promise<void> {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const began = performance.now();
  let known = 0;
  const { executions } = database;
  const counted = { ...executions, state: (id: string) => executions.state(id).finally(() => (known += 1)) };
  const { controller, close } = await startReplica({ ...database, executions: counted }, "waiting");
  while (known < waiting) await sleep(20);
  const seconds = (performance.now() - began) / 1000;
  // Pages that are free go back to the system a little later.
  for (let second = 0; second < 5; second += 1) {
    await sleep(1_000);
    globalThis.gc?.();
  }
  const { rss, heapUsed } = process.memoryUsage();
  const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
  console.log(`${waiting} executions of ${steps} steps that wait, one replica`);
  console.log(`  all taken up and their states known in ${seconds.toFixed(2)} s (design 5 s for 10000)`);
  console.log(
    `  memory ${mebibytes(rss)} MiB after gc (design 512 MiB for 10000), ${mebibytes(before.rss)} MiB before them and the replica`,
  );
  console.log(
    `  of it live objects            ${((heapUsed - before.heapUsed) / waiting / 1024).toFixed(1)} KiB an execution, the replica itself among them`,
  );
  await stop(controller, close);
}

async function stop(controller: Controller, close: () => Promise<void>): Promise<void> {
  await controller.drain(1);
  await close();
}

async function until({ pool }: Database, question: string): Promise<void> {
  for (const begin = performance.now(); performance.now() - begin < 300_000; await sleep(50)) {
    const { rows } = await pool.query<{ done: boolean }>(question);
    if (rows[0]?.done === true) return;
  }
  throw new Error(`not within five minutes: ${question}`);
}
