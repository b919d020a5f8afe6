// The shipped templates for memory and for nodes, from the alert to the proof: what is raised, what is evicted, who goes on after
// a kill -9 in the middle of a drain, and what is left as it was when a drain cannot end.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pod } from "../../src/simulation/objects.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { type AlertPayload, deliver, eventsOf, firing } from "./firings.ts";
import { type ExecutionView, openShippedSite, type Site, startWorld, type World } from "./world.ts";

const shipped = (file: string) =>
  readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");

const catalog = {
  "templates/raise-memory.yaml": shipped("templates/raise-memory.yaml"),
  "templates/drain-node.yaml": shipped("templates/drain-node.yaml"),
  "templates/collect-evidence.yaml": shipped("templates/collect-evidence.yaml"),
  "policies/memory.yaml": shipped("policies/memory.yaml"),
  "policies/evidence.yaml": shipped("policies/evidence.yaml"),
  "policies/tests.yaml": `
name: tests
rules:
  - name: drain
    on: [KubeNodePressure]
    event: {type: select-template, params: {template: drain-node}}
  - name: drain-soon
    on: [NodeIsFull]
    event: {type: select-template, params: {template: drain-node, parameters: {wait_timeout: 2s}}}
  - name: nobody-is-asked-here
    conditions: {all: [{fact: plan, path: $.risk, operator: equal, value: high}]}
    event: {type: waive-approval, params: {max_risk: high, reason: a test}}
`,
};

let world: World;
let site: Site;
let controller: ControllerProcess;
beforeAll(async () => {
  world = await startWorld(["memory", "evidence", "moved", "kept"]);
  site = await openShippedSite(world, "larger", catalog, ["*"], {
    live: [{ namespaces: ["*"], max_risk: "high" }],
  });
  controller = await site.start();
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  await world.stop();
});

type View = ExecutionView & { readonly template: string; readonly target: { readonly name: string } | null };

async function endedFor(target: string, seconds = 50): Promise<View> {
  const look = async () => {
    const { items } = (await controller.get("/api/v1/executions")) as { items: View[] };
    return items.find((one) => one.target?.name === target && one.outcome !== null);
  };
  try {
    return await eventually(`the execution for ${target} ends`, look, { seconds });
  } catch (error) {
    throw new Error(`${String(error)}\n${controller.log()}`, { cause: error });
  }
}

function nodeAlert(alertname: string, node: string): AlertPayload {
  return { ...firing(alertname, "", ""), labels: { alertname, node, severity: "warning" } };
}

function deploy(namespace: string, name: string, pod: object, replicas = 1): Promise<void> {
  const { cluster } = world.simulation;
  const labels = { app: name };
  cluster.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  } as never);
  return cluster.until(`${name} is healthy`, () => cluster.deployment(namespace, name).healthy, 20);
}

/** Which keeps every pod of `name` where it is. */
const budget = (namespace: string, name: string) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { namespace, name },
  spec: { maxUnavailable: 0, selector: { matchLabels: { app: name } } },
});

const onNode = (namespace: string, node: string) =>
  world.simulation.cluster
    .pods(namespace)
    .filter((pod) => pod.spec.nodeName === node)
    .map(({ metadata }) => metadata.name);

const node = (name: string) =>
  world.simulation.cluster.get("nodes", null, name) as unknown as {
    spec: { unschedulable?: boolean };
    metadata: { uid: string };
  };

const evictions = ({ metadata }: Pod) =>
  world.simulation.cluster.effects.count({ verb: "evict", uid: metadata.uid });

describe("a container that is killed for its memory", () => {
  it("gets twice as much, its request too, and what stands beside it keeps what it has", async () => {
    const resources = { requests: { memory: "64Mi", cpu: "100m" }, limits: { memory: "128Mi" } };
    const containers = [
      { name: "app", image: "example.test/app:1", resources },
      { name: "sidecar", image: "example.test/sidecar:1", resources },
    ];
    await deploy("memory", "hungry", { containers }, 2);
    const [pod] = world.simulation.cluster.pods("memory");
    await deliver(controller, firing("ContainerOOMKilling", "memory", pod!.metadata.name));
    expect(await endedFor("hungry")).toMatchObject({ outcome: "succeeded", template: "raise-memory" });
    const { spec } = world.simulation.cluster.get("deployments", "memory", "hungry") as unknown as {
      spec: { template: { spec: { containers: { resources: unknown }[] } } };
    };
    expect(spec.template.spec.containers.map((container) => container.resources)).toEqual([
      { requests: { memory: "128Mi", cpu: "100m" }, limits: { memory: "256Mi" } },
      resources,
    ]);
    await eventually("the record is published", () =>
      site.auditLog().includes("remediate(sim/memory/deploy/hungry)"),
    );
  });
});

