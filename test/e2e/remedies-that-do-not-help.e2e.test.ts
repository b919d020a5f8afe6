// S17: the remedy does not help and the alert goes on. Each try is taken back, its fallback is tried once, and after three tries
// people are told and nothing more is done. The shipped templates and policies, with their waits shortened and nothing else.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shippedLibrary } from "../../src/cli/shipped-library.ts";
import type { ControllerProcess } from "../support/controller-process.ts";
import { eventually } from "../support/eventually.ts";
import { deliver, deployHealthy, editDeployment, eventsOf, firing, type View } from "./firings.ts";
import { openShippedSite, startWorld, type World } from "./world.ts";

const namespace = "s17";
let world: World;
let controller: ControllerProcess;
let people: Server;
const told: { readonly severity: string; readonly key: string }[] = [];

/** Ten minutes and an hour are too long for a test; what is chosen and done is as shipped. */
const hurried = (text: string) =>
  text
    .replaceAll("duration('1h')", "duration('1s')")
    .replaceAll("default: 5m", "default: 3s")
    .replaceAll("cooldown: 10m", "cooldown: 2s")
    .replace("  fallback: rollback-workload", "  fallback: rollback-workload\n  cooldown: 2s");

beforeAll(async () => {
  people = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      told.push(JSON.parse(body) as { severity: string; key: string });
      response.end();
    });
  });
  await new Promise<void>((done) => people.listen(0, "127.0.0.1", done));
  const { port } = people.address() as AddressInfo;
  world = await startWorld([namespace]);
  const files = (await shippedLibrary()).map(({ path, text }) => [path, hurried(text)] as const);
  const notifications = {
    default: "sre",
    allow_private: true,
    channels: { sre: { url: `http://127.0.0.1:${port}/sre` } },
  };
  const site = await openShippedSite(world, namespace, Object.fromEntries(files), [namespace], {
    notifications,
  });
  controller = await site.start();
});
afterAll(async () => {
  controller?.kill("SIGTERM");
  await controller?.exited;
  people.close();
  await world.stop();
});

async function executions(): Promise<readonly (View & { readonly template: string })[]> {
  const { items } = (await controller.get("/api/v1/executions")) as {
    items: (View & { template: string })[];
  };
  return items;
}

describe("a remedy that does not help", () => {
  it("S17: is taken back, its fallback too; after three tries people are told, and nothing more is done", async () => {
    const { cluster } = world.simulation;
    await deployHealthy(world, namespace, 2);
    editDeployment(world, namespace, (spec) => {
      const { spec: pods } = spec["template"] as { spec: { containers: { image: string }[] } };
      for (const container of pods.containers) container.image = "registry.example/shop/api:2";
    });
    await cluster.until("rolled out", () => cluster.deployment(namespace, "api").healthy, 20);
    // No node takes another pod, and the autoscaler adds none: neither a restart nor a rollback can get done, nor is either refused.
    const autoscaler = { namespace: "kube-system", name: "cluster-autoscaler-status" };
    cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: autoscaler, data: {} } as never);
    for (const node of cluster.list("nodes") as unknown as { spec: object }[])
      cluster.apply({ ...node, spec: { ...node.spec, unschedulable: true } } as never);
    const alert = {
      ...firing("KubeDeploymentReplicasMismatch", namespace, ""),
      labels: {
        alertname: "KubeDeploymentReplicasMismatch",
        namespace,
        deployment: "api",
        severity: "warning",
      },
    };
    const before = JSON.stringify((cluster.get("deployments", namespace, "api") as { spec?: object }).spec);
    const rolledOutAt = cluster.now();
    await eventually("the rollout is a while ago", () => cluster.now() - rolledOutAt > 1500);
    await deliver(controller, alert);
    await eventually("people are told", () => told.some(({ severity }) => severity === "critical"), {
      seconds: 80,
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${controller.log()}`, { cause: error });
    });
    const all = await executions();
    const tries = all.filter(({ template }) => template !== "escalate-to-people");
    expect(tries.map(({ outcome, escalated }) => [outcome, escalated])).toEqual(
      [1, 2, 3].map(() => ["rolled_back", true]),
    );
    const fallbacks = await Promise.all(
      tries.map(async (one) =>
        (await eventsOf(controller, one)).filter(({ type }) => type === "FallbackChosen"),
      ),
    );
    // Newest first. The restart has one; what is chosen when that did not help goes back at once.
    expect(tries.at(-1)?.template).toBe("restart-workload");
    expect(fallbacks.at(-1)).toHaveLength(1);
    for (const chosen of fallbacks) expect(chosen.length).toBeLessThanOrEqual(1);
    expect(all.filter(({ template }) => template === "escalate-to-people")).toHaveLength(1);
    // Whatever was tried, the Deployment is as it was. A map that became empty stays; API servers leave it out.
    const spec = (cluster.get("deployments", namespace, "api") as { spec?: object }).spec;
    expect(JSON.stringify(spec).replace(',"annotations":{}', "")).toBe(before);
    await deliver(controller, alert);
    const changes = cluster.effects.count({ manager: "gitmend", namespace });
    await eventually("the repeated alert is heard", () => controller.log().includes('"repeated":1'));
    expect(await executions()).toHaveLength(4);
    expect(cluster.effects.count({ manager: "gitmend", namespace })).toBe(changes);
    // Each end that people have to look at is told once, whatever told it.
    const ids = told.map(({ key }) => key.split("/")[0] ?? "");
    expect(ids.toSorted()).toEqual(all.map(({ id }) => id).toSorted());
  });
});
