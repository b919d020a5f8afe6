// What only the simulated cluster offers: crash loops, made-up and given logs, the log of effects, faults, alerts.
// What it shares with the real API server stands in test/contracts/kubernetes-api.ts.
import { afterEach, describe, expect, it } from "vitest";
import { watchAlerts } from "../../src/simulation/alerts.ts";
import { manualClock } from "../../src/simulation/clock.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../src/simulation/start-simulated-cluster.ts";
import { type RawAdmin, rawAdmin } from "../support/kube-control-plane.ts";

let simulation: RunningSimulation;
let admin: RawAdmin;
const clock = manualClock();

async function given(
  options: Parameters<typeof startSimulatedCluster>[0] = {},
): Promise<RunningSimulation["cluster"]> {
  simulation = await startSimulatedCluster(options);
  admin = rawAdmin(simulation.kubeconfig);
  return simulation.cluster;
}

/** Lets controllers react to the last change, then moves time. */
async function pass(seconds: number): Promise<void> {
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  clock.advance(seconds);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

const deploymentPath = "/apis/apps/v1/namespaces/shop/deployments/api";

afterEach(async () => {
  await simulation.stop();
});

describe("a Deployment whose new command exits", () => {
  it("crash-loops with growing back-off while the old pods go on serving, and heals when rolled back", async () => {
    const cluster = await given();
    cluster.deploy({ namespace: "shop", name: "api", replicas: 4 });
    await cluster.until("healthy", () => cluster.deployment("shop", "api").healthy);
    const before = cluster.get("deployments", "shop", "api");
    cluster.breakDeployment("shop", "api", "crash");
    await cluster.until("three restarts of one pod", () =>
      cluster
        .pods("shop")
        .some(({ status }) =>
          status.containerStatuses?.some(
            ({ restartCount, state }) => restartCount >= 3 && state.waiting?.reason === "CrashLoopBackOff",
          ),
        ),
    );
    const broken = cluster.deployment("shop", "api");
    expect(broken).toMatchObject({ healthy: false, revision: 2, ready: 3 });
    const crashed = cluster
      .pods("shop")
      .find(({ status }) => status.containerStatuses?.[0]?.lastState.terminated);
    expect(crashed?.status.containerStatuses?.[0]?.lastState.terminated).toMatchObject({
      exitCode: 1,
      reason: "Error",
    });

    const { template } = (before as unknown as { spec: { template: object } }).spec;
    const patch = [{ op: "replace", path: "/spec/template", value: template }];
    expect((await admin("PATCH", deploymentPath, patch, "application/json-patch+json")).code).toBe(200);
    await cluster.until("healthy again", () => cluster.deployment("shop", "api").healthy);
    expect(cluster.deployment("shop", "api")).toMatchObject({ revision: 3, restarts: 0 });
  });

  it("keeps the log of the run before", async () => {
    const cluster = await given();
    cluster.deploy({ namespace: "shop", name: "api", replicas: 1, command: ["sh", "-c", "exit 3"] });
    await cluster.until("it restarts", () => cluster.deployment("shop", "api").restarts >= 1);
    const [pod] = cluster.pods("shop");
    const path = `/api/v1/namespaces/shop/pods/${pod!.metadata.name}/log?previous=true`;
    expect((await admin("GET", path)).body).toContain("fatal: configuration missing");
    cluster.setLog("shop", pod!.metadata.name, "app", "one\ntwo\nthree\n");
    expect((await admin("GET", `${path}&tailLines=2`)).body).toBe("two\nthree\n");
  });
});

describe("time in the simulated cluster", () => {
  it("stands still until a test moves it", async () => {
    const cluster = await given({ clock, timing: { startSeconds: 10, readySeconds: 20 } });
    cluster.deploy({ namespace: "shop", name: "api", replicas: 2 });
    await pass(29);
    expect(cluster.deployment("shop", "api")).toMatchObject({ replicas: 2, ready: 0 });
    await pass(2);
    expect(cluster.deployment("shop", "api")).toMatchObject({ ready: 2, healthy: true });
  });
});

describe("the log of effects", () => {
  it("counts what a client persisted, once, and nothing else", async () => {
    const cluster = await given();
    cluster.deploy({ namespace: "shop", name: "api", replicas: 1 });
    const patch = [{ op: "replace", path: "/spec/replicas", value: 2 }];
    const send = (query: string) =>
      admin("PATCH", `${deploymentPath}?fieldManager=gitmend${query}`, patch, "application/json-patch+json");
    await send("&dryRun=All");
    await send("");
    await send("");
    const missing = [{ op: "replace", path: "/spec/nothing/here", value: 2 }];
    await admin("PATCH", `${deploymentPath}?fieldManager=gitmend`, missing, "application/json-patch+json");
    expect(cluster.effects.of({ manager: "gitmend" })).toMatchObject([
      { verb: "patch", kind: "Deployment", namespace: "shop", name: "api", fields: ["/spec/replicas"] },
    ]);
    expect(cluster.effects.count({ manager: "gitmend" })).toBe(1);
    expect(cluster.effects.count({ manager: "test-admin" })).toBe(0);
  });

  it("holds deletions once, also when a terminating pod is deleted again", async () => {
    const cluster = await given({ timing: { stopSeconds: 5 } });
    cluster.deploy({ namespace: "shop", name: "api", replicas: 1 });
    await cluster.until("healthy", () => cluster.deployment("shop", "api").healthy);
    const [pod] = cluster.pods("shop");
    const path = `/api/v1/namespaces/shop/pods/${pod!.metadata.name}`;
    expect((await admin("DELETE", path)).code).toBe(200);
    expect((await admin("DELETE", path)).code).toBe(200);
    expect(cluster.effects.count({ verb: "delete", uid: pod!.metadata.uid })).toBe(1);
  });
});

describe("a fault", () => {
  it("strikes as often as it was told, from where it was told, and only what it matches", async () => {
    const { faults } = await given();
    const placed = faults.add({ path: /nodes/, skip: 1, times: 2, fault: { kind: "status", code: 500 } });
    const codes: number[] = [];
    for (let call = 0; call < 5; call += 1) codes.push((await admin("GET", "/api/v1/nodes")).code);
    expect(codes).toEqual([200, 500, 500, 200, 200]);
    expect((await admin("GET", "/api/v1/pods")).code).toBe(200);
    expect(placed.hits()).toBe(2);
  });

  it("that hangs lets go when told", async () => {
    const { faults } = await given();
    const placed = faults.add({ fault: { kind: "hang" } });
    const answer = admin("GET", "/api/v1/nodes");
    await placed.reached;
    placed.release();
    expect((await answer).code).toBe(200);
  });
});

describe("the alerts of a simulated cluster", () => {
  it("fire for a crash loop after their time, and resolve when the loop is over", async () => {
    const cluster = await given({ clock, timing: { crashBackoffSeconds: 30, crashBackoffMaxSeconds: 60 } });
    const alerts = watchAlerts(cluster, { forSeconds: 20, lookbackSeconds: 60 });
    cluster.deploy({ namespace: "shop", name: "api", replicas: 2, command: ["sh", "-c", "exit 1"] });
    await pass(1);
    expect(alerts.poll()).toEqual([]);
    await pass(10);
    expect(alerts.poll(), "pending").toEqual([]);
    await pass(10);
    const [payload, ...others] = alerts.poll();
    expect(others).toEqual([]);
    expect(payload).toMatchObject({
      version: "4",
      status: "firing",
      groupLabels: { alertname: "KubePodCrashLooping", namespace: "shop" },
      commonLabels: { container: "app", severity: "critical" },
    });
    expect(payload!.alerts.map(({ status, labels }) => [status, labels.pod])).toEqual(
      cluster.pods("shop").map(({ metadata }) => ["firing", metadata.name]),
    );
    expect(new Set(payload!.alerts.map(({ fingerprint }) => fingerprint)).size).toBe(2);
    expect(alerts.poll(), "no news").toEqual([]);
    expect(alerts.repeat()[0]!.alerts).toEqual(payload!.alerts);

    const patch = [{ op: "remove", path: "/spec/template/spec/containers/0/command" }];
    await admin("PATCH", deploymentPath, patch, "application/json-patch+json");
    await pass(50);
    expect(alerts.poll(), "the loop is remembered").toEqual([]);
    await pass(30);
    const [resolved] = alerts.poll();
    expect(resolved!.status).toBe("resolved");
    expect(resolved!.alerts.map(({ status }) => status)).toEqual(["resolved", "resolved"]);
    expect(resolved!.alerts[0]!.startsAt).toBe(payload!.alerts[0]!.startsAt);
    expect(Date.parse(resolved!.alerts[0]!.endsAt)).toBeGreaterThan(Date.parse(payload!.alerts[0]!.startsAt));
    expect(alerts.firing()).toEqual([]);
  });

  it("fire for a rollout that does not progress in time, and resolve with the rollback", async () => {
    const cluster = await given({ clock, timing: { progressDeadlineSeconds: 60 } });
    const alerts = watchAlerts(cluster, { forSeconds: 10 });
    cluster.deploy({ namespace: "shop", name: "api", replicas: 2 });
    await pass(1);
    cluster.breakDeployment("shop", "api", "image");
    await pass(50);
    expect(alerts.poll()).toEqual([]);
    await pass(15);
    alerts.poll();
    await pass(15);
    const [payload] = alerts.poll();
    expect(payload!.alerts).toMatchObject([
      {
        status: "firing",
        labels: {
          alertname: "KubeDeploymentRolloutStuck",
          namespace: "shop",
          deployment: "api",
          reason: "ProgressDeadlineExceeded",
        },
      },
    ]);
    const patch = [
      { op: "replace", path: "/spec/template/spec/containers/0/image", value: "example.test/api:1.0.0" },
    ];
    await admin("PATCH", deploymentPath, patch, "application/json-patch+json");
    await pass(5);
    expect(alerts.poll()[0]!.status).toBe("resolved");
  });
});
