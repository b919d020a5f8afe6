// Stopping: one execution by a person, from any replica; one controller by SIGTERM.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { bareRepository } from "../support/git.ts";
import { deployAndBreak, type ExecutionView, ended, openSite, startWorld, type World } from "./world.ts";

/** Scales, then waits for a health that does not come for minutes. */
const longWait = `
name: scale-and-wait
configuration: {cooldown: 1h}
steps:
  - name: scale
    action: {type: kubernetes, action: scale_deployment, parameters: {replicas: {add: 1}}}
  - name: wait
    action: {type: monitoring, action: validate_pod_health, parameters: {wait_timeout: 5m}}
`;

let world: World;
const running: ControllerProcess[] = [];
beforeAll(async () => {
  world = await startWorld(["cancelled", "kept", "drained", "mid-write"]);
});
afterAll(async () => {
  for (const controller of running) controller.kill("SIGKILL");
  await Promise.all(running.map(({ exited }) => exited));
  await world.stop();
});

const wanted = (namespace: string) => world.simulation.cluster.deployment(namespace, "api").wanted;

async function inTheLongStep(namespace: string, replicas: readonly string[]) {
  await deployAndBreak(world, namespace);
  const remote = bareRepository(join(world.folder, `${namespace}-audit.git`), "audit");
  const site = await openSite(world, namespace, longWait, { audit_repository: { url: remote } });
  const controllers = await Promise.all(replicas.map((replica) => site.start({}, replica)));
  running.push(...controllers);
  const [first] = controllers;
  if (first === undefined) throw new Error("no controller");
  await site.fire(first);
  const id = await eventually("the long step runs", async () => {
    const { items } = (await first.get("/api/v1/executions")) as { items: ExecutionView[] };
    const { items: events } = (await first.get(`/api/v1/executions/${items[0]?.id}/events`)) as {
      items: { event: { type: string; step?: string } }[];
    };
    return events.some(({ event }) => event.type === "StepStarted" && event.step === "wait")
      ? items[0]?.id
      : null;
  });
  expect(wanted(namespace)).toBe(3);
  return { site, controllers, first, id };
}

describe("cancelling", () => {
  it.concurrent("works from any replica, ends a running wait at once, and takes back what was done", async () => {
    const { controllers, id } = await inTheLongStep("cancelled", ["a", "b"]);
    const driver = controllers.findIndex((controller) => controller.log().includes('"result":"committed"'));
    const other = controllers[1 - driver];
    const answer = await other?.cli("executions", "cancel", id, "--reason", "a person looks after it");
    expect(answer?.code).toBe(0);
    expect(await ended(controllers[0]!, 15)).toMatchObject({ outcome: "cancelled" });
    expect(wanted("cancelled")).toBe(2);
  });

  it.concurrent("leaves what was done when asked to", async () => {
    const { first, id } = await inTheLongStep("kept", ["a"]);
    await first.cli("executions", "cancel", id, "--keep", "--reason", "it may stay");
    expect(await ended(first, 15)).toMatchObject({ outcome: "cancelled" });
    expect(wanted("kept")).toBe(3);
  });
});

describe("SIGTERM", () => {
  it.concurrent("sends webhooks elsewhere at once, exits cleanly, and another start goes on", async () => {
    const { site, first, id } = await inTheLongStep("drained", ["a"]);
    first.kill("SIGTERM");
    await eventually("it is not ready", async () => (await fetch(`${first.url}/readyz`)).status === 503);
    const refused = await fetch(`${first.url}/webhooks/alertmanager`, { method: "POST", body: "{}" });
    expect(refused.status).toBe(503);
    expect(await first.exited).toBe(0);
    const second = await site.start();
    running.push(second);
    await second.cli("executions", "cancel", id, "--reason", "enough");
    expect(await ended(second, 20)).toMatchObject({ id, outcome: "cancelled" });
    expect(wanted("drained")).toBe(2);
  });

  it.concurrent("while a write is on its way leaves it to the next start to find out; it is made once", async () => {
    const namespace = "mid-write";
    await deployAndBreak(world, namespace);
    const site = await openSite(world, namespace, longWait.replace("5m", "1s"));
    const first = await site.start();
    running.push(first);
    const path = new RegExp(`${namespace}/deployments/api\\?(?!.*dryRun)`);
    const write = world.simulation.cluster.faults.add({ method: "PATCH", path, fault: { kind: "hang" } });
    await site.fire(first);
    await write.reached;
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    const second = await site.start();
    running.push(second);
    // The health never comes: what the first controller sent is found and taken back.
    expect(await ended(second, 40)).toMatchObject({ outcome: "rolled_back" });
    expect(world.simulation.cluster.effects.count({ manager: "gitmend", namespace })).toBe(2);
    expect(wanted(namespace)).toBe(2);
  });
});
