// Replicas as real processes on a real PostgreSQL and a simulated API server, while everything around them fails by a schedule;
// afterwards the database, the audit repository and the API server are asked whether anything was lost or done twice.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { FaultKind, PlacedFault } from "../../src/simulation/faults.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../src/simulation/start-simulated-cluster.ts";
import { seededRandom } from "../../src/simulation/world.ts";
import { type ControllerProcess, startControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository, temporaryFolder, workCopy } from "../support/git.ts";
import { judgeRecords } from "../support/judge-records.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { changesOf, madeTwice } from "./oracle.ts";
import { type ChaosFault, scheduleOf } from "./schedule.ts";
import { type Cable, openCable } from "./tcp-proxy.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly replicas: number;
  readonly executions: number;
  /** How long alerts come in and faults strike. */
  readonly seconds: number;
  readonly say?: (line: string) => void;
}

export interface ChaosVerdict {
  /** For people; empty: nothing was lost, made twice or left behind. */
  readonly complaints: readonly string[];
  /** Of each kill -9: seconds from the signal to the first new event of each of the victim's executions, the last of them. */
  readonly takeoverSeconds: readonly number[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly faults: readonly ChaosFault[];
}

const namespaces = Array.from({ length: 10 }, (_, index) => `chaos-${index}`);
/** Each changes one field of its own. */
const changingSteps = [2, 7, 12, 17];
const waitingSteps = [4, 9, 14, 19];
const stepCount = 20;
const pauseSeconds = 6;
const endedWithinSeconds = 240;

/** Twenty steps: four change something, four take a second or two, the rest look. */
const template = {
  name: "chaos",
  configuration: { timeout: "2h", cooldown: "24h" },
  steps: Array.from({ length: stepCount }, (_, index) => ({
    name: `step-${index + 1}`,
    retry: { attempts: 20, backoff: "1s", max_backoff: "2s" },
    action: actionOf(index + 1),
  })),
};

function actionOf(number: number): object {
  const patch = { metadata: { annotations: { [`chaos.test/step-${number}`]: "done" } } };
  if (changingSteps.includes(number))
    return { type: "kubernetes", action: "patch_resource", parameters: { patch } };
  if (waitingSteps.includes(number))
    return {
      type: "monitoring",
      action: "validate_pod_health",
      parameters: { stable_for: "1s", wait_timeout: "60s" },
    };
  return { type: "kubernetes", action: "get_pod_status" };
}

const policy = {
  name: "chaos",
  rules: [
    { name: "do", on: ["Chaos"], event: { type: "select-template", params: { template: "chaos" } } },
    {
      name: "nobody-is-asked-here",
      conditions: { all: [{ fact: "plan", path: "$.risk", operator: "notEqual", value: "critical" }] },
      event: { type: "waive-approval", params: { max_risk: "high", reason: "a test" } },
    },
  ],
};

export async function runChaos(options: ChaosOptions): Promise<ChaosVerdict> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = temporaryFolder();
  cleanUp.defer(() => folder.remove());
  const postgres = await startPostgres();
  cleanUp.defer(() => postgres.remove());
  const simulation = await startSimulatedCluster({ seed: options.seed, namespaces });
  cleanUp.defer(() => simulation.stop());
  const site = new Site(options, folder.path, postgres, simulation);
  cleanUp.defer(() => site.close());
  await site.open();
  const faults = scheduleOf(options.seed, options.seconds, options.replicas);
  const striking = site.strikeAll(faults);
  await site.deliverAll();
  await striking;
  const complaints = await site.judge();
  return { complaints, takeoverSeconds: site.takeovers, outcomes: await site.outcomes(), faults };
}

interface Replica {
  readonly name: string;
  readonly database: Cable;
  readonly api: Cable;
  process: ControllerProcess;
}

class Site {
  readonly takeovers: number[] = [];
  readonly #options: ChaosOptions;
  readonly #folder: string;
  readonly #postgres: TestPostgres;
  readonly #simulation: RunningSimulation;
  readonly #replicas: Replica[] = [];
  readonly #delivered: string[] = [];
  readonly #random: () => number;
  #database = "";
  #settings: object = {};

