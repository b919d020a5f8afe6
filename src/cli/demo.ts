// `gitmend demo`: the whole loop on this machine. A simulated cluster, the embedded database and local Git repositories;
// a bad release breaks a workload, and gitmend, live in that cluster alone, brings it back. Nothing outside is touched.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { App } from "../app.ts";
import { readConfig } from "../config/read-config.ts";
import type { CatalogFile, ExecutionSummary, Log } from "../controller/ports.ts";
import type { RecordedEvent } from "../domain/execution/events.ts";
import { Problem } from "../domain/problem.ts";
import { watchAlerts } from "../simulation/alerts.ts";
import { startSimulatedCluster } from "../simulation/start-simulated-cluster.ts";
import { type DemoScreen, demoScreen } from "./demo-screen.ts";
import { shippedLibrary } from "./shipped-library.ts";

export interface DemoOptions {
  /** End when the incident is solved instead of serving on. */
  readonly once: boolean;
  readonly colours: boolean;
  readonly columns: number;
  readonly write: (text: string) => void;
  readonly log: Log;
  /** Ends the demo early. */
  readonly signal: AbortSignal;
}

const cluster = "demo";
const namespace = "shop";
const workload = "api";
const solvedWithinSeconds = 90;
const pollMilliseconds = 100;
const assessedAfter = "1s";

