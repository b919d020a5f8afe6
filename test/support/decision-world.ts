// Decisions as the controller makes them, against real PostgreSQL and a simulated cluster, without the loops: a test says when a
// firing is decided, by which replica, and what became of an execution.
import { effects } from "../../src/actions/effects.ts";
import { actions } from "../../src/actions/registry.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { uuidV7 } from "../../src/adapters/uuid-v7.ts";
import { decideFiring } from "../../src/controller/decide-firing.ts";
import type { DecisionPorts } from "../../src/controller/decision-ports.ts";
import { nothingShared } from "../../src/controller/shared.ts";
import type { Outcome } from "../../src/domain/execution/events.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { startSimulatedCluster } from "../../src/simulation/start-simulated-cluster.ts";
import { type GivenCluster, givenCluster } from "../actions/given-cluster.ts";
import { delivery, ending, resolved } from "../contracts/store-samples.ts";
import { givenAlert } from "../fixtures/facts.ts";
import { rawAdmin } from "./kube-control-plane.ts";
import { noLimits } from "./no-limits.ts";
import { noMetrics } from "./no-metrics.ts";
import { noPauses } from "./no-pauses.ts";
import { startPostgres } from "./postgres.ts";

export interface Decision {
  readonly kind: string;
  readonly reasons: readonly string[];
  readonly executionId: string | null;
}

export interface DecisionWorld {
  readonly database: Database;
  readonly cluster: GivenCluster;
  /** Another replica on the same database, closed with the world. */
  replica(): Promise<Database>;
  ports(changes?: Partial<DecisionPorts>, replica?: Database): DecisionPorts;
  /** A Deployment with running pods, and an alert about the first of them. */
  alertFor(name: string, deployment: string): Promise<Alert>;
  receive(...alerts: readonly Alert[]): Promise<void>;
  resolve(...alerts: readonly Alert[]): Promise<void>;
  /** Whatever its time is: decided now, by the replica of the ports. */
  decide(alert: Alert, catalog: Catalog, ports?: DecisionPorts): Promise<Decision>;
  /** Those that are due now, all at once. */
  decideDue(catalog: Catalog, ports?: DecisionPorts): Promise<number>;
  /** Of every decision about the alert, the first one first. */
  decisions(alert: Alert): Promise<readonly Decision[]>;
  end(executionId: string, outcome: Outcome): Promise<void>;
  close(): Promise<void>;
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function openDecisionWorld(): Promise<DecisionWorld> {
  const postgres = await startPostgres({ fsync: false });
  const url = await postgres.createDatabase();
  const database = await openDatabase({ url });
  const simulation = await startSimulatedCluster();
  const connection = connectCluster({ name: "test", kubeconfigText: simulation.kubeconfig });
  const cluster = await givenCluster({
    cluster: "test",
    api: (signal) => connection.api(signal),
    restricted: async () => ({ api: connection.api(new AbortController().signal), close: async () => {} }),
    admin: rawAdmin(simulation.kubeconfig),
    simulated: simulation.cluster,
    stop: () => simulation.stop(),
  });
  const replicas: Database[] = [];

  const world: DecisionWorld = {
    database,
    cluster,
    async replica() {
      const replica = await openDatabase({ url });
      replicas.push(replica);
      return replica;
    },
    ports(changes = {}, { alerts, breakers, holds, clock } = database) {
      return {
        alerts,
        breakers,
        holds,
        clock,
        ids: uuidV7(clock),
        clusters: { names: ["test"], labels: () => ({}), tools: () => cluster.tools },
        shared: nothingShared(),
        faults: { at: async () => undefined },
        log: silent,
        metrics: noMetrics,
        actions: new Map(actions.map((action) => [action.name, action])),
        effects,
        factTimeoutSeconds: 5,
        ownerLabel: "team",
        executions: database.executions,
        live: [{}],
        pauses: noPauses,
        storms: noLimits,
        confirm: "off",
        alertmanagers: { look: async () => ({ state: "unasked" }) },
        mostReplicaChange: 20,
        missingAccess: async () => null,
        protection: { namespaces: ["kube-system"], ownNamespace: null, ownNode: null },
        ...changes,
      };
    },
    async alertFor(name, deployment) {
      if ((await cluster.podsOf(deployment)).length === 0) await cluster.deployed(deployment, 1);
      const [pod] = (await cluster.podsOf(deployment)) as [KubernetesObject];
      const labels = { alertname: name, namespace: cluster.namespace, pod: pod.metadata.name };
      return givenAlert({
        cluster: "test",
        name,
        fingerprint: `${name}-${pod.metadata.uid}`,
        labels,
        startsAt: new Date().toISOString(),
      });
    },
    async receive(...alerts) {
      await database.alerts.receive(delivery(...alerts));
    },
    async resolve(...alerts) {
      await database.alerts.receive(
        delivery(...alerts.map((alert) => resolved(alert, new Date().toISOString()))),
      );
    },
    async decide(alert, catalog, ports = world.ports()) {
      await database.pool.query(
        "update alerts set decide_at = now() where cluster = $1::text and fingerprint = $2::text and status = 'open'",
        [alert.cluster, alert.fingerprint],
      );
      const due = await ports.alerts.takeDue(10_000, 600);
      const firing = due.find((one) => one.alert.fingerprint === alert.fingerprint);
      if (firing === undefined) throw new Error(`${alert.name} is not due`);
      await decideFiring(firing, catalog, ports);
      const last = (await world.decisions(alert)).at(-1);
      if (last === undefined) throw new Error(`nothing was decided about ${alert.name}`);
      return last;
    },
    async decideDue(catalog, ports = world.ports()) {
      const due = await ports.alerts.takeDue(10_000, 600);
      await Promise.all(due.map((firing) => decideFiring(firing, catalog, ports)));
      return due.length;
    },
    async decisions({ cluster: of, fingerprint }) {
      const { rows } = await database.pool.query<Decision>(
        `select d.kind, d.reasons, d.execution_id::text as "executionId" from decisions d join (
           select id from alerts where cluster = $1::text and fingerprint = $2::text and status <> 'resolved'
           union all select id from alerts where cluster = $1::text and fingerprint = $2::text and status = 'resolved'
         ) a on a.id = d.alert_id order by d.id`,
        [of, fingerprint],
      );
      return rows;
    },
    async end(executionId, outcome) {
      const version = (await database.executions.events(executionId)).length;
      const projection = { phase: "ended", outcome, escalated: false } as const;
      await database.executions.append(ending(executionId, version, { projection }));
    },
    async close() {
      await connection.close();
      await simulation.stop();
      for (const replica of replicas) await replica.close();
      await database.close();
      await postgres.remove();
    },
  };
  return world;
}

/** A template that restarts the pod, for alerts of its own name, and more rules. */
export function catalogOf(name: string, ...rules: readonly string[]): Catalog {
  return compiled({
    "templates/t.yaml": restartTemplate(name),
    "policies/p.yaml": `name: p\nrules:\n  - {name: restart, on: [${name}], event: {type: select-template, params: {template: ${name}}}}\n${rules.map((rule) => `  - ${rule}\n`).join("")}`,
  });
}

export function restartTemplate(name: string): string {
  return `name: ${name}\nmanual: true\nsteps: [{name: restart, action: {action: restart_pod, parameters: {pod: "{{ subject.name }}"}}}]\nconfiguration: {cooldown: 0s}\n`;
}

export function compiled(files: Readonly<Record<string, string>>): Catalog {
  const texts = Object.entries(files).map(([path, text]) => ({ path, text }));
  const { catalog, findings } = compileCatalog(texts, "main@sha1:0", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  return catalog;
}
