// Alerts and requests a second that the webhook answers, each durable before its answer: the real server on real PostgreSQL
// with fsync, beside one INSERT and transaction for each alert over a pool of 20, and beside express that only says 202.
// The load comes from a thread of its own. All in one run: the ratios are the result. The last line says how long the main loop
// stands still for a body of 16 MiB: the lease ends after a second of it. Usage: node bench/webhook.ts [--seconds=5]
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, type Socket } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import express from "express";
import pg from "pg";
import { openDatabase } from "../src/adapters/postgres/open-database.ts";
import { nothingShared } from "../src/controller/shared.ts";
import { createServer } from "../src/server/create-server.ts";
import { closeServer, listenOn } from "../src/server/http-server.ts";
import { emptyViews, executionsOf, noDeadLetters, readyState } from "../test/server/given-server.ts";
import { noBacklog, nothingTripped } from "../test/support/no-limits.ts";
import { noMetrics } from "../test/support/no-metrics.ts";
import { nothingPaused } from "../test/support/no-pauses.ts";
import { startPostgres, type TestPostgres } from "../test/support/postgres.ts";

interface Load {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** Alerts of one request. */
  readonly alerts: number;
  /** Every connection sends the same alerts again and again, as Alertmanager does for what goes on. */
  readonly repeated: boolean;
}

interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const batch = 100;
const pool = 20;
/** Just below the limit of 16 MiB. */
const hugeBatch = Math.floor((15.9 * 1024 * 1024) / (alertText("0.0.12345").length + 1));
const design = { alerts: 30_000, requests: 2_000 };
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** About 900 bytes, as kube-prometheus has them. */
function alertText(index: string): string {
  return JSON.stringify({
    status: "firing",
    labels: {
      alertname: "KubePodCrashLooping",
      container: "api",
      endpoint: "http",
      job: "kube-state-metrics",
      namespace: "shop",
      pod: `api-7d4b9c6f5d-${index}`,
      prometheus: "monitoring/k8s",
      reason: "CrashLoopBackOff",
      service: "kube-state-metrics",
      severity: "warning",
      uid: "3f1d2c5e-5b1a-4a57-9f2d-6b0c1f0e9a11",
    },
    annotations: {
      description: `Pod shop/api-7d4b9c6f5d-${index} (api) is in waiting state (reason: "CrashLoopBackOff").`,
      runbook_url: "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubepodcrashlooping",
      summary: "Pod is crash looping.",
    },
    startsAt: "2026-11-17T10:00:00.123456789Z",
    endsAt: "0001-01-01T00:00:00Z",
    generatorURL: "http://prometheus-k8s-0:9090/graph?g0.expr=max_over_time",
    fingerprint: index,
  });
}

if (isMainThread) await main();
else parentPort?.postMessage(await send(workerData as Load));

// ---- the thread that sends -----------------------------------------------------------------------------------------

