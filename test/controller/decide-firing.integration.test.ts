// Decisions against real PostgreSQL and a Kubernetes API: limits, usage, labels, and what the second weighing finds.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ActionTools } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { actions } from "../../src/actions/registry.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { uuidV7 } from "../../src/adapters/uuid-v7.ts";
import { decideFiring } from "../../src/controller/decide-firing.ts";
import type { DecisionPorts } from "../../src/controller/decision-ports.ts";
import type { AlertState } from "../../src/controller/ports.ts";
import { nothingShared } from "../../src/controller/shared.ts";
import { startByHand } from "../../src/controller/start-by-hand.ts";
import { weighNow } from "../../src/controller/weigh-plan.ts";
import type { Alert } from "../../src/domain/facts/alert.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import type { Gate } from "../../src/domain/gate/gate.ts";
import type { Plan } from "../../src/domain/planning/plan.ts";
import type { Catalog } from "../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { Problem } from "../../src/domain/problem.ts";
import { startSimulatedCluster } from "../../src/simulation/start-simulated-cluster.ts";
import { type GivenCluster, givenCluster } from "../actions/given-cluster.ts";
import { delivery, ending } from "../contracts/store-samples.ts";
import { givenAlert } from "../fixtures/facts.ts";
import { rawAdmin } from "../support/kube-control-plane.ts";
import { noBreakers, noHolds, noLimits } from "../support/no-limits.ts";
import { noMetrics } from "../support/no-metrics.ts";
import { noPauses } from "../support/no-pauses.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

let postgres: TestPostgres;
let database: Database;
let given: GivenCluster;
let stop: () => Promise<void>;

beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
  database = await openDatabase({ url: await postgres.createDatabase() });
  const simulation = await startSimulatedCluster();
  const connection = connectCluster({ name: "test", kubeconfigText: simulation.kubeconfig });
  given = await givenCluster({
    cluster: "test",
    api: (signal) => connection.api(signal),
    restricted: async () => ({ api: connection.api(new AbortController().signal), close: async () => {} }),
    admin: rawAdmin(simulation.kubeconfig),
    simulated: simulation.cluster,
    stop: () => simulation.stop(),
  });
  stop = async () => {
    await connection.close();
    await simulation.stop();
  };
});
afterAll(async () => {
  await stop();
  await database.close();
  await postgres.remove();
});

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

function ports(live = true): DecisionPorts {
  const { alerts, clock } = database;
  return {
    shared: nothingShared(),
    alerts,
    clock,
    ids: uuidV7(clock),
    clusters: { names: ["test"], labels: () => ({}), tools: () => given.tools },
    faults: { at: async () => undefined },
    log: silent,
    metrics: noMetrics,
    actions: new Map(actions.map((action) => [action.name, action])),
    effects,
    factTimeoutSeconds: 5,
    ownerLabel: "team",
    live: live ? [{}] : [],
    pauses: noPauses,
    executions: database.executions,
    breakers: noBreakers,
    holds: noHolds,
    storms: noLimits,
    confirm: "off",
    alertmanagers: { look: async () => ({ state: "unasked" }) },
    mostReplicaChange: 20,
    missingAccess: async () => null,
    protection: { namespaces: ["kube-system"], ownNamespace: null, ownNode: null },
  };
}

/** Each test has templates of its own name, so that limits of scope `template` count its executions alone. */
function catalogOf(template: string, ...guards: readonly string[]): Catalog {
  const rules = [
    `{name: restart, on: [${template}], event: {type: select-template, params: {template: ${template}}}}`,
    ...guards,
  ];
  const files = [
    {
      path: "templates/t.yaml",
      text: `name: ${template}\nsteps: [{name: restart, action: {action: restart_pod, parameters: {pod: "{{ subject.name }}"}}}]\n`,
    },
    {
      path: "policies/p.yaml",
      text: `name: p\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`,
    },
  ];
  const { catalog, findings } = compileCatalog(files, "main@sha1:0", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings));
  return catalog;
}

const limit = (params: string) => `{name: few, event: {type: limit, params: {${params}}}}`;

interface Decided {
  readonly id: string;
  readonly alert: Alert;
  readonly plan: Plan;
  readonly gate: Gate;
}

async function alertsFor(name: string, count: number): Promise<readonly Alert[]> {
  const alerts: Alert[] = [];
  for (let index = 0; index < count; index += 1) {
    await given.deployed(`${name}-${index}`, 1);
    const [pod] = (await given.podsOf(`${name}-${index}`)) as [KubernetesObject];
    const labels = { alertname: name, namespace: given.namespace, pod: pod.metadata.name };
    alerts.push(givenAlert({ cluster: "test", name, fingerprint: pod.metadata.uid, labels }));
  }
  return alerts;
}

/** Delivers the alerts and decides them all at once. */
async function decide(
  alerts: readonly Alert[],
  catalog: Catalog,
  decisionPorts = ports(),
): Promise<readonly Decided[]> {
  await database.alerts.receive(delivery(...alerts));
  const due = await database.alerts.takeDue(1_000, 600);
  const own = due.filter(({ alert }) => alerts.some(({ fingerprint }) => fingerprint === alert.fingerprint));
  const ids = await Promise.all(own.map((firing) => decideFiring(firing, catalog, decisionPorts)));
  return Promise.all(own.map(({ alert }, index) => decidedOf(ids[index] ?? "", alert)));
}

