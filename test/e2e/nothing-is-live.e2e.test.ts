// `npm start` on a laptop whose kubeconfig points at production, without a gitmend.yaml that says where: alerts are answered
// with what would be done, and nothing in that cluster is touched.
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ControllerProcess, startControllerProcess } from "../support/controller-process.ts";
import { deliver, deployHealthy, endedIn, eventsOf, firing } from "./firings.ts";
import { deployAndBreak, startWorld, type World } from "./world.ts";

const namespace = "production";
let world: World;
let controller: ControllerProcess;
beforeAll(async () => {
  world = await startWorld([namespace, "calm"]);
  controller = await startControllerProcess({
    folder: join(world.folder, "laptop"),
    config: {},
    environment: { KUBECONFIG: join(world.folder, "kubeconfig") },
  });
});
afterAll(async () => {
  controller?.kill("SIGKILL");
  await controller?.exited;
  await world.stop();
});

it("a kubeconfig that happens to be there is only observed, and people see what would have been done", async () => {
  await deployAndBreak(world, namespace);
  const { cluster } = world.simulation;
  await cluster.until("it crash-loops", () =>
    cluster.pods(namespace).some(({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 1),
  );
  const pod = cluster
    .pods(namespace)
    .find(({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 1);
  await deliver(controller, firing("KubePodCrashLooping", namespace, pod?.metadata.name ?? ""));
  const execution = await endedIn(controller, namespace);
  expect(execution).toMatchObject({ outcome: "observed" });
  expect(cluster.effects.all()).toEqual([]);
  const planned = (await eventsOf(controller, execution)).find(({ type }) => type === "Planned");
  expect(planned).toMatchObject({ previews: [expect.objectContaining({ step: expect.any(String) })] });
  await deployHealthy(world, "calm");
  const options = ["--target", "deploy/api", "-n", "calm", "--reason", "a person insists"];
  const by = await controller.cli("start", "restart-workload", ...options);
  expect(by.stdout).toMatch(/observe/);
  expect(cluster.effects.all()).toEqual([]);
});
