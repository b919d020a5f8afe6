// A replica in this process: the real loops and adapters on real PostgreSQL, Git and a cluster over HTTP. It dies at once and
// without cleaning up (mortal.ts). All share one connection and so one lease: that a dead replica's lease runs out is said to
// the database, and the next one takes over with another epoch. Real processes with leases of their own die in the e2e suite.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { effects } from "../../src/actions/effects.ts";
import { actions } from "../../src/actions/registry.ts";
import { actionTools } from "../../src/adapters/action-tools.ts";
import { openAuditRepository } from "../../src/adapters/git/audit-repository.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import type { Database } from "../../src/adapters/postgres/open-database.ts";
import { uuidV7 } from "../../src/adapters/uuid-v7.ts";
import { type ControllerPorts, startController } from "../../src/controller/controller.ts";
import type { CatalogFile, FaultPoint, Forge } from "../../src/controller/ports.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { type Life, mortal, newLife } from "./mortal.ts";
import { noMetrics } from "./no-metrics.ts";

export interface ReplicaSetup {
  /** Of its own, or of one that has died. */
  readonly folder: string;
  readonly database: Database;
  readonly kubeconfig: string;
  readonly catalog: readonly CatalogFile[];
  /** The bare repository that all replicas push to. */
  readonly audit: string;
  readonly forge: Forge;
  /** Whether it dies at this point now. */
  readonly diesAt: (point: FaultPoint) => Promise<boolean>;
  /** Called when it has died. */
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
  const connection = connectCluster({ name: cluster, kubeconfigText: setup.kubeconfig });
  const ports = await portsOf(setup, connection, (level, fields, message) =>
    log.push(`${level} ${message} ${JSON.stringify(fields)}`),
  );
  const faults: ControllerPorts["faults"] = {
    async at(point) {
      if (life.over || !(await setup.diesAt(point)) || life.over) return;
      life.end();
      void connection.close();
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
      await connection.close();
    },
  };
}

/** What the end of a lease brings: its executions are free, and so are the firings that it was deciding. */
export async function endOfLease({ pool }: Database): Promise<void> {
  await pool.query("update executions set owner = null where outcome is null");
  await pool.query("update alerts set decide_at = now() where status = 'open' and execution_id is null");
}

type Say = (level: string, fields: object, message: string) => void;

async function portsOf(
  { folder, database, catalog, audit, forge }: ReplicaSetup,
  connection: ReturnType<typeof connectCluster>,
  say: Say,
): Promise<Omit<ControllerPorts, "faults">> {
  mkdirSync(folder, { recursive: true });
  const { alerts, executions, assessments, outbox, lease, clock } = database;
  const { catalog: catalogState, pauses: pauseStore } = database;
  const unasked = { state: "unasked" } as const;
  return {
    alerts,
    executions,
    assessments,
    outbox,
    catalogState,
    pauseStore,
    lease,
    clock,
    log: {
      info: (fields, message) => say("info", fields, message),
      warn: (fields, message) => say("warn", fields, message),
      error: (fields, message) => say("error", fields, message),
    },
    metrics: noMetrics,
    effects,
    actions: new Map(actions.map((action) => [action.name, action])),
    clusters: actionTools(new Map([[cluster, { connection, labels: {} }]]), {
      notifier: { notify: async (channel) => ({ channel: channel ?? "default" }) },
      executions,
      clock,
      queryMetrics: () => Promise.reject(new Error("there are no metrics")),
    }),
    alertmanagers: {
      sources: [],
      look: async () => unasked,
      everything: () => Promise.reject(new Error("there is no Alertmanager")),
    },
    ids: uuidV7(clock),
    random: Math.random,
    source: { branch: "main", head: async () => "c".repeat(40), read: async () => catalog },
    compiler: { compile: async (files, revision) => compileCatalog(files, revision, actions) },
    auditRepository: await openAuditRepository({
      folder: join(folder, "audit.git"),
      branch: "audit",
      remote: { url: audit, credential: null },
      signingKey: null,
    }),
    forge,
    teams: new Map(),
    factTimeoutSeconds: 5,
    ownerLabel: "team",
    live: [{}],
    confirm: "off",
    protection: { namespaces: [], ownNamespace: null, ownNode: null },
  };
}