describe("what has no remedy", () => {
  it("leaves logs and events as evidence and changes nothing", async () => {
    await deploy("evidence", "waiting", { containers: [{ name: "app", image: "example.test/app:1" }] });
    const [pod] = world.simulation.cluster.pods("evidence");
    await deliver(controller, firing("KubeContainerWaiting", "evidence", pod!.metadata.name));
    const execution = await endedFor("waiting");
    const outputs = (await eventsOf(controller, execution)).flatMap((event) =>
      event.type === "StepSucceeded" ? [[event.step, event.output] as const] : [],
    );
    expect(Object.fromEntries(outputs)).toMatchObject({
      look: { phase: "Running" },
      "keep-events": { events: expect.any(Number) },
      "keep-logs": { evidence: expect.stringContaining("keep-logs") },
    });
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace: "evidence" })).toBe(0);
  });
});

describe("a node under pressure", () => {
  it("is drained by whoever takes over after a kill, as budgets allow, each pod once, and stays cordoned", async () => {
    const containers = [{ name: "app", image: "example.test/app:1" }];
    await deploy("moved", "free", { containers }, 6);
    await deploy("moved", "held", { containers }, 6);
    const { cluster, url } = world.simulation;
    cluster.apply(budget("moved", "held"));
    const before = cluster.pods("moved").filter((pod) => pod.spec.nodeName === "node-1");
    const ofApp = (app: string) => before.filter(({ metadata }) => metadata.labels?.["app"] === app);
    expect([ofApp("free").length, ofApp("held").length].every((count) => count > 0)).toBe(true);

    await deliver(controller, nodeAlert("KubeNodePressure", "node-1"));
    await cluster.until(
      "the free pods are off the node",
      () => {
        const names = onNode("moved", "node-1");
        return ofApp("free").every(({ metadata }) => !names.includes(metadata.name));
      },
      30,
    );
    expect(node("node-1").spec.unschedulable).toBe(true);
    controller.kill("SIGKILL");
    await controller.exited;
    expect(ofApp("held").map(evictions)).toEqual(ofApp("held").map(() => 0));
    const path = "/apis/policy/v1/namespaces/moved/poddisruptionbudgets/held";
    expect((await fetch(`${url}${path}`, { method: "DELETE" })).status).toBe(200);
    controller = await site.start();

    const execution = await endedFor("node-1");
    // No channel is configured here, so nobody could be told: the one step that failed.
    expect(execution).toMatchObject({ outcome: "partly", template: "drain-node" });
    const events = await eventsOf(controller, execution);
    const drained = events.find((event) => event.type === "StepSucceeded" && event.step === "drain");
    const names = before.map(({ metadata }) => `moved/${metadata.name}`);
    expect(drained).toMatchObject({
      output: { node: "node-1", changed: true, evicted: expect.arrayContaining(names) },
    });
    expect(onNode("moved", "node-1")).toEqual([]);
    expect(before.map(evictions)).toEqual(before.map(() => 1));
    expect(node("node-1").spec.unschedulable).toBe(true);
    await cluster.until("all pods run elsewhere", () =>
      ["free", "held"].every((name) => cluster.deployment("moved", name).healthy),
    );
  });

  it("is open for pods again when a budget lets the drain not end", async () => {
    const containers = [{ name: "app", image: "example.test/app:1" }];
    await deploy("kept", "held", { containers }, 6);
    const { cluster } = world.simulation;
    cluster.apply(budget("kept", "held"));
    const before = onNode("kept", "node-2");
    expect(before.length).toBeGreaterThan(0);
    await deliver(controller, nodeAlert("NodeIsFull", "node-2"));
    const execution = await endedFor("node-2");
    expect(execution).toMatchObject({ outcome: "rolled_back" });
    const failed = (await eventsOf(controller, execution)).find(({ type }) => type === "StepFailed");
    expect(failed).toMatchObject({
      step: "drain",
      code: "NOT_HEALTHY",
      message: expect.stringMatching(/pods are still on node node-2.*budgets? .*kept\/held-/),
    });
    expect(node("node-2").spec.unschedulable).toBeUndefined();
    expect(onNode("kept", "node-2")).toEqual(before);
  });
});
