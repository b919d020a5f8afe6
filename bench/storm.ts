// Whether decisions starve while alerts pour in: firings that are resolved soon arrive at a steady rate, most of them before
// anything could be decided about them. The baseline is what the same controller decides of a backlog while nothing arrives.
// Usage: node bench/storm.ts [--rate 2500] [--seconds 60]
import { parseArgs } from "node:util";
import pg from "pg";
import type { AlertPayload } from "../test/e2e/firings.ts";
import { openShippedSite, startWorld } from "../test/e2e/world.ts";
import type { ControllerProcess } from "../test/support/controller-process.ts";
import { eventually } from "../test/support/eventually.ts";

const perRequest = 100;
const workloads = 100;
/** How long a firing is open: some rounds of decisions. */
const openSeconds = 5;

const { values } = parseArgs({
  options: { rate: { type: "string", default: "2500" }, seconds: { type: "string", default: "60" } },
});
const [rate, seconds] = [Number(values.rate), Number(values.seconds)];

const world = await startWorld(["bench"]);
try {
  for (let index = 0; index < workloads; index += 1)
    world.simulation.cluster.deploy({ namespace: "bench", name: `api-${index}`, replicas: 1 });
  const config = { limits: { gather: "0s", backlog: 1_000_000 } };
  const site = await openShippedSite(world, "storm", catalog(), ["bench"], config);
  const controller = await site.start();
  const database = new pg.Client({ connectionString: site.database });
  await database.connect();
  const atRest = await decideAtRest(controller, database);
  console.log(`a backlog, nothing arrives: ${Math.round(atRest)} decisions/s`);
  const { decided, sent, waiting } = await pour(controller, database);
  console.log(
    `${Math.round(sent)} alerts/s arrive, half of them resolves: ${Math.round(decided)} decisions/s, ${(decided / atRest).toFixed(2)} times; ${waiting} wait at the end`,
  );
  await database.end();
  controller.kill("SIGTERM");
  await controller.exited;
} finally {
  await world.stop();
}

function catalog() {
  const rule = {
    name: "look",
    on: ["Never"],
    event: { type: "select-template", params: { template: "look" } },
  };
  const look = { name: "look", action: { type: "kubernetes", action: "get_pod_status" } };
  return {
    "templates/look.json": JSON.stringify({ name: "look", steps: [look] }),
    "policies/bench.json": JSON.stringify({ name: "bench", rules: [rule] }),
  };
}

async function decideAtRest(controller: ControllerProcess, database: pg.Client): Promise<number> {
  const fresh = Array.from({ length: 3_000 }, (_, index) => alertOf(`rest-${index}`, "firing"));
  for (let at = 0; at < fresh.length; at += perRequest)
    await send(controller, fresh.slice(at, at + perRequest));
  const [began, before] = [performance.now(), await decisions(database)];
  await eventually("the backlog is decided", async () => (await open(database)) === 0, { seconds: 120 });
  return ((await decisions(database)) - before) / ((performance.now() - began) / 1000);
}

/** Each tick as many as its share of the rate, whatever the answers take. */
async function pour(controller: ControllerProcess, database: pg.Client) {
  const [began, before] = [performance.now(), await decisions(database)];
  const answers: Promise<void>[] = [];
  const due: { readonly at: number; readonly names: readonly string[] }[] = [];
  let sent = 0;
  let named = 0;
  while (performance.now() - began < seconds * 1000) {
    const elapsed = (performance.now() - began) / 1000;
    for (; sent < elapsed * rate; sent += perRequest) {
      const over = due[0] !== undefined && due[0].at <= elapsed ? due.shift() : undefined;
      const names = over?.names ?? Array.from({ length: perRequest }, () => `storm-${(named += 1)}`);
      if (over === undefined) due.push({ at: elapsed + openSeconds, names });
      answers.push(
        send(
          controller,
          names.map((name) => alertOf(name, over === undefined ? "firing" : "resolved")),
        ),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await Promise.all(answers);
  const took = (performance.now() - began) / 1000;
  const decided = ((await decisions(database)) - before) / took;
  return { decided, sent: sent / took, waiting: await open(database) };
}

async function decisions(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ readonly count: number }>(
    "select count(*)::int as count from decisions",
  );
  return rows[0]?.count ?? 0;
}

async function open(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ readonly count: number }>(
    "select count(*)::int as count from alerts where status = 'open' and decide_at <= now()",
  );
  return rows[0]?.count ?? 0;
}

function alertOf(name: string, status: "firing" | "resolved"): AlertPayload {
  const index = Number(name.split("-")[1]) % workloads;
  return {
    status,
    labels: { alertname: "Storm", namespace: "bench", deployment: `api-${index}`, severity: "warning", name },
    annotations: { summary: `${name} is in trouble` },
    startsAt: "2026-11-17T10:00:00.000Z",
    endsAt: status === "resolved" ? new Date().toISOString() : "0001-01-01T00:00:00Z",
    fingerprint: name,
  };
}

async function send({ url }: ControllerProcess, alerts: readonly AlertPayload[]): Promise<void> {
  const answer = await fetch(`${url}/webhooks/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ version: "4", alerts }),
  });
  if (answer.status !== 202) throw new Error(`the webhook answered ${answer.status}`);
}
