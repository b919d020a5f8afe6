// Which alerts start something and which must not: many at once, resolved too soon, too soon again, denied, protected, opted out,
// only observed. Judged by the effects that the API server counted.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import {
  type AlertPayload,
  deliver,
  deployHealthy,
  editDeployment,
  endedIn,
  eventsOf,
  executionsIn,
  firing,
  resolved,
} from "./firings.ts";
import { openShippedSite, startWorld, type World } from "./world.ts";

const catalog = {
  "templates/scale.yaml": `
name: scale
configuration: {cooldown: 1h}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
  - name: healthy
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 30s, stable_for: 1s}}
`,
  "policies/tests.yaml": `
name: tests
rules:
  - name: more
    on: [Busy]
    event: {type: select-template, params: {template: scale}}
  - name: not-the-database
    conditions:
      all:
        - {fact: plan, path: $.namespaces, operator: anyGlob, value: ["db-*"]}
    event: {type: deny, params: {reason: "databases are repaired by people"}}
`,
};
const live = ["storm", "again", "too-late", "db-orders", "kube-system", "opted-out", "opts-out-later"];

let world: World;
let controller: ControllerProcess;
beforeAll(async () => {
  world = await startWorld([...live, "watched"]);
  controller = await (await openShippedSite(world, "guards", catalog, live)).start();
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  await world.stop();
});

const wanted = (namespace: string) => world.simulation.cluster.deployment(namespace, "api").wanted;
const changes = (namespace: string) =>
  world.simulation.cluster.effects.count({ manager: "gitmend", namespace });
const logged = (alert: AlertPayload, text: RegExp) =>
  eventually(`the log says ${String(text)}`, () =>
    controller
      .log()
      .split("\n")
      .some((line) => line.includes(alert.fingerprint) && text.test(line)),
  );

describe("alerts", () => {
  it.concurrent("of five pods of one Deployment, at once and twice, are one execution that the others join", async () => {
    const pods = await deployHealthy(world, "storm", 5);
    const alerts = pods.map((pod) => firing("Busy", "storm", pod));
    await Promise.all([
      deliver(controller, ...alerts),
      deliver(controller, ...alerts),
      ...alerts.map((alert) => deliver(controller, alert)),
    ]);
    const execution = await endedIn(controller, "storm");
    expect(execution).toMatchObject({ outcome: "succeeded" });
    const joined = (await eventsOf(controller, execution)).filter(({ type }) => type === "AlertJoined");
    expect(joined).toHaveLength(4);
    expect(await executionsIn(controller, "storm")).toHaveLength(1);
    expect([wanted("storm"), changes("storm")]).toEqual([6, 1]);
  });

  it.concurrent("that fire again within the cool-down start nothing, and the reason is said", async () => {
    const [pod = ""] = await deployHealthy(world, "again");
    const first = firing("Busy", "again", pod);
    await deliver(controller, first);
    await endedIn(controller, "again");
    await deliver(controller, resolved(first));
    const second = firing("Busy", "again", pod);
    await deliver(controller, second);
    await logged(second, /cool-down until .*scale ended succeeded/);
    expect(await executionsIn(controller, "again")).toHaveLength(1);
    expect(changes("again")).toBe(1);
  });

  it.concurrent("that resolve while they are being decided start nothing", async () => {
    const namespace = "too-late";
    const [pod = ""] = await deployHealthy(world, namespace);
    const read = world.simulation.cluster.faults.add({
      method: "GET",
      path: new RegExp(`${namespace}/deployments/api`),
      fault: { kind: "hang" },
    });
    const alert = firing("Busy", namespace, pod);
    await deliver(controller, alert);
    await read.reached;
    await deliver(controller, resolved(alert));
    read.release();
    await logged(alert, /"result":"stale"/);
    expect(await executionsIn(controller, namespace)).toEqual([]);
    expect([wanted(namespace), changes(namespace)]).toEqual([2, 0]);
  });
});

describe("a plan that must not run", () => {
  it.concurrent.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ["db-orders", {}, /databases are repaired by people/],
    ["kube-system", {}, /is protected: namespace kube-system is/],
    ["opted-out", { "gitmend.dev/remediate": "false" }, /is protected: its label gitmend.dev\/remediate/],
  ])("in %s is refused with the reason", async (namespace, labels, reason) => {
    const [pod = ""] = await deployHealthy(world, namespace, 2, labels);
    await deliver(controller, firing("Busy", namespace, pod));
    const execution = await endedIn(controller, namespace);
    expect(execution).toMatchObject({ outcome: "refused" });
    const end = (await eventsOf(controller, execution)).find(({ type }) => type === "Ended");
    expect((end as { reason?: string } | undefined)?.reason).toMatch(reason);
    expect([wanted(namespace), changes(namespace)]).toEqual([2, 0]);
  });

  it.concurrent("outside the live list is observed, with the diff that it would have made", async () => {
    const namespace = "watched";
    const [pod = ""] = await deployHealthy(world, namespace);
    await deliver(controller, firing("Busy", namespace, pod));
    const execution = await endedIn(controller, namespace);
    expect(execution).toMatchObject({ outcome: "observed" });
    const planned = (await eventsOf(controller, execution)).find(({ type }) => type === "Planned");
    expect(JSON.stringify(planned)).toContain('"pointer":"/spec/replicas"');
    expect([wanted(namespace), changes(namespace)]).toEqual([2, 0]);
  });

  it.concurrent("is stopped when its target opts out after the plan was made", async () => {
    const namespace = "opts-out-later";
    const [pod = ""] = await deployHealthy(world, namespace);
    // The Event that says that it starts: the objects are claimed, no step has begun.
    const start = world.simulation.cluster.faults.add({
      method: "POST",
      path: new RegExp(`${namespace}/events`),
      fault: { kind: "hang" },
    });
    await deliver(controller, firing("Busy", namespace, pod));
    await start.reached;
    editDeployment(world, namespace, (_spec, metadata) => {
      metadata["labels"] = { ...(metadata["labels"] as object), "gitmend.dev/remediate": "false" };
    });
    start.release();
    expect(await endedIn(controller, namespace)).toMatchObject({ outcome: "refused" });
    expect([wanted(namespace), changes(namespace)]).toEqual([2, 0]);
  });
});
