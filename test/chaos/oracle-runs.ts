// Runs of the scenarios in which API calls fail at random: 409, 429, 500 before and after the effect, no answer, a reset, and a
// crash of whoever asked. Decisions, engine, actions and event store are the real ones; each run has a cluster of its own, over
// HTTP. Whoever drives a run is killed alone: the next one takes its executions over with another epoch.
import { join } from "node:path";
import type { ConfiguredCluster } from "../../src/adapters/action-tools.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { shippedLibrary } from "../../src/cli/shipped-library.ts";
import type { ControllerPorts } from "../../src/controller/controller.ts";
import { decideFiring } from "../../src/controller/decide-firing.ts";
import { driveExecution } from "../../src/controller/drive-execution.ts";
import type { EnginePorts } from "../../src/controller/engine-ports.ts";
import type { Forge } from "../../src/controller/forge-ports.ts";
import { createPauses } from "../../src/controller/pauses.ts";
import type { CatalogFile, Clusters, DueFiring } from "../../src/controller/ports.ts";
import { rememberBindings } from "../../src/controller/remember-bindings.ts";
import { replan } from "../../src/controller/replan.ts";
import { weighNow } from "../../src/controller/weigh-plan.ts";
import type { RecordedEvent } from "../../src/domain/execution/events.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import type { FaultKind } from "../../src/simulation/faults.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../src/simulation/start-simulated-cluster.ts";
import { seededRandom } from "../../src/simulation/world.ts";
import { newAlert, resolved } from "../contracts/store-samples.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/git.ts";
import { type Life, mortal, newLife } from "../support/mortal.ts";
import { startPostgres } from "../support/postgres.ts";
import { installedPorts } from "../support/replica.ts";
import { madeTwice, notAsBefore, type Snapshot, snapshotOf } from "./oracle.ts";
import { type EndedExecution, type Incident, namespaces, type Scenario, scenarios } from "./scenarios.ts";

export interface RunsOptions {
  readonly runs: number;
  readonly seed: number;
  /** Of each API call. */
  readonly faultShare: number;
  readonly atATime: number;
  readonly onRun?: (verdict: RunVerdict) => void;
}

export interface RunVerdict {
  readonly run: number;
  readonly scenario: string;
  /** null: the incident ended as it should. */
  readonly failure: string | null;
  /** Kinds of the faults that struck while it was under way, in order. */
  readonly faults: readonly string[];
  /** One struck between the first step and the end. */
  readonly struckAStep: boolean;
  /** null: nothing was taken back. Else what is not as it was. */
  readonly undo: readonly string[] | null;
  readonly twice: readonly string[];
  /** What happened, for people. */
  readonly story: readonly string[];
}

const runSeconds = 150;
const faultKinds = ["409", "429", "500 before", "500 after", "hang", "reset", "crash"] as const;
type FaultName = (typeof faultKinds)[number];

export async function playRuns(options: RunsOptions): Promise<readonly RunVerdict[]> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = temporaryFolder();
  cleanUp.defer(() => folder.remove());
  const postgres = await startPostgres({ fsync: false });
  cleanUp.defer(() => postgres.remove());
  const database = await openDatabase({ url: await postgres.createDatabase() });
  cleanUp.defer(() => database.close());
  const stage = await openStage(folder.path, database);
  cleanUp.defer(() => stage.close());
  const verdicts: RunVerdict[] = [];
  const left = Array.from({ length: options.runs }, (_, index) => index + 1);
  const player = async () => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      const verdict = await playRun(run, options, stage);
      verdicts.push(verdict);
      options.onRun?.(verdict);
    }
  };
  await Promise.all(Array.from({ length: options.atATime }, player));
  return verdicts.toSorted((one, other) => one.run - other.run);
}

/** What all runs share. */
interface Stage {
  readonly database: Database;
  readonly ports: ControllerPorts;
  readonly catalog: Catalog;
  readonly clusters: Map<string, ConfiguredCluster>;
  /** By cluster: who decides its firings. */
  readonly deciders: Map<string, (firing: DueFiring) => void>;
  close(): Promise<void>;
}