/** Each connection sends its next request when the one before was answered. */
async function send(load: Load): Promise<Figures> {
  const latencies: number[] = [];
  const begin = performance.now();
  const end = begin + load.seconds * 1000;
  const one = async (connection: number) => {
    const socket = connect(Number(new URL(load.url).port), "127.0.0.1");
    await once(socket, "connect");
    for (let round = 0; performance.now() < end; round += 1) {
      const request = requestText(load, `${connection}.${load.repeated ? 0 : round}`);
      const sentAt = performance.now();
      await exchange(socket, request);
      latencies.push(performance.now() - sentAt);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: load.connections }, (_, index) => one(index)));
  const requestsPerSecond = latencies.length / ((performance.now() - begin) / 1000);
  const sorted = Float64Array.from(latencies).toSorted();
  const quantile = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  return { requestsPerSecond, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

function requestText({ url, alerts }: Load, round: string): string {
  const texts = Array.from({ length: alerts }, (_, index) => alertText(`${round}.${index}`));
  const body = `{"version":"4","status":"firing","receiver":"gitmend","alerts":[${texts.join(",")}]}`;
  const { host, pathname } = new URL(url);
  return `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Answers are small: they come whole or nearly so. */
async function exchange(socket: Socket, request: string): Promise<void> {
  socket.write(request);
  let answer = "";
  while (!isWhole(answer)) answer += String((await once(socket, "data"))[0]);
  if (!answer.startsWith("HTTP/1.1 202")) throw new Error(answer);
}

function isWhole(answer: string): boolean {
  const body = answer.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(answer)?.[1];
  return body > 0 && length !== undefined && answer.length >= body + 4 + Number(length);
}

// ---- what is measured ----------------------------------------------------------------------------------------------

async function main(): Promise<void> {
  const seconds = Number(process.argv.find((argument) => argument.startsWith("--seconds="))?.slice(10) ?? 5);
  if (!(seconds > 0)) throw new RangeError("--seconds wants a number above 0");
  const postgres = await startPostgres({ fsync: true });
  try {
    await report(postgres, seconds);
  } finally {
    await postgres.remove();
  }
}

async function report(postgres: TestPostgres, seconds: number): Promise<void> {
  const singleInserts = await insertOneByOne(postgres, seconds);
  const alerts = (figures: Figures) => figures.requestsPerSecond * batch;
  const bare = await bareExpress({ seconds, connections: 64, alerts: 1, repeated: false });
  const rows: readonly [name: string, load: Omit<Load, "url">][] = [
    [`batches of ${batch}, new alerts`, { seconds, connections: 16, alerts: batch, repeated: false }],
    [`batches of ${batch}, repeated alerts`, { seconds, connections: 16, alerts: batch, repeated: true }],
    ["single requests, new alerts", { seconds, connections: 64, alerts: 1, repeated: false }],
  ];
  print(
    `one INSERT an alert, pool of ${pool}`,
    singleInserts,
    `${Math.round(singleInserts.requestsPerSecond)} alerts/s`,
  );
  print("express that only says 202, single requests", bare, "");
  for (const [name, load] of rows) {
    const figures = await webhook(postgres, load);
    const [rate, wanted] =
      load.alerts === 1 ? [figures.requestsPerSecond, design.requests] : [alerts(figures), design.alerts];
    const unit = load.alerts === 1 ? "requests/s" : "alerts/s";
    const ratio = (rate / singleInserts.requestsPerSecond).toFixed(1);
    print(name, figures, `${Math.round(rate)} ${unit} (design ${wanted}), ${ratio} times single inserts`);
  }
  const huge = await webhook(postgres, { seconds, connections: 1, alerts: hugeBatch, repeated: false });
  const longest = `the main loop stands still for at most ${Math.round(huge.longestStallMs)} ms`;
  print(`bodies of 16 MiB, ${hugeBatch} new alerts`, huge, longest);
}

function print(name: string, { requestsPerSecond, p50Ms, p99Ms }: Figures, result: string): void {
  const rate = `${Math.round(requestsPerSecond)}/s`.padStart(8);
  console.log(
    `${name.padEnd(44)} ${rate}  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms  ${result}`.trimEnd(),
  );
}

async function run(load: Load): Promise<Figures> {
  const worker = new Worker(new URL(import.meta.url), { workerData: load });
  const [figures] = (await once(worker, "message")) as [Figures];
  return figures;
}

async function webhook(
  postgres: TestPostgres,
  load: Omit<Load, "url">,
): Promise<Figures & { readonly longestStallMs: number }> {
  const database = await openDatabase({ url: await postgres.createDatabase() });
  const server = createServer(
    {
      listen: { host: "127.0.0.1", port: 0 },
      metricsListen: null,
      token: "a-token-of-sufficient-length",
      teams: new Map(),
      sources: [{ name: "default", clusters: ["demo"], clusterLabel: "cluster", credential: null }],
    },
    {
      alerts: { ...noDeadLetters, receive: (delivery) => database.alerts.receive(delivery) },
      executions: executionsOf([]),
      views: emptyViews,
      eventLog: database.eventLog,
      escalations: { acknowledge: async () => true },
      news: nothingShared(),
      pauses: nothingPaused,
      breakers: nothingTripped,
      backlog: noBacklog,
      startAgain: () => Promise.reject(new Error("nothing is started here")),
      start: () => Promise.reject(new Error("nothing is started here")),
      examine: async () => [],
      metrics: { ...noMetrics, contentType: "text/plain", scrape: async () => "" },
      state: readyState(),
      emergency: { now: () => new Date().toISOString(), whyNotSigned: async () => "nobody may" },
      log: silent,
    },
  );
  const { url } = await server.listen();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const figures = await run({ ...load, url: `${url}/webhooks/alertmanager` });
  delay.disable();
  await server.close(0);
  await database.close();
  return { ...figures, longestStallMs: delay.max / 1e6 };
}

async function bareExpress(load: Omit<Load, "url">): Promise<Figures> {
  const app = express();
  app.post("/", (request, response) => {
    request.resume().on("end", () => response.status(202).json({}));
  });
  const server = createHttpServer(app);
  const url = await listenOn(server, { host: "127.0.0.1", port: 0 }, "");
  const figures = await run({ ...load, url });
  await closeServer(server, 0);
  return figures;
}

async function insertOneByOne(postgres: TestPostgres, seconds: number): Promise<Figures> {
  const connections = new pg.Pool({ connectionString: await postgres.createDatabase(), max: pool });
  const latencies: number[] = [];
  const begin = performance.now();
  const one = async (connection: number) => {
    for (let round = 0; performance.now() < begin + seconds * 1000; round += 1) {
      const fingerprint = `${connection}.${round}`;
      const { labels, annotations } = JSON.parse(alertText(fingerprint)) as {
        labels: object;
        annotations: object;
      };
      const sentAt = performance.now();
      await connections.query(
        `insert into alerts (cluster, fingerprint, name, severity, labels, annotations, source, sanitised, status, starts_at, decide_at)
         values ('demo', $1, 'KubePodCrashLooping', 'warning', $2, $3, 'default', false, 'open', now(), now())
         on conflict (cluster, fingerprint) where status <> 'resolved' do nothing`,
        [fingerprint, JSON.stringify(labels), JSON.stringify(annotations)],
      );
      latencies.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: pool }, (_, index) => one(index)));
  const requestsPerSecond = latencies.length / ((performance.now() - begin) / 1000);
  await connections.end();
  const sorted = Float64Array.from(latencies).toSorted();
  const quantile = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  return { requestsPerSecond, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}
