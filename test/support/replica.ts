// A replica in this process: the real loops and adapters on real PostgreSQL, Git and a cluster over HTTP. It dies at once and
// without cleaning up (mortal.ts). All share one connection and so one lease: that a dead replica's lease runs out is said to
// the database, and the next one takes over with another epoch. Real processes with leases of their own die in the e2e suite.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { actions } from "../../src/actions/registry.ts";
import type { ConfiguredCluster } from "../../src/adapters/action-tools.ts";
import type { Database } from "../../src/adapters/postgres/open-database.ts";
import { createMetrics } from "../../src/adapters/telemetry/metrics.ts";
import { openPorts } from "../../src/app.ts";
import { connectClusters } from "../../src/app-clusters.ts";
import { readConfig, scopesOf } from "../../src/config/read-config.ts";
import { type ControllerPorts, startController } from "../../src/controller/controller.ts";
import type { FaultPoint } from "../../src/controller/fault-ports.ts";
import type { CatalogFile, Log } from "../../src/controller/ports.ts";
import { nothingShared } from "../../src/controller/shared.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { type Life, mortal, newLife } from "./mortal.ts";

export interface Installation {
  /** Of a replica, or of one that has died. */
  readonly folder: string;
  readonly database: Database;
  readonly kubeconfig: string;
  readonly catalog: readonly CatalogFile[];
  /** More of gitmend.yaml. */
  readonly config?: object;
}

export interface ReplicaSetup extends Installation {
  /** Whether it dies at this point now. */
  readonly diesAt: (point: FaultPoint) => Promise<boolean>;
  readonly onDeath: () => void;
}

export interface Replica {
  readonly life: Life;
  /** Lines of its log. */
  readonly log: readonly string[];
  /** Kills it, if it lives. */
  kill(): Promise<void>;
}

export const cluster = "sim";

export async function startReplica(setup: ReplicaSetup): Promise<Replica> {
  const life = newLife();
  const log: string[] = [];
  const { ports, close } = await installedPorts(setup, (line) => log.push(line));
  const faults: ControllerPorts["faults"] = {
    async at(point) {
      if (life.over || !(await setup.diesAt(point)) || life.over) return;
      life.end();
      void close();
      setup.onDeath();
    },
  };
  startController(mortal({ ...ports, faults }, life), {
    catalogIntervalSeconds: 60,
    staleAfterSeconds: 3600,
    retention: {
      deadLettersSeconds: 3600,
      alertsSeconds: 3600,
      evidenceSeconds: 3600,
      bodiesSeconds: 3600,
    },
    keepExecutionsSeconds: 400 * 86_400,
  });
  return {
    life,
    log,
    async kill() {
      life.end();
      await close();
    },
  };
}

/** As the program wires them. The catalog is compiled here, because a thread for it costs more than all else. */
export async function installedPorts(
  { folder, database, kubeconfig, catalog, config: more = {} }: Installation,
  onLine: (line: string) => void,
): Promise<{
  readonly ports: ControllerPorts;
  /** Those that it knows; more may be added. */
  readonly clusters: Map<string, ConfiguredCluster>;
  readonly close: () => Promise<void>;
}> {
  mkdirSync(folder, { recursive: true });
  const kubeconfigFile = join(folder, "kubeconfig");
  writeFileSync(kubeconfigFile, kubeconfig);
  const settings = { clusters: [{ name: cluster, kubeconfig: kubeconfigFile }], live: [{}], ...more };
  const { config, findings } = readConfig(JSON.stringify(settings), "gitmend.yaml", {});
  if (config === null) throw new Error(JSON.stringify(findings));
  const say = (level: string) => (fields: object, message: string) =>
    onLine(`${level} ${message} ${JSON.stringify(fields)}`);
  const log: Log = { info: say("info"), warn: say("warn"), error: say("error") };
  const connected = connectClusters(config, {}, log);
  const byName = new Map(connected.byName);
  const clusters = { ...connected, byName };
  const options = { config, environment: {}, log, library: async () => catalog, demo: true };
  const audit = join(folder, "audit.git");
  const opened = await openPorts(options, folder, audit, database, clusters, createMetrics());
  const ports: ControllerPorts = {
    ...opened,
    shared: nothingShared(),
    source: {
      branch: "main",
      head: async () => "c".repeat(40),
      signers: async () => [],
      read: async () => catalog,
    },
    compiler: {
      compile: async (files, revision) => compileCatalog(files, revision, actions, scopesOf(config)),
    },
  };
  return { ports, clusters: byName, close: () => connected.close() };
}

/** What the end of a lease brings: its executions are free, and so are the firings that it was deciding. */
export async function endOfLease({ pool }: Database): Promise<void> {
  await pool.query("update executions set owner = null where outcome is null");
  await pool.query("update alerts set decide_at = now() where status = 'open' and execution_id is null");
}