  constructor(options: ChaosOptions, folder: string, postgres: TestPostgres, simulation: RunningSimulation) {
    this.#options = options;
    this.#folder = folder;
    this.#postgres = postgres;
    this.#simulation = simulation;
    this.#random = seededRandom(options.seed + 1);
  }

  async open(): Promise<void> {
    const { cluster } = this.#simulation;
    for (let number = 0; number < this.#options.executions; number += 1)
      cluster.deploy({ namespace: namespaceOf(number), name: `api-${number}`, replicas: 1 });
    this.#database = await this.#postgres.createDatabase();
    const catalog = bareRepository(join(this.#folder, "config.git"));
    workCopy(join(this.#folder, "work"), catalog).push({
      "templates/chaos.json": JSON.stringify(template),
      "policies/chaos.json": JSON.stringify(policy),
    });
    this.#settings = {
      live: [{ namespaces, max_risk: "high" }],
      config_repository: { url: catalog },
      audit_repository: { url: bareRepository(this.#audit()) },
    };
    await Promise.all(Array.from({ length: this.#options.replicas }, (_, index) => this.#add(index)));
  }

  async #add(index: number): Promise<void> {
    const name = `replica-${index}`;
    const database = await openCable(Number(new URL(this.#database).port));
    const api = await openCable(Number(new URL(this.#simulation.url).port));
    mkdirSync(this.#place(name), { recursive: true });
    const { url, kubeconfig } = this.#simulation;
    writeFileSync(
      join(this.#place(name), "kubeconfig"),
      kubeconfig.replace(url, `http://127.0.0.1:${api.port}`),
    );
    this.#replicas[index] = { name, database, api, process: await this.#start(name, database) };
  }

  #start(name: string, { port }: Cable): Promise<ControllerProcess> {
    const url = new URL(this.#database);
    url.port = String(port);
    const clock = join(this.#place(name), "clock");
    writeFileSync(clock, "0");
    return startControllerProcess({
      folder: this.#place(name),
      config: {
        ...this.#settings,
        database: { url: url.href },
        clusters: [{ name: "sim", kubeconfig: join(this.#place(name), "kubeconfig") }],
      },
      environment: { NODE_OPTIONS: `--import ${skewedClock}`, GITMEND_TEST_CLOCK: clock },
    });
  }

  #place(name: string): string {
    return join(this.#folder, name);
  }

  #audit(): string {
    return join(this.#folder, "audit.git");
  }

  /** As Alertmanager does: one after the other over the whole time, again until somebody answers 202. */
  async deliverAll(): Promise<void> {
    const { executions, seconds } = this.#options;
    const perSecond = Math.ceil(executions / seconds);
    for (let from = 0; from < executions; from += perSecond) {
      const numbers = Array.from(
        { length: Math.min(perSecond, executions - from) },
        (_, index) => from + index,
      );
      await Promise.all([this.#deliver(numbers), sleep(1000)]);
    }
  }

  async #deliver(numbers: readonly number[]): Promise<void> {
    const alerts = numbers.map(alertOf);
    await eventually(
      "an alert is taken in",
      async () => {
        const { process } = this.#replicas[Math.floor(this.#random() * this.#replicas.length)] as Replica;
        const answer = await fetch(`${process.url}/webhooks/alertmanager`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ version: "4", alerts }),
          signal: AbortSignal.timeout(5_000),
        });
        return answer.status === 202;
      },
      { seconds: 60 },
    );
    this.#delivered.push(...alerts.map(({ fingerprint }) => fingerprint));
  }

  async strikeAll(faults: readonly ChaosFault[]): Promise<void> {
    const began = performance.now();
    for (const fault of faults) {
      await sleep(Math.max(0, fault.atSeconds * 1000 - (performance.now() - began)));
      this.#say(`${fault.atSeconds.toFixed(1)} s ${fault.kind} ${this.#replicas[fault.replica]?.name}`);
      await this.#strike(fault, this.#replicas[fault.replica] as Replica);
    }
  }

  async #strike({ kind, stepSeconds }: ChaosFault, replica: Replica): Promise<void> {
    switch (kind) {
      case "kill":
        return this.#killAndMeasure(replica);
      case "stop":
        replica.process.kill("SIGSTOP");
        await sleep(pauseSeconds * 1000);
        replica.process.kill("SIGCONT");
        return;
      case "restart-database":
        await this.#postgres.stop();
        return this.#postgres.start();
      case "crash-database":
        await this.#postgres.kill();
        return this.#postgres.start();
      case "cut-database":
        return replica.database.cut();
      case "half-open-database":
        return replica.database.halfOpen();
      case "stall-database":
        replica.database.stall();
        await sleep(3_000);
        return replica.database.heal();
      case "cut-api":
        return replica.api.cut();
      case "half-open-api":
        return replica.api.halfOpen();
      case "api-faults":
        return this.#failSomeCalls();
      case "clock":
        writeFileSync(join(this.#place(replica.name), "clock"), String(stepSeconds * 1000));
        process.kill(replica.process.pid, "SIGUSR2");
    }
  }

  async #failSomeCalls(): Promise<void> {
    const random = this.#random;
    const kinds: readonly FaultKind[] = [
      { kind: "status", code: 409 },
      { kind: "status", code: 429, retryAfterSeconds: 1 },
      { kind: "status", code: 500, when: "before" },
      { kind: "status", code: 500, when: "after" },
      { kind: "reset", when: "before" },
      { kind: "reset", when: "after" },
      { kind: "latency", milliseconds: 500 },
    ];
    const placed: PlacedFault = this.#simulation.cluster.faults.add({
      userAgent: /^gitmend/,
      times: Number.POSITIVE_INFINITY,
      fault: () => (random() < 0.2 ? (kinds[Math.floor(random() * kinds.length)] ?? null) : null),
    });
    await sleep(3_000);
    placed.remove();
  }

  /** Whose lease has ended afterwards was the victim's; its executions are watched until each has written again. */
  async #killAndMeasure(replica: Replica): Promise<void> {
    const before = await this.#query<{ id: string; owner: string; version: number }>(
      "select id::text, owner, version from executions where outcome is null and owner is not null",
    );
    const killedAt = performance.now();
    replica.process.kill("SIGKILL");
    await replica.process.exited;
    const wrote = new Map<string, number>();
    while (performance.now() - killedAt < 6_000) {
      const now = await this.#query<{ id: string; version: number }>(
        "select id::text, version from executions",
      );
      const versions = new Map(now.map(({ id, version }) => [id, version]));
      for (const { id, version } of before)
        if (!wrote.has(id) && (versions.get(id) ?? 0) > version)
          wrote.set(id, (performance.now() - killedAt) / 1000);
      await sleep(20);
    }
    const alive = await this.#query<{ id: string }>("select id from replicas where expires_at > now()");
    const owners = new Set(alive.map(({ id }) => id));
    const victims = before.filter(({ owner }) => !owners.has(owner));
    if (victims.length > 0)
      this.takeovers.push(Math.max(...victims.map(({ id }) => wrote.get(id) ?? Number.POSITIVE_INFINITY)));
    this.#say(
      `  ${victims.length} executions taken over, the last after ${this.takeovers.at(-1)?.toFixed(2)} s`,
    );
    replica.process = await this.#start(replica.name, replica.database);
  }

  async judge(): Promise<readonly string[]> {
    const { executions } = this.#options;
    await eventually(
      "every execution ends",
      async () => {
        const [row] = await this.#query<{ ended: number }>(
          "select count(*)::integer as ended from executions where outcome is not null",
        );
        return (row?.ended ?? 0) >= executions;
      },
      { seconds: endedWithinSeconds },
    ).catch(() => undefined);
    await eventually(
      "everything is published",
      async () => {
        const waiting = await this.#query("select 1 from audit_outbox where published_at is null limit 1");
        return waiting.length === 0;
      },
      { seconds: 60 },
    ).catch(() => undefined);
    // A drain pushes what is committed.
    await Promise.all(
      this.#replicas.map(async ({ process }) => {
        process.kill("SIGTERM");
        await process.exited;
      }),
    );
    return [
      ...(await this.#alertComplaints()),
      ...(await this.#executionComplaints()),
      ...this.#effectComplaints(),
      ...(await this.#recordComplaints()),
    ];
  }

  async #alertComplaints(): Promise<readonly string[]> {
    const rows = await this.#query<{ fingerprint: string; executes: boolean; known: string }>(
      `select a.fingerprint, a.execution_id is not null as executes,
         concat_ws(', ', a.status, 'due ' || a.decide_at, d.kind, d.reasons::text, d.at::text) as known
       from alerts a left join lateral
         (select kind, reasons, at from decisions where alert_id = a.id order by id desc limit 1) d on true`,
    );
    const known = new Map(rows.map((row) => [row.fingerprint, row]));
    const lost = this.#delivered.filter((fingerprint) => known.get(fingerprint)?.executes !== true);
    const [first] = lost;
    const what = first === undefined ? "" : (known.get(first)?.known ?? "not in the database");
    return first === undefined
      ? []
      : [`${lost.length} alerts were accepted and start nothing: ${first} (${what})`];
  }

  async #executionComplaints(): Promise<readonly string[]> {
    const wrong = await this.#query<{ id: string; why: string }>(
      `select e.id::text, case when e.outcome is null then 'has not ended, phase ' || e.phase
         when e.outcome <> 'succeeded' then 'ended ' || e.outcome || ': ' ||
           coalesce((select v.event ->> 'reason' from events v where v.execution_id = e.id and v.type = 'Ended'), '')
         else 'has a gap in its events' end as why
       from executions e
       join lateral (select count(*) as events, max(seq) as last from events v where v.execution_id = e.id) n on true
       where e.outcome is distinct from 'succeeded' or n.events <> e.version or n.last <> e.version`,
    );
    const [row] = await this.#query<{ all: number }>("select count(*)::integer as all from executions");
    const many =
      row?.all === this.#options.executions
        ? []
        : [`${row?.all} executions for ${this.#options.executions} alerts`];
    return [...wrong.map(({ id, why }) => `execution ${id} ${why}`), ...many];
  }

  #effectComplaints(): readonly string[] {
    const { cluster } = this.#simulation;
    const made = new Set(changesOf(cluster).map(({ annotations }) => annotations["gitmend.dev/effect"]));
    const expected = this.#options.executions * changingSteps.length;
    return [
      ...madeTwice(cluster).map((key) => `made twice: ${key}`),
      ...(made.size === expected ? [] : [`${made.size} changes at the API server, not ${expected}`]),
    ];
  }

  async #recordComplaints(): Promise<readonly string[]> {
    const { lines, complaints } = judgeRecords(this.#audit());
    const rows = await this.#query<{ id: string; version: number }>(
      "select id::text, version from executions where outcome is not null",
    );
    const short = rows.filter(({ id, version }) => lines.get(id) !== version);
    const first = short[0];
    return first === undefined
      ? complaints
      : [
          ...complaints,
          `${short.length} records lack events: ${first.id} has ${lines.get(first.id) ?? 0} of ${first.version}`,
        ];
  }

  async outcomes(): Promise<Readonly<Record<string, number>>> {
    const rows = await this.#query<{ outcome: string | null; count: number }>(
      "select outcome, count(*)::integer as count from executions group by outcome",
    );
    return Object.fromEntries(rows.map(({ outcome, count }) => [outcome ?? "live", count]));
  }

  /** Past every cable, by a connection of its own: none of the faults is ours. */
  async #query<T extends object>(text: string): Promise<readonly T[]> {
    const client = new pg.Client({ connectionString: this.#database });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query(text)).rows as T[];
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #say(line: string): void {
    this.#options.say?.(line);
  }

  async close(): Promise<void> {
    for (const { process, database, api } of this.#replicas) {
      process.kill("SIGCONT");
      process.kill("SIGKILL");
      await process.exited;
      await database.close();
      await api.close();
    }
  }
}

const skewedClock = fileURLToPath(new URL("./skewed-clock.ts", import.meta.url));
const namespaceOf = (number: number) => namespaces[number % namespaces.length] ?? "";

function alertOf(number: number) {
  return {
    status: "firing",
    labels: {
      alertname: "Chaos",
      namespace: namespaceOf(number),
      deployment: `api-${number}`,
      severity: "warning",
    },
    annotations: {},
    startsAt: new Date().toISOString(),
    endsAt: "0001-01-01T00:00:00Z",
    fingerprint: number.toString(16).padStart(16, "0"),
  };
}
