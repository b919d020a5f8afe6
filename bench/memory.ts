// Whether memory is flat over many alerts: a real controller on real PostgreSQL (fsync on) takes a million of them through its webhook.
// Of each 100,000 most are repeated, 1,000 open a firing that matches nothing, 100 start an execution, and as many end. Live
// objects are counted after a garbage collection; the figures after the first 100,000 are the baseline of the later ones.
// Usage: node bench/memory.ts [--alerts 1000000]
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread } from "node:worker_threads";
import type { AlertPayload } from "../test/e2e/firings.ts";
import { openShippedSite, startWorld } from "../test/e2e/world.ts";
import type { ControllerProcess } from "../test/support/controller-process.ts";
import { eventually } from "../test/support/eventually.ts";

const perRound = 100_000;
const perRequest = 100;
const opened = 1_000;
const known = 100;

const answerFile = process.env["GITMEND_BENCH_MEMORY"];
if (answerFile === undefined) await main();
else if (isMainThread) answerWith(answerFile);

interface Memory {
  readonly heapUsed: number;
  readonly rss: number;
}

/** Inside the controller, before its program: a signal makes it write down what it holds. */
function answerWith(file: string): void {
  process.on("SIGUSR2", () => {
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    writeFileSync(file, JSON.stringify({ heapUsed, rss }));
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { alerts: { type: "string", default: "1000000" } } });
  const namespaces = ["bench"];
  const world = await startWorld(namespaces);
  try {
    for (let index = 0; index < 100; index += 1)
      world.simulation.cluster.deploy({ namespace: "bench", name: `api-${index}`, replicas: 1 });
    const site = await openShippedSite(world, "memory", catalog(), namespaces);
    const file = join(world.folder, "memory.json");
    const controller = await site.start({
      GITMEND_BENCH_MEMORY: file,
      NODE_OPTIONS: `--expose-gc --import ${fileURLToPath(import.meta.url)}`,
    });
    await measure(controller, file, Number(values.alerts));
    controller.kill("SIGTERM");
    await controller.exited;
  } finally {
    await world.stop();
  }
}

function catalog() {
  const look = { name: "look", action: { type: "kubernetes", action: "get_pod_status" } };
  const params = { template: "look" };
  const names = Array.from({ length: 1_000 }, (_, round) => knownName(round));
  const rules = [{ name: "look", on: names, event: { type: "select-template", params } }];
  return {
    "templates/look.json": JSON.stringify({ name: "look", configuration: { cooldown: "1h" }, steps: [look] }),
    "policies/bench.json": JSON.stringify({ name: "bench", rules }),
  };
}

async function measure(controller: ControllerProcess, file: string, alerts: number): Promise<void> {
  const sizes: Memory[] = [];
  console.log("   alerts   live objects    of the first 100,000   resident   alerts/s");
  for (let round = 1; round * perRound <= alerts; round += 1) {
    const began = performance.now();
    await deliverRound(controller, round);
    const rate = perRound / ((performance.now() - began) / 1000);
    const size = await ask(controller, file);
    sizes.push(size);
    const ratio = size.heapUsed / (sizes[0]?.heapUsed ?? Number.NaN);
    console.log(
      `${(round * perRound).toLocaleString("en").padStart(9)}   ${mebibytes(size.heapUsed)} MiB   ${`${ratio.toFixed(2)} times`.padStart(21)}   ${mebibytes(size.rss)} MiB   ${Math.round(rate)}`,
    );
  }
  const grown = ((sizes.at(-1)?.heapUsed ?? 0) - (sizes[0]?.heapUsed ?? 0)) / (perRound * (sizes.length - 1));
  console.log(`${grown.toFixed(1)} bytes more of live objects for each alert after the first 100,000`);
}

/** The firings of the round before have ended; those of this round are repeated until its alerts are used up. */
async function deliverRound(controller: ControllerProcess, round: number): Promise<void> {
  const fresh = Array.from({ length: opened + known }, (_, index) => alertOf(round, index));
  const over = round === 1 ? [] : fresh.map((_, index) => alertOf(round - 1, index, "resolved"));
  const repeated = perRound - fresh.length - over.length;
  const all = [...over, ...fresh];
  for (let index = 0; index < repeated; index += 1) all.push(fresh[index % fresh.length] as AlertPayload);
  const requests = Array.from({ length: Math.ceil(all.length / perRequest) }, (_, index) =>
    all.slice(index * perRequest, (index + 1) * perRequest),
  );
  const sender = async () => {
    for (let request = requests.shift(); request !== undefined; request = requests.shift())
      await send(controller, request);
  };
  await Promise.all(Array.from({ length: 8 }, sender));
  await eventually("all is decided and has ended", () => isQuiet(controller), { seconds: 120 });
}

function alertOf(round: number, index: number, status: "firing" | "resolved" = "firing"): AlertPayload {
  const alertname = index < opened ? `Unknown${index % 50}` : knownName(round);
  const pod = `api-${index % 100}`;
  return {
    status,
    labels: { alertname, namespace: "bench", deployment: pod, severity: "warning", round: String(round) },
    annotations: { summary: `${pod} is in trouble for the ${round}. time` },
    startsAt: startedAt(round),
    endsAt: status === "resolved" ? startedAt(round + 1) : "0001-01-01T00:00:00Z",
    fingerprint: `${round}-${index}`,
  };
}

/** Another in each round: what was tried for a name and a target is not tried again for a while. */
function knownName(round: number): string {
  return `Known${round}`;
}

/** A second for each round, the last of them in the past. */
function startedAt(round: number): string {
  return new Date(Date.UTC(2026, 10, 17) + round * 1000).toISOString();
}

async function send({ url }: ControllerProcess, alerts: readonly AlertPayload[]): Promise<void> {
  const answer = await fetch(`${url}/webhooks/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ version: "4", alerts }),
  });
  if (answer.status !== 202) throw new Error(`the webhook answered ${answer.status}`);
}

async function isQuiet(controller: ControllerProcess): Promise<boolean> {
  const answer = await fetch(`${controller.url}/metrics`, {
    headers: { authorization: `Bearer ${controller.token}` },
  });
  const text = await answer.text();
  const live = [...text.matchAll(/^gitmend_executions_active\{.*\} (\d+)$/gm)].map(([, value]) =>
    Number(value),
  );
  const waiting = /^gitmend_decision_backlog (\d+)$/m.exec(text)?.[1];
  return waiting === "0" && live.length > 0 && live.every((count) => count === 0);
}

async function ask(controller: ControllerProcess, file: string): Promise<Memory> {
  writeFileSync(file, "");
  process.kill(controller.pid, "SIGUSR2");
  const text = await eventually("it says what it holds", () => readFileSync(file, "utf8") || null);
  return JSON.parse(text) as Memory;
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1).padStart(8);
}
