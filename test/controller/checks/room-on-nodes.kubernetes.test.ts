// Whether the nodes have room for the pods that a step brings, on a simulated cluster over HTTP.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActionTools } from "../../../src/actions/action.ts";
import { type ClusterConnection, connectCluster } from "../../../src/adapters/kubernetes/cluster-api.ts";
import { refuseWithoutRoom } from "../../../src/controller/checks/room-on-nodes.ts";
import { readTouched } from "../../../src/controller/protection.ts";
import type { CreateEffect, Effect, FieldChange } from "../../../src/domain/planning/effect.ts";
import { type Problem, toProblem } from "../../../src/domain/problem.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../../src/simulation/start-simulated-cluster.ts";

const api = { cluster: "prod-eu", apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "api" };

describe("room on the nodes", () => {
  let simulation: RunningSimulation;
  let connection: ClusterConnection;
  const asked: string[] = [];
  /** Stands for so many pods each; as many as are asked for at most. */
  let copies = 1;
  // Three nodes of 16 CPUs and 64Gi.
  beforeEach(async () => {
    simulation = await startSimulatedCluster();
    connection = connectCluster({ name: "prod-eu", kubeconfigText: simulation.kubeconfig });
    asked.length = 0;
    copies = 1;
  });
  afterEach(async () => {
    await connection.close();
    await simulation.stop();
  });

  async function refusal(effect: Effect): Promise<Problem | null> {
    const signal = AbortSignal.timeout(20_000);
    const cluster = connection.api(signal);
    const list: typeof cluster.list = async (query) => {
      asked.push(query.kind);
      const found = await cluster.list(query);
      const all =
        query.kind === "Pod" ? found.flatMap((one) => Array.from({ length: copies }, () => one)) : found;
      return all.slice(0, query.enough);
    };
    const tools = { signal, cluster: () => ({ ...cluster, list }) } as unknown as ActionTools;
    const found = effect.kind === "patch" ? await readTouched([effect.object], tools) : [];
    return refuseWithoutRoom({ effect, found, tools }).then(() => null, toProblem);
  }
  const patch = (...changes: readonly FieldChange[]): Effect => ({
    kind: "patch",
    object: api,
    uid: "u1",
    resourceVersion: "1",
    changes,
    missingParents: [],
  });
  const scale = (before: number, after: number) => patch({ pointer: "/spec/replicas", before, after });
  const requests = (cpu: string) =>
    patch({ pointer: "/spec/template/spec/containers/0/resources/requests/cpu", after: cpu });

  async function deployed(replicas: number, cpu: string, pod: object = {}, strategy: object = {}) {
    const labels = { app: "api" };
    const container = { name: "app", image: "example.test/api:1.0.0", resources: { requests: { cpu } } };
    simulation.cluster.apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: "shop", name: "api" },
      spec: {
        replicas,
        strategy,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container], ...pod } },
      },
    } as never);
    await simulation.cluster.until("it is there", (now) => now.deployment("shop", "api").ready === replicas);
  }
  const node = (name: string, spec: object, labels: Record<string, string> = {}) => {
    const old = simulation.cluster.get("nodes", null, name);
    simulation.cluster.apply({ ...old, metadata: { name, labels }, spec } as never);
  };

  it("is counted to the pod: what fits is let through, one more is refused with the numbers", async () => {
    await deployed(3, "5");
    // 11 CPUs are left on each node: two more pods of 5 each.
    expect(await refusal(scale(3, 9))).toBeNull();
    expect(await refusal(scale(3, 10))).toMatchObject({
      code: "NO_ROOM_ON_NODES",
      retryable: true,
      details: { pods: 7, fits: 6, retryAfterSeconds: 15 },
      message: expect.stringMatching(
        /no room for 7 pods of .*api \(5 cpu each\): 6 fit on the 3 of 3 nodes that take them; most is left on node-1: 11 cpu/,
      ) as string,
    });
  });
  it("is refused before what would stay Pending after", async () => {
    await deployed(3, "5");
    simulation.cluster.apply({
      ...simulation.cluster.get("deployments", "shop", "api"),
      spec: {
        ...(simulation.cluster.get("deployments", "shop", "api") as unknown as { spec: object }).spec,
        replicas: 10,
      },
    } as never);
    await simulation.cluster.until("nine run", (now) => now.deployment("shop", "api").ready === 9);
    const waiting = simulation.cluster.pods("shop").filter(({ spec }) => spec.nodeName === undefined);
    expect(waiting).toHaveLength(1);
    expect(waiting[0]?.status.conditions).toMatchObject([{ reason: "Unschedulable" }]);
  });
  it("is not counted on nodes that take no such pod: cordoned, tainted, of another kind", async () => {
    await deployed(3, "5");
    node("node-1", { unschedulable: true });
    node("node-2", { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] });
    expect(await refusal(scale(3, 5))).toBeNull();
    expect(await refusal(scale(3, 6))).toMatchObject({ details: { pods: 3, fits: 2 } });
    const tolerations = [{ key: "gpu", operator: "Exists" }];
    await deployed(3, "5", { tolerations });
    expect(await refusal(scale(3, 6))).toBeNull();
    expect(
      await refusal(
        patch(
          { pointer: "/spec/replicas", after: 4 },
          { pointer: "/spec/template/spec/nodeSelector", after: { disk: "ssd" } },
        ),
      ),
    ).toMatchObject({
      code: "NO_ROOM_ON_NODES",
      message: expect.stringContaining("none of the 3 nodes takes them") as string,
    });
  });
  it("is what a rollout ends up with: the pods that go make room, and the first comes on top where none may be missing", async () => {
    await deployed(3, "12");
    expect(await refusal(requests("16"))).toMatchObject({ details: { pods: 1, fits: 0 } });
    await deployed(3, "12", {}, { type: "Recreate" });
    expect(await refusal(requests("16"))).toBeNull();
    expect(await refusal(requests("17"))).toMatchObject({ details: { pods: 3, fits: 0 } });
  });
  it("is not asked for when nothing more is needed", async () => {
    await deployed(4, "1");
    expect(await refusal(scale(4, 2))).toBeNull();
    expect(
      await refusal(patch({ pointer: "/spec/template/metadata/annotations", after: { restartedAt: "now" } })),
    ).toBeNull();
    expect(await refusal(patch({ pointer: "/metadata/labels", after: { tier: "web" } }))).toBeNull();
    expect(asked).toEqual([]);
    await refusal(scale(4, 5));
    expect(asked.toSorted()).toEqual(["Node", "Pod"]);
  });
  it("is needed by a Job that is made", async () => {
    const made = (cpu: string): CreateEffect => ({
      kind: "create",
      object: { ...api, apiVersion: "batch/v1", kind: "Job", name: "clean" },
      manifest: {
        spec: {
          template: { spec: { containers: [{ name: "c", resources: { requests: { cpu } } }] } },
        },
      },
      provenUntil: "2026-01-01T00:00:00Z",
    });
    expect(await refusal(made("16"))).toBeNull();
    expect(await refusal(made("16001m"))).toMatchObject({ code: "NO_ROOM_ON_NODES", details: { pods: 1 } });
  });
  it("is left to an autoscaler that adds nodes", async () => {
    await deployed(3, "5");
    expect(await refusal(scale(3, 10))).not.toBeNull();
    simulation.cluster.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { namespace: "kube-system", name: "cluster-autoscaler-status" },
    });
    expect(await refusal(scale(3, 10))).toBeNull();
  });
  it("is left to Karpenter, which labels its nodes", async () => {
    await deployed(3, "5");
    node("node-3", {}, { "karpenter.sh/nodepool": "default" });
    expect(await refusal(scale(3, 10))).toBeNull();
  });
  it("is not counted in a cluster of thousands of pods, whose list would cost more than a pod that waits", async () => {
    await deployed(1, "1m");
    copies = 4_999;
    expect(await refusal(scale(1, 300))).toMatchObject({ code: "NO_ROOM_ON_NODES" });
    copies = 1_000_000;
    expect(await refusal(scale(1, 300))).toBeNull();
  });
  it("is left alone where the cluster shows no node at all", async () => {
    await deployed(1, "5");
    for (const name of ["node-1", "node-2", "node-3"]) {
      const api = connection.api(AbortSignal.timeout(5_000));
      const ref = { cluster: "prod-eu", apiVersion: "v1", kind: "Node", namespace: null, name };
      const { uid, resourceVersion } = (await api.get(ref))!.metadata;
      await api.remove(ref, { uid, resourceVersion, gracePeriodSeconds: null, dryRun: false });
    }
    expect(await refusal(scale(1, 2))).toBeNull();
  });
  it.each([
    [/\/nodes/, 403, null],
    [/\/pods/, 403, null],
    [/\/configmaps/, 403, null],
    [/\/nodes/, 500, "API_OUTCOME_UNKNOWN"],
  ] as const)(
    "with %s answered by %i: who may not look leaves it to the scheduler, else it is asked again",
    async (path, code, expected) => {
      await deployed(3, "5");
      simulation.cluster.faults.add({
        method: "GET",
        path,
        times: Infinity,
        fault: { kind: "status", code },
      });
      expect((await refusal(scale(3, 10)))?.code ?? null).toBe(expected);
    },
  );
});