/** The shipped library, in a hurry: nobody waits minutes for health, nor for the next attempt at a leak. */
async function hurriedLibrary(): Promise<readonly CatalogFile[]> {
  const health = "action: validate_pod_health\n      parameters:\n";
  return (await shippedLibrary()).map(({ path, text }) => ({
    path,
    text: text
      .replaceAll(health, `${health}        stable_for: 1s\n`)
      .replaceAll(/(?<=default: |wait_timeout: )5m/g, "12s")
      .replace(/(?<=name: raise-memory[\s\S]*)cooldown: 10m/, "cooldown: 1s"),
  }));
}

async function openStage(folder: string, database: Database): Promise<Stage> {
  const catalogFiles = await hurriedLibrary();
  const nowhere = "http://127.0.0.1:9";
  const kubeconfig = `{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: "${nowhere}"}}], users: [{name: u, user: {}}], contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x}`;
  const config = { live: [{ max_risk: "critical" }] };
  const installation = {
    folder: join(folder, "replica"),
    database,
    kubeconfig,
    catalog: catalogFiles,
    config,
  };
  const { ports: installed, clusters, close } = await installedPorts(installation, () => undefined);
  const ports: ControllerPorts = {
    ...installed,
    forge: saysYes,
    clusters: openToMore(installed.clusters, clusters),
  };
  const { catalog, findings } = await ports.compiler.compile(catalogFiles, `main@sha1:${"c".repeat(40)}`);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  await ports.catalogState.set(catalog.revision);
  const deciders = new Map<string, (firing: DueFiring) => void>();
  const looking = setInterval(() => {
    void ports.alerts
      .takeDue(100, 10)
      .then((due) => due.forEach((firing) => deciders.get(firing.alert.cluster)?.(firing)))
      .catch(() => undefined);
  }, 100);
  return {
    database,
    ports,
    catalog,
    clusters,
    deciders,
    async close() {
      clearInterval(looking);
      await close();
    },
  };
}

/** Whoever is asked has approved it at once. */
const saysYes: Forge = {
  reach: async () => "people say yes",
  pollSeconds: 1,
  open: async () => ({ repository: "people", base: "main", head: "a".repeat(40) }),
  read: async () => ({
    state: "merged",
    approvals: [{ by: "ana", at: new Date().toISOString(), commit: "a".repeat(40), verified: true }],
    commit: "b".repeat(40),
    problem: null,
  }),
  tell: async () => undefined,
  close: async () => undefined,
};

/** Every run brings a cluster; every message arrives. */
function openToMore(clusters: Clusters, byName: ReadonlyMap<string, ConfiguredCluster>): Clusters {
  return {
    ...clusters,
    get names() {
      return [...byName.keys()];
    },
    tools: (signal, executionId) => ({
      ...clusters.tools(signal, executionId),
      notify: async (channel) => ({ channel: channel ?? "default" }),
    }),
  };
}

async function playRun(run: number, { seed, faultShare }: RunsOptions, stage: Stage): Promise<RunVerdict> {
  const scenario = scenarios[(run - 1) % scenarios.length] as Scenario;
  const simulation = await startSimulatedCluster({
    seed: seed * 100_003 + run,
    namespaces,
    timing: { crashBackoffMaxSeconds: 1, progressDeadlineSeconds: 2 },
  });
  const incident = new RunningIncident(`run-${run}`, simulation, stage, {
    random: seededRandom(seed * 1_000_003 + run),
    share: faultShare,
  });
  try {
    const failure = await scenario
      .play(incident)
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    return await incident.judge(run, scenario.id, failure);
  } finally {
    await incident.close();
    await simulation.stop();
  }
}

interface Dice {
  readonly random: () => number;
  readonly share: number;
}

/** One incident in one cluster, and whoever is alive to work on it. */
class RunningIncident implements Incident {
  readonly #name: string;
  readonly #simulation: RunningSimulation;
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #delivered: Alert[] = [];
  readonly #faults: { readonly kind: string; readonly at: number; readonly url: string }[] = [];
  readonly #connections: { close(): Promise<void> }[] = [];
  readonly #log: string[] = [];
  readonly #looking: NodeJS.Timeout;
  #life: Life = newLife();
  #ports: ControllerPorts;
  #driven = new Set<string>();
  #start: Snapshot = new Map();
  #struck = false;
  #over = false;