async function decidedOf(id: string, alert: Alert): Promise<Decided> {
  const events = (await database.executions.events(id)).map(({ event }) => event);
  const planned = events.find((event) => event.type === "Planned");
  const decided = events.find((event) => event.type === "GateDecided");
  if (planned === undefined || decided === undefined) throw new Error(`${alert.name} started nothing`);
  return { id, alert, plan: planned.plan, gate: decided.gate };
}

const again = ({ id, alert, plan }: Decided, catalog: Catalog, live = true) =>
  weighNow(id, alert, plan, catalog, given.tools, ports(live));

const byId = (left: Decided, right: Decided) => (left.id < right.id ? -1 : 1);

describe("a limit of three", () => {
  it("lets three of eight pass that are decided at once, and the others say why not", async () => {
    const catalog = catalogOf("storm", limit("scope: template, running: 3"));
    const decided = await decide(await alertsFor("storm", 8), catalog);
    const refused = decided.filter(({ gate }) => gate.kind === "refused");
    expect(decided.map(({ gate }) => gate.kind).toSorted()).toEqual([
      ...Array(3).fill("open"),
      ...Array(5).fill("refused"),
    ]);
    expect(refused[0]?.gate.reasons).toEqual([
      { rule: "p/few", effect: "limit", reason: "3 are under way in template/storm, at most 3 may be" },
    ]);
    const used = await database.alerts.usage(["template/storm"], { perSeconds: 3_600 });
    expect(used.get("template/storm")).toEqual({ running: 3, starts: 3 });
  });

  it("counts nothing that is only observed, and holds nothing of it back", async () => {
    const catalog = catalogOf("watched", limit("scope: template, running: 1"));
    const decided = await decide(await alertsFor("watched", 2), catalog, ports(false));
    expect(decided.map(({ gate }) => gate.kind)).toEqual(["open", "open"]);
    const used = await database.alerts.usage(["template/watched"], { perSeconds: 3_600 });
    expect(used.get("template/watched")).toEqual({ running: 0, starts: 0 });
  });
});

describe("the second weighing", () => {
  it("does not count the execution itself; of those over a lower limit the first goes on", async () => {
    const three = catalogOf("second", limit("scope: template, running: 3"));
    const decided = (await decide(await alertsFor("second", 3), three)).toSorted(byId);
    const kinds = async (catalog: Catalog) =>
      Promise.all(decided.map(async (one) => (await again(one, catalog)).kind));
    expect(await kinds(three)).toEqual(["open", "open", "open"]);
    const one = catalogOf("second", limit("scope: template, running: 1"));
    expect(await kinds(one)).toEqual(["open", "refused", "refused"]);
    await database.executions.append(ending(decided[0]?.id ?? "", 3));
    expect(await kinds(one)).toEqual(["open", "open", "refused"]);
  });

  it("finds a freeze, and a place that is only observed now, with their reasons", async () => {
    const [decided] = await decide(await alertsFor("frozen", 1), catalogOf("frozen"));
    if (decided === undefined) throw new Error("nothing was decided");
    const freeze = catalogOf(
      "frozen",
      "{name: freeze, event: {type: deny, params: {reason: change freeze}}}",
    );
    expect(await again(decided, freeze)).toMatchObject({
      kind: "refused",
      reasons: [{ rule: "p/freeze", reason: "change freeze (p/freeze fires)" }],
    });
    const observe = catalogOf("frozen", "{name: quiet, event: {type: set-mode, params: {mode: observe}}}");
    expect(await again(decided, observe)).toMatchObject({
      kind: "refused",
      reasons: [{ rule: "p/quiet", effect: "observe" }],
    });
    expect(await again(decided, catalogOf("frozen"), false)).toMatchObject({
      kind: "refused",
      reasons: [{ rule: "built-in/live" }],
    });
  });
});

