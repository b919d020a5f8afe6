// Takeover: three replicas drive many executions over one PostgreSQL, one replica is killed with SIGKILL; how long until every
// execution of the victim has written its next event. Beside it, in the same run: one replica alone that is killed and started
// again at once, which is what a single process would need. The API server takes a fifth of a second to list pods, which is all that a
// step does: so every execution is still at it when the replica is killed. Usage: node bench/takeover.ts [--executions 200] [--steps 120]

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { openShippedSite, type Site, startWorld, type World } from "../test/e2e/world.ts";
import type { ControllerProcess } from "../test/support/controller-process.ts";

const { values } = parseArgs({
  options: {
    executions: { type: "string", default: "200" },
    steps: { type: "string", default: "120" },
  },
});
const executions = Number(values.executions);
const steps = Number(values.steps);
const namespaces = Array.from({ length: 30 }, (_, index) => `bench-${index}`);
const perNamespace = Math.ceil(executions / namespaces.length);

const template = {
  name: "look-often",
  configuration: { timeout: "1h", cooldown: "1h" },
  steps: Array.from({ length: steps }, (_, index) => ({
    name: `look-${index}`,
    action: { type: "kubernetes", action: "get_pod_status" },
  })),
};
const policy = {
  name: "bench",
  rules: [
    { name: "look", on: ["Bench"], event: { type: "select-template", params: { template: "look-often" } } },
  ],
};

interface Figures {
  readonly victims: number;
  readonly firstSeconds: number;
  readonly medianSeconds: number;
  readonly lastSeconds: number;
}

const world = await startWorld(namespaces);
try {
  for (const namespace of namespaces)
    for (let index = 0; index < perNamespace; index += 1)
      world.simulation.cluster.deploy({ namespace, name: `api-${index}`, replicas: 1 });
  world.simulation.cluster.faults.add({
    method: "GET",
    path: /\/pods/,
    times: Number.POSITIVE_INFINITY,
    fault: { kind: "latency", milliseconds: 200 },
  });
  const three = await measure(world, "three", ["a", "b", "c"], async () => null);
  const alone = await measure(world, "alone", ["a"], (site) => site.start({}, "a"));
  print("3 replicas, one killed", three);
  print("1 replica, killed and started again", alone);
  console.log(
    `last execution goes on ${(alone.lastSeconds / three.lastSeconds).toFixed(1)} times sooner with 3 replicas`,
  );
} finally {
  await world.stop();
}

async function measure(
  { simulation }: World,
  name: string,
  replicas: readonly string[],
  revive: (site: Site) => Promise<ControllerProcess | null>,
): Promise<Figures> {
  simulation.cluster.effects.count({ manager: "gitmend" });
  const files = {
    "templates/look-often.json": JSON.stringify(template),
    "policies/bench.json": JSON.stringify(policy),
  };
  const site = await openShippedSite(world, name, files, namespaces);
  const client = new pg.Client({ connectionString: site.database });
  await client.connect();
  const running = [await site.start({}, replicas[0])];
  const owner = await onlyReplica(client);
  for (const replica of replicas.slice(1)) running.push(await site.start({}, replica));
  try {
    await deliverAll(running);
    await until(client, "select count(*) >= $1 as done from executions where version > 5", [executions]);
    const [victim, ...others] = running as [ControllerProcess, ...ControllerProcess[]];
    const killedAt = performance.now();
    victim.kill("SIGKILL");
    await victim.exited;
    const before = await versionsOf(client, owner);
    const revived = await revive(site);
    if (revived !== null) others.push(revived);
    const taken = await watch(client, before, killedAt);
    for (const other of others) {
      other.kill("SIGKILL");
      await other.exited;
    }
    return taken;
  } finally {
    for (const replica of running) replica.kill("SIGKILL");
    await client.end();
  }
}

/** Each deployment has one firing alert; batches go to the replicas in turn, as a load balancer does. */
async function deliverAll(replicas: readonly ControllerProcess[]): Promise<void> {
  const alerts = namespaces
    .flatMap((namespace, group) =>
      Array.from({ length: perNamespace }, (_, index) => ({
        status: "firing",
        labels: { alertname: "Bench", namespace, deployment: `api-${index}`, severity: "warning" },
        annotations: {},
        startsAt: new Date().toISOString(),
        endsAt: "0001-01-01T00:00:00Z",
        fingerprint: (group * 10_000 + index).toString(16).padStart(16, "0"),
      })),
    )
    .slice(0, executions);
  for (let from = 0; from < alerts.length; from += 100) {
    const replica = replicas[(from / 100) % replicas.length]!;
    const answer = await fetch(`${replica.url}/webhooks/alertmanager`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ version: "4", alerts: alerts.slice(from, from + 100) }),
    });
    if (answer.status !== 202) throw new Error(`the webhook answered ${answer.status}`);
  }
}

async function onlyReplica(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ id: string }>("select id from replicas where expires_at > now()");
  if (rows[0] === undefined) throw new Error("the first replica has no lease");
  return rows[0].id;
}

async function versionsOf(client: pg.Client, owner: string): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ id: string; version: number }>(
    "select id::text, version from executions where owner = $1 and outcome is null",
    [owner],
  );
  return new Map(rows.map(({ id, version }) => [id, version]));
}

/** When each of the victim's executions wrote again under another owner. */
async function watch(
  client: pg.Client,
  before: ReadonlyMap<string, number>,
  killedAt: number,
): Promise<Figures> {
  const seconds: number[] = [];
  const open = new Map(before);
  while (open.size > 0) {
    const { rows } = await client.query<{ id: string; version: number; epoch: number }>(
      "select id::text, version, epoch from executions where id = any($1::uuid[])",
      [[...open.keys()]],
    );
    const at = (performance.now() - killedAt) / 1000;
    if (at > 120) throw new Error(`${open.size} executions were never taken over`);
    for (const { id, version, epoch } of rows) {
      if (epoch < 2 || version <= (open.get(id) ?? 0)) continue;
      seconds.push(at);
      open.delete(id);
    }
    await sleep(20);
  }
  const median = seconds[Math.floor(seconds.length / 2)] ?? Number.NaN;
  return {
    victims: before.size,
    firstSeconds: seconds[0] ?? Number.NaN,
    medianSeconds: median,
    lastSeconds: seconds.at(-1) ?? Number.NaN,
  };
}

async function until(client: pg.Client, question: string, parameters: readonly unknown[]): Promise<void> {
  for (const begin = performance.now(); performance.now() - begin < 120_000; await sleep(100)) {
    const { rows } = await client.query<{ done: boolean }>(question, [...parameters]);
    if (rows[0]?.done === true) return;
  }
  throw new Error(`not within two minutes: ${question}`);
}

function print(name: string, { victims, firstSeconds, medianSeconds, lastSeconds }: Figures): void {
  const figures = `first ${firstSeconds.toFixed(2)} s  median ${medianSeconds.toFixed(2)} s  last ${lastSeconds.toFixed(2)} s`;
  console.log(`${name}: ${victims} executions of the victim go on: ${figures}`);
}