  constructor(name: string, simulation: RunningSimulation, stage: Stage, dice: Dice) {
    this.#name = name;
    this.#simulation = simulation;
    this.#stage = stage;
    this.#dice = dice;
    this.#ports = this.#born();
    stage.deciders.set(name, (firing) => void this.#decide(firing));
    simulation.cluster.faults.add({
      userAgent: /^gitmend/,
      times: Number.POSITIVE_INFINITY,
      fault: (method, url) => this.#throwDice(method, url),
    });
    this.#looking = setInterval(() => void this.#takeOver().catch(() => undefined), 500);
  }

  get cluster() {
    return this.#simulation.cluster;
  }

  remember = async (): Promise<void> => {
    const { database, ports } = this.#stage;
    const { log } = this.#ports;
    const clusters = { ...ports.clusters, names: [this.#name] };
    await rememberBindings({ bindings: database.bindings, bindingNamespaces: namespaces, clusters, log });
    const long = "update role_bindings set since = now() - interval '2 days' where cluster = $1::text";
    await database.pool.query(long, [this.#name]);
  };

  strike = (): void => {
    this.#struck = true;
    this.#start = snapshotOf(this.cluster);
  };

  fire = async (...labels: readonly Readonly<Record<string, string>>[]): Promise<void> => {
    const startsAt = new Date().toISOString();
    const alerts = labels.map((one) =>
      newAlert({
        cluster: this.#name,
        name: one["alertname"] ?? "",
        labels: { ...one, severity: "warning" },
        startsAt,
      }),
    );
    this.#delivered.push(...alerts);
    await this.#deliver(alerts);
  };

  resolve = async (): Promise<void> => {
    await this.#deliver(this.#delivered.map((alert) => resolved(alert, new Date().toISOString())));
    this.#delivered.length = 0;
  };

  ended = async (count: number): Promise<readonly EndedExecution[]> =>
    eventually(
      `${count} executions have ended`,
      async () => {
        const all = await this.#executions();
        const done = all.filter(({ outcome }) => outcome !== null);
        return done.length >= count && done.length === all.length ? (done as EndedExecution[]) : null;
      },
      { seconds: runSeconds },
    );

  async judge(run: number, scenario: string, failure: string | null): Promise<RunVerdict> {
    this.#over = true;
    await this.resolve();
    const executions = await this.#executions();
    const events = (
      await Promise.all(executions.map(({ id }) => this.#stage.database.executions.events(id)))
    ).flat();
    const undone = executions.some(
      ({ outcome }) => outcome === "rolled_back" || outcome === "rollback_incomplete",
    );
    const under = (at: number) => isUnderWay(events, at);
    const twice = madeTwice(this.cluster);
    return {
      run,
      scenario,
      failure: failure ?? (twice.length > 0 ? `made twice: ${twice.join(", ")}` : null),
      faults: this.#faults.map(({ kind }) => kind),
      struckAStep: this.#faults.some(({ at }) => under(at)),
      undo: undone ? notAsBefore(this.cluster, this.#start) : null,
      twice,
      story: [
        ...this.#faults.map(({ kind, url, at }) => `${new Date(at).toISOString()} ${kind} ${url}`),
        ...events.map(({ at, event }) => `${at} ${JSON.stringify(event).slice(0, 300)}`),
        ...this.#log,
      ],
    };
  }

  async close(): Promise<void> {
    this.#over = true;
    clearInterval(this.#looking);
    this.#life.end();
    this.#stage.deciders.delete(this.#name);
    this.#stage.clusters.delete(this.#name);
    // What hangs is let go, or closing would wait for it.
    this.cluster.faults.clear();
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #born(): ControllerPorts {
    const { ports, clusters } = this.#stage;
    const kubeconfigText = this.#simulation.kubeconfig;
    const connection = connectCluster({ name: this.#name, kubeconfigText }, { requestTimeoutSeconds: 2 });
    this.#connections.push(connection);
    clusters.set(this.#name, { connection, labels: {} });
    const say = (fields: object, message: string) =>
      void this.#log.push(`${new Date().toISOString()} ${message} ${JSON.stringify(fields).slice(0, 300)}`);
    const log = { info: say, warn: say, error: say };
    return mortal({ ...ports, log }, this.#life);
  }

  #crash = (): void => {
    this.#life.end();
    this.#life = newLife();
    this.#driven = new Set();
    this.#ports = this.#born();
    const { pool } = this.#stage.database;
    const free =
      "update alerts set decide_at = now() where cluster = $1 and status = 'open' and execution_id is null";
    void pool.query(free, [this.#name]).catch(() => undefined);
  };

  #throwDice(method: string, url: string): FaultKind | null {
    const { random, share } = this.#dice;
    // Two throws for every call, so that the n-th call meets the same in every run of this seed.
    const [hit, which] = [random() < share, random()];
    if (!this.#struck || this.#over || !hit) return null;
    const kind = faultKinds[Math.floor(which * faultKinds.length)] as FaultName;
    // Nothing answers a read with a conflict.
    const name = kind === "409" && method === "GET" ? "500 before" : kind;
    this.#faults.push({ kind: name, at: Date.now(), url: `${method} ${url}` });
    return this.#fault(name, which * faultKinds.length - Math.floor(which * faultKinds.length) < 0.5);
  }

  #fault(name: FaultName, early: boolean): FaultKind {
    const when = early ? "before" : "after";
    switch (name) {
      case "409":
        return { kind: "status", code: 409 };
      case "429":
        return { kind: "status", code: 429, retryAfterSeconds: 1 };
      case "500 before":
        return { kind: "status", code: 500, when: "before" };
      case "500 after":
        return { kind: "status", code: 500, when: "after" };
      case "hang":
        return { kind: "hang", when };
      case "reset":
        return { kind: "reset", when };
      case "crash":
        return { kind: "crash", when, crash: this.#crash };
    }
  }

  async #decide(firing: DueFiring): Promise<void> {
    const ports = this.#ports;
    try {
      const id = await decideFiring(firing, this.#stage.catalog, this.#engine(ports));
      if (id !== null) this.#drive(id, 1, ports);
    } catch (error) {
      this.#log.push(`deciding failed: ${String(error)}`);
    }
  }

  #engine(ports: ControllerPorts): EnginePorts & ControllerPorts {
    const { catalog } = this.#stage;
    const pauses = createPauses(ports.pauseStore, () => catalog, ports.clock);
    const engine: ControllerPorts & Pick<EnginePorts, "pauses"> = { ...ports, pauses };
    return {
      ...engine,
      revoked: () => null,
      weigh: (executionId, alert, plan, tools) => weighNow(executionId, alert, plan, catalog, tools, engine),
      replan: (executionId, state, parameters, tools) =>
        replan(executionId, state, parameters, catalog, tools, engine),
    };
  }

  #drive(id: string, epoch: number, ports: ControllerPorts): void {
    if (ports !== this.#ports || this.#driven.has(id)) return;
    const driven = this.#driven;
    driven.add(id);
    void driveExecution({ id, epoch }, new AbortController().signal, this.#engine(ports)).done.then(() =>
      driven.delete(id),
    );
  }

  /** As whoever looks for executions whose owner's lease has run out. */
  async #takeOver(): Promise<void> {
    const ports = this.#ports;
    const { pool } = this.#stage.database;
    const { rows } = await pool.query<{ id: string; epoch: number }>(
      `update executions e set epoch = e.epoch + 1, owner = $3
       where e.outcome is null and not (e.id = any($2::uuid[])) and e.target_cluster = $1
       returning e.id::text, e.epoch`,
      [this.#name, [...this.#driven], ports.lease.replicaId()],
    );
    for (const { id, epoch } of rows) this.#drive(id, epoch, ports);
  }

  async #deliver(alerts: readonly Alert[]): Promise<void> {
    await this.#stage.ports.alerts.receive({ bodyHash: "h", source: "default", alerts, deadLetters: [] });
  }

  async #executions(): Promise<
    readonly (Omit<EndedExecution, "outcome"> & { readonly outcome: string | null })[]
  > {
    const { rows } = await this.#stage.database.pool.query<EndedExecution>(
      `select id::text, outcome, escalated, template from executions where target_cluster = $1 order by id`,
      [this.#name],
    );
    return rows;
  }
}

/** Between the first step and the end of some execution. */
function isUnderWay(events: readonly RecordedEvent[], at: number): boolean {
  const times = (type: string) =>
    events.filter(({ event }) => event.type === type).map((recorded) => Date.parse(recorded.at));
  const first = Math.min(...times("StepStarted"));
  return at >= first && at <= Math.max(...times("Ended"));
}