describe("the second weighing, when the pod that the alert names is gone", () => {
  const labelled = (template: string, value: string) =>
    catalogOf(
      template,
      `{name: tier, conditions: {fact: target, path: "$.labels.app", operator: equal, value: ${value}}, event: {type: deny, params: {reason: frozen}}}`,
    );

  it("still judges the target of the plan", async () => {
    const [alert] = await alertsFor("gone", 1);
    const [decided] = await decide([alert!], labelled("gone", "nobody"));
    expect(decided?.gate.kind).toBe("open");
    const { uid, resourceVersion } = (await given.podsOf("gone-0"))[0]!.metadata;
    const pod = given.ref("Pod", alert!.labels["pod"] ?? "");
    await given.api.remove(pod, { uid, resourceVersion, gracePeriodSeconds: 0, dryRun: false });
    await vi.waitUntil(async () => (await given.api.get(pod)) === null, { timeout: 20_000 });
    expect(await again(decided!, labelled("gone", "gone-0"))).toMatchObject({
      kind: "refused",
      reasons: [{ rule: "p/tier" }],
    });
    expect((await again(decided!, labelled("gone", "nobody"))).kind).toBe("open");
  });
  it("does not refuse for good what one busy answer of the API server kept it from knowing", async () => {
    const [alert] = await alertsFor("busy-api", 1);
    const catalog = labelled("busy-api", "nobody");
    const [decided] = await decide([alert!], catalog);
    const { id, plan } = decided!;
    const answers = [() => Promise.reject(new Problem("API_THROTTLED", "busy", { retryable: true }))];
    const get = async (ref: ObjectRef) => (answers.shift() ?? (() => given.api.get(ref)))();
    const busy: ActionTools = { ...given.tools, cluster: () => ({ ...given.api, get }) };
    await expect(weighNow(id, alert!, plan, catalog, busy, ports())).rejects.toMatchObject({
      retryable: true,
    });
    expect((await weighNow(id, alert!, plan, catalog, busy, ports())).kind).toBe("open");
  });
});

describe("with confirm, an alert that nobody confirms", () => {
  it("starts nothing of risk medium, is tried again, and starts it once it is confirmed", async () => {
    const catalog = catalogOf("confirmed");
    const text = `name: confirmed\nsteps: [{name: restart, action: {action: restart_deployment, parameters: {deployment: confirmed-0}}}]\n`;
    const files = [{ path: "templates/t.yaml", text }];
    const template = compileCatalog(files, "main@sha1:0", actions).catalog?.templates.get("confirmed");
    if (template === undefined) throw new Error("the template is not valid");
    const risky = { ...catalog, templates: new Map([["confirmed", template]]) };
    const [alert] = await alertsFor("confirmed", 1);
    if (alert === undefined) throw new Error("no alert");
    await database.alerts.receive(delivery(alert));
    const states: AlertState[] = [{ state: "absent" }, { state: "active" }];
    const asking: DecisionPorts = {
      ...ports(),
      confirm: "alertmanager",
      alertmanagers: { look: async () => states.shift() ?? { state: "unasked" } },
    };
    const own = async () =>
      (await database.alerts.takeDue(1_000, 600)).find((due) => due.alert.fingerprint === alert.fingerprint);
    const first = await own();
    expect(await decideFiring(first!, risky, asking)).toBeNull();
    const { rows } = await database.pool.query<{ kind: string; reasons: string[] }>(
      "select kind, reasons from decisions where alert_id = $1::bigint",
      [first!.id],
    );
    expect(rows).toEqual([{ kind: "undecided", reasons: ["Alertmanager prod-eu has no such alert"] }]);
    await database.pool.query("update alerts set decide_at = now() where id = $1::bigint", [first!.id]);
    const second = await own();
    expect(await decideFiring(second!, risky, asking)).not.toBeNull();
    expect(states).toEqual([]);
  });
});

describe("with confirm, a person who starts a template", () => {
  it("is not asked for an Alertmanager that has the alert: there is none", async () => {
    await given.deployed("by-hand", 1);
    const text = `name: by-hand\nmanual: true\nsteps: [{name: restart, action: {action: restart_deployment}}]\n`;
    const compiled = compileCatalog([{ path: "templates/t.yaml", text }], "main@sha1:0", actions);
    const target = { kind: "Deployment", namespace: given.namespace, name: "by-hand" };
    const request = { template: "by-hand", target, parameters: {}, by: "ana", reason: "stuck", dryRun: true };
    const asking: DecisionPorts = { ...ports(), confirm: "alertmanager" };
    expect(await startByHand(request, compiled.catalog, asking)).toMatchObject({ gate: { kind: "open" } });
  });
});

describe("a guard", () => {
  it("reads how much is under way, without the execution that it judges", async () => {
    const ask = "event: {type: require-approval, params: {}}";
    const catalog = catalogOf("busy", `{name: busy, when: usage.template.running >= 1, ${ask}}`);
    const [first, second] = await alertsFor("busy", 2);
    if (first === undefined || second === undefined) throw new Error("no alerts");
    const [one] = await decide([first], catalog);
    const [two] = await decide([second], catalog);
    expect([one?.gate.kind, two?.gate.kind]).toEqual(["open", "approval"]);
    if (one !== undefined) expect((await again(one, catalog)).kind).toBe("open");
  });

  it("reads the labels of what the plan touches", async () => {
    const deny = "event: {type: deny, params: {reason: it is labelled}}";
    const labelled = (value: string) =>
      catalogOf(
        "labels",
        `{name: tier, conditions: {fact: plan, path: "$.objects[*].labels.app", operator: anyIn, value: [${value}]}, ${deny}}`,
      );
    const [alert] = await alertsFor("labels", 1);
    if (alert === undefined) throw new Error("no alert");
    const [decided] = await decide([alert], labelled("nobody"));
    if (decided === undefined) throw new Error("nothing was decided");
    expect(decided.gate.kind).toBe("open");
    expect((await again(decided, labelled("labels-0"))).reasons).toMatchObject([{ rule: "p/tier" }]);
  });
});