/** @returns the process's exit code: 0 when the workload recovered, 1 when it did not */
export async function runDemo(options: DemoOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "gitmend-demo-"));
  const screen = demoScreen(options);
  const simulation = await startSimulatedCluster({
    namespaces: [namespace],
    timing: { crashBackoffMaxSeconds: 1 },
  });
  let app: App | null = null;
  try {
    screen.title();
    const workloadReady = deployWorkload(simulation.cluster);
    app = await startDemoApp(folder, simulation.kubeconfig, options);
    await workloadReady;
    await until("a catalog is in use", () => app?.controller.catalog.current() ?? null, options.signal);
    screen.ready(simulation, app);
    const solved = await playIncident(simulation, app, screen, options.signal);
    screen.record(await gitLog(app));
    screen.end(solved);
    if (!options.once && solved) await serveOn(app, folder, screen, options.signal);
    return solved ? 0 : 1;
  } finally {
    await app?.drain(2);
    await simulation.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

type Simulation = Awaited<ReturnType<typeof startSimulatedCluster>>;

async function deployWorkload(simulated: Simulation["cluster"]): Promise<void> {
  simulated.deploy({ namespace, name: workload, replicas: 3, image: "registry.example/shop/api:1.4.2" });
  await simulated.until(
    "the workload is healthy",
    () => simulated.deployment(namespace, workload).healthy,
    30,
  );
}

async function startDemoApp(folder: string, kubeconfig: string, { log }: DemoOptions): Promise<App> {
  const { startApp } = await import("../app.ts");
  await mkdir(folder, { recursive: true });
  const kubeconfigFile = join(folder, "kubeconfig");
  await writeFile(kubeconfigFile, kubeconfig, { mode: 0o600 });
  const { config } = readConfig(configText(folder, kubeconfigFile), "demo configuration", {});
  if (config === null) throw new Problem("INTERNAL", "the demo's own configuration is not valid");
  return startApp({ config, environment: {}, log, library: hurriedLibrary, demo: true });
}

/** The shipped one asks after ten minutes whether a remedy helped; nobody watches a demo for so long. */
async function hurriedLibrary(): Promise<readonly CatalogFile[]> {
  const files = await shippedLibrary();
  return files.map(({ path, text }) =>
    path.startsWith("templates/") && !text.includes("\neffectiveness:")
      ? { path, text: `${text}effectiveness: {delay: ${assessedAfter}}\n` }
      : { path, text },
  );
}

function configText(folder: string, kubeconfigFile: string): string {
  return JSON.stringify({
    data_dir: join(folder, "data"),
    clusters: [{ name: cluster, labels: { env: "demo" }, kubeconfig: kubeconfigFile }],
    live: [{ clusters: [cluster] }],
    server: { listen: "127.0.0.1:0" },
    limits: { gather: "1s" },
  });
}

/** Breaks the workload, delivers what Alertmanager would, follows the execution. @returns whether the workload recovered */
async function playIncident(
  simulation: Simulation,
  app: App,
  screen: DemoScreen,
  signal: AbortSignal,
): Promise<boolean> {
  const stop = new AbortController();
  const delivering = deliverAlerts(simulation, app, screen, AbortSignal.any([signal, stop.signal]));
  try {
    simulation.cluster.breakDeployment(namespace, workload, "crash");
    screen.broken(simulation.cluster.deployment(namespace, workload));
    const execution = await firstExecution(app, signal);
    const ended = await follow(app, execution, screen, signal);
    const healthy = simulation.cluster.deployment(namespace, workload).healthy;
    const last = (await app.database.executions.events(execution.id)).length;
    await until(
      "the record is published",
      async () => ((await gitLog(app)).includes(`\nSeq: ${last}\n`) ? true : null),
      signal,
    );
    screen.outcome(ended, simulation.cluster.deployment(namespace, workload));
    return ended.outcome === "succeeded" && healthy;
  } finally {
    stop.abort();
    await delivering;
  }
}

/** What Prometheus and Alertmanager do, on the simulated cluster: the same payloads to the same webhook. */
async function deliverAlerts(
  simulation: Simulation,
  app: App,
  screen: DemoScreen,
  signal: AbortSignal,
): Promise<void> {
  const watch = watchAlerts(simulation.cluster, { externalLabels: { cluster } });
  while (!signal.aborted) {
    for (const payload of watch.poll()) {
      const body = JSON.stringify(payload);
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${app.url}/webhooks/alertmanager`, { method: "POST", headers, body });
      if (!answer.ok) throw new Problem("INTERNAL", `the webhook answered ${answer.status}`);
      screen.delivered(payload);
    }
    await delay(pollMilliseconds, undefined, { signal }).catch(() => undefined);
  }
}

async function firstExecution({ database }: App, signal: AbortSignal): Promise<ExecutionSummary> {
  return until(
    "an execution begins",
    async () => (await database.executions.list({ limit: 1 }))[0] ?? null,
    signal,
  );
}

/** Shows every event as it comes, to the verdict on what succeeded. @returns how the execution ended */
async function follow(
  { database: { executions } }: App,
  { id }: ExecutionSummary,
  screen: DemoScreen,
  signal: AbortSignal,
): Promise<ExecutionSummary> {
  let shown = 0;
  const look = async () => {
    const events = await executions.events(id);
    for (const recorded of events.slice(shown)) screen.event(recorded);
    shown = events.length;
    return isOver(events) ? executions.find(id) : null;
  };
  return until("the execution is assessed", look, signal);
}

function isOver(events: readonly RecordedEvent[]): boolean {
  const last = events.at(-1)?.event;
  if (last?.type === "AssessmentMade") return last.again === null;
  return last?.type === "Ended" && last.outcome !== "succeeded";
}

/** Looks again until there is something to see. @throws Problem INTERNAL when it takes too long */
async function until<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  signal: AbortSignal,
): Promise<T> {
  for (const deadline = performance.now() + solvedWithinSeconds * 1000; performance.now() < deadline; ) {
    const seen = await look();
    if (seen !== null) return seen;
    await delay(pollMilliseconds, undefined, { signal });
  }
  throw new Problem("INTERNAL", `not within ${solvedWithinSeconds} s: ${what}`);
}

async function gitLog({ auditFolder }: App): Promise<string> {
  const format = "%h  %cd  %s%n%(trailers:only,unfold)";
  const args = [
    "--git-dir",
    auditFolder,
    "log",
    "--reverse",
    "--date=format:%H:%M:%S",
    `--format=${format}`,
    "audit",
  ];
  const env = { PATH: process.env["PATH"], GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
  const git = await promisify(execFile)("git", args, { env }).catch(() => ({ stdout: "" }));
  return git.stdout;
}

async function serveOn(app: App, folder: string, screen: DemoScreen, signal: AbortSignal): Promise<void> {
  screen.serving(app, join(folder, "data"));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
