// PostgreSQL is stopped and started again while a hundred executions are at work: none is lost, none does anything twice.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { deliver, firing } from "./firings.ts";
import { type ExecutionView, openSite, startWorld, type World } from "./world.ts";

const namespace = "many";
const names = Array.from({ length: 100 }, (_, number) => `api-${number}`);
const template = `
name: scale
configuration: {cooldown: 1h}
steps:
  - name: look
    action: {type: kubernetes, action: get_pod_status}
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
  - name: verify
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 60s, stable_for: 1s}}
`;

let world: World;
const running: ControllerProcess[] = [];
beforeAll(async () => {
  world = await startWorld([namespace]);
});
afterAll(async () => {
  for (const controller of running) controller.kill("SIGKILL");
  await Promise.all(running.map(({ exited }) => exited));
  await world.stop();
});

it("a hundred executions outlive a database that goes away and comes back, and change everything once", async () => {
  const { cluster } = world.simulation;
  for (const name of names) cluster.deploy({ namespace, name, replicas: 1 });
  await cluster.until(
    "healthy",
    () => names.every((name) => cluster.deployment(namespace, name).healthy),
    30,
  );
  const site = await openSite(world, namespace, template);
  const controllers = [await site.start({}, "a"), await site.start({}, "b")] as const;
  running.push(...controllers);
  const pods = cluster.pods(namespace).map(({ metadata }) => metadata.name);
  await deliver(controllers[0], ...pods.map((pod) => firing("KubePodCrashLooping", namespace, pod)));

  const changes = (name?: string) =>
    cluster.effects.count({ manager: "gitmend", namespace, kind: "Deployment", ...(name && { name }) });
  await eventually("they are in the middle of it", () => changes() >= 10, { seconds: 60 });
  await world.postgres.stop();
  expect(changes()).toBeLessThan(names.length);
  await eventually("it is noticed", async () => (await fetch(`${controllers[0].url}/readyz`)).status === 503);
  await world.postgres.start();

  const all = async () => {
    const path = "/api/v1/executions?limit=200";
    return ((await controllers[1].get(path)) as { items: ExecutionView[] }).items;
  };
  await eventually(
    "every execution ended",
    async () => (await all()).filter(({ outcome }) => outcome !== null).length === names.length,
    { seconds: 120 },
  ).catch((error: unknown) => {
    throw new Error(controllers.map((controller) => controller.log()).join("\n"), { cause: error });
  });
  expect((await all()).map(({ outcome }) => outcome)).toEqual(names.map(() => "succeeded"));
  expect(names.filter((name) => changes(name) !== 1)).toEqual([]);
});
