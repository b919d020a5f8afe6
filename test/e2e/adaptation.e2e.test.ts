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
    startWorld(["load", "ill"], { readySeconds: 1, crashAfterSeconds: 1 }),
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

describe("a restart of every pod", () => {
  it("takes no second one down when what replaced the first crashes too, and the record says so", async () => {
    const { cluster } = world.simulation;
    cluster.apply(alwaysCrashing as never);
    await cluster.until("all crash", () => cluster.pods("ill").filter(crashLoops).length === 3, 20);
    const crashing = cluster.pods("ill").filter(crashLoops);
    const names = crashing.map(({ metadata }) => metadata.name);
    await deliver(controller, ...names.map((pod) => firing("KubePodNotReady", "ill", pod)));
    const execution = await endedIn(controller, "ill");
    const events = await eventsOf(controller, execution);
    expect(events.flatMap((event) => (event.type === "StepStarted" ? [event.step] : []))).toEqual([
      "restart[0]",
    ]);
    expect(events.filter(({ type }) => type === "StepAdapted")).toMatchObject([
      { step: "restart[1]", what: "start", reason: expect.stringContaining("not back yet") as string },
    ]);
    expect(events.find(({ type }) => type === "StepFailed")).toMatchObject({
      step: "restart[1]",
      code: "NOT_HEALTHY",
    });
    const left = cluster.pods("ill").filter(({ metadata }) => names.includes(metadata.name));
    expect(left).toHaveLength(2);
  });
});

const crashLoops = ({ status }: Pod) =>
  status.containerStatuses?.some(({ state }) => state.waiting?.reason === "CrashLoopBackOff") === true;
