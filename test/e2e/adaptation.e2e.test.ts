// Remedies that fit themselves to what they find: as many replicas as the measured load asks for, and never more pods down at once
// than the workload allows.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pod } from "../../src/simulation/objects.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { deliver, deployHealthy, endedIn, eventsOf, firing } from "./firings.ts";
import { openShippedSite, startWorld, type World } from "./world.ts";

const catalog = {
  "templates/grow.yaml": `
name: grow
steps:
  - name: scale
    action: {action: scale_deployment, parameters: {replicas: {add: 1}}}
    adapt: {replicas: {minimum: 2, maximum: 10, promql: 'load{namespace={{ promql(target.namespace) }}}', target: 0.7}}
`,
  "templates/restart-all.yaml": `
name: restart-all
steps:
  - name: restart
    for_each: subjects
    action: {action: restart_pod, parameters: {pod: "{{ subject.name }}", wait_timeout: 1s, grace_period_seconds: 0}}
`,
  "policies/tests.yaml": `
name: tests
rules:
  - {name: load, on: [HighLoad], event: {type: select-template, params: {template: grow}}}
  - {name: ill, on: [KubePodNotReady], event: {type: select-template, params: {template: restart-all}}}
`,
};

/** Each replica carries twice what it should. */
function startPrometheus(): Promise<Server> {
  const answer = {
    status: "success",
    data: { resultType: "vector", result: [{ metric: {}, value: [0, "1.4"] }] },
  };
  const server = createServer((_request, response) => response.end(JSON.stringify(answer)));
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

let world: World;
let prometheus: Server;
let controller: ControllerProcess;
beforeAll(async () => {
  [world, prometheus] = await Promise.all([
    startWorld(["load", "ill"], { crashAfterSeconds: 2 }),
    startPrometheus(),
  ]);
  const url = `http://127.0.0.1:${(prometheus.address() as AddressInfo).port}`;
  const site = await openShippedSite(world, "adapts", catalog, ["load", "ill"], { prometheus: [{ url }] });
  controller = await site.start();
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  prometheus.close();
  await world.stop();
});

describe("a step whose bounds let it follow the load", () => {
  it("sets as many replicas as the load asks for, and the record says why", async () => {
    const [pod = ""] = await deployHealthy(world, "load", 3);
    await deliver(controller, firing("HighLoad", "load", pod));
    const execution = await endedIn(controller, "load");
    expect(execution.outcome).toBe("succeeded");
    expect(world.simulation.cluster.deployment("load", "api").wanted).toBe(6);
    const adapted = (await eventsOf(controller, execution)).find(({ type }) => type === "StepAdapted");
    expect(adapted).toMatchObject({
      what: "replicas",
      from: 4,
      to: 6,
      reason: "the load is 1.4, 0.7 is aimed at: 3 would have to be 6",
    });
  });
});

const labels = { app: "api" };
const alwaysCrashing = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { namespace: "ill", name: "api", labels },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { containers: [{ name: "app", image: "example.test/app:1", command: ["sh", "-c", "exit 1"] }] },
    },
  },
};

const crashed = ({ status }: Pod) =>
  status.containerStatuses?.some(
    ({ restartCount, state }) => restartCount > 0 || state.waiting?.reason === "CrashLoopBackOff",
  ) === true;

describe("a restart of every pod", () => {
  it("takes the next one down only when what replaced the one before has come up, and says that it waits", async () => {
    const { cluster } = world.simulation;
    cluster.apply(alwaysCrashing as never);
    await cluster.until("all crash", () => cluster.pods("ill").filter(crashed).length === 3, 20);
    const ill = cluster.pods("ill").map(({ metadata }) => metadata.name);
    const down: number[] = [];
    const stop = cluster.onChange(() => {
      const live = cluster.pods("ill").filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      down.push(3 - live.filter((pod) => ill.includes(pod.metadata.name) || crashed(pod)).length);
    });
    await deliver(controller, ...ill.map((pod) => firing("KubePodNotReady", "ill", pod)));
    const execution = await endedIn(controller, "ill");
    stop();
    const events = await eventsOf(controller, execution);
    // A pod that crashes in the moment of its deletion is another version: tried again.
    const began = new Set(events.flatMap((event) => (event.type === "StepStarted" ? [event.step] : [])));
    expect([execution.outcome, ...began]).toEqual(["succeeded", "restart[0]", "restart[1]", "restart[2]"]);
    expect(Math.max(...down)).toBe(1);
    expect(events.filter(({ type }) => type === "StepAdapted").length).toBeGreaterThan(0);
  });
});
