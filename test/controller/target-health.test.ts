import { describe, expect, it } from "vitest";
import type { ClusterApi } from "../../src/actions/action.ts";
import { targetHealth } from "../../src/controller/target-health.ts";
import type { KubernetesObject, OwnerReference } from "../../src/domain/facts/objects.ts";

const ref = (kind: string, name: string) => ({
  cluster: "prod-eu",
  apiVersion: kind === "Pod" || kind === "Node" ? "v1" : "apps/v1",
  kind,
  namespace: kind === "Node" ? null : "shop",
  name,
  uid: `uid-${name}`,
});

const object = (
  kind: string,
  name: string,
  rest: Partial<KubernetesObject> = {},
  owner?: string,
): KubernetesObject => {
  const owners: readonly OwnerReference[] =
    owner === undefined
      ? []
      : [{ apiVersion: "apps/v1", kind: "StatefulSet", name: owner, uid: `uid-${owner}`, controller: true }];
  return {
    apiVersion: ref(kind, name).apiVersion,
    kind,
    ...rest,
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      resourceVersion: "1",
      generation: 1,
      ownerReferences: owners,
    },
  };
};

const pod = (name: string, state: { waiting?: string; ready?: boolean; phase?: string } = {}) =>
  object(
    "Pod",
    name,
    {
      status: {
        phase: state.phase ?? "Running",
        conditions: [{ type: "Ready", status: (state.ready ?? true) ? "True" : "False" }],
        containerStatuses: [
          {
            name: "app",
            restartCount: 0,
            state: state.waiting === undefined ? {} : { waiting: { reason: state.waiting } },
          },
        ],
      },
    },
    "db",
  );

const statefulSet = (ready: number) =>
  object("StatefulSet", "db", {
    spec: { replicas: 2, selector: { matchLabels: { app: "db" } } },
    status: {
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: ready,
      currentRevision: "a",
      updateRevision: "a",
    },
  });

const apiOf = (found: KubernetesObject | null, pods: readonly KubernetesObject[] = []): ClusterApi =>
  ({ get: async () => found, list: async () => pods }) as unknown as ClusterApi;
const healthOf = async (found: KubernetesObject, ...pods: readonly KubernetesObject[]) =>
  targetHealth(ref(found.kind, found.metadata.name), apiOf(found, pods));

const readyPod = (name: string, since: string, crashed?: string) =>
  object(
    "Pod",
    name,
    {
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: since }],
        containerStatuses: [
          {
            name: "app",
            state: {},
            ...(crashed === undefined
              ? {}
              : { lastState: { terminated: { exitCode: 1, finishedAt: crashed } } }),
          },
        ],
      },
    },
    "db",
  );

describe("how long a target has been well", () => {
  const [early, late, crash] = [
    "2026-11-17T09:00:00Z",
    "2026-11-17T09:30:00Z",
    "2026-11-17T09:40:00Z",
  ] as const;

  it("counts from the last pod that became ready", async () => {
    const seen = await healthOf(statefulSet(2), readyPod("db-0", late), readyPod("db-1", early));
    expect(seen).toMatchObject({ health: "healthy", since: late });
  });
  it("begins anew with every crash, though the pod became ready before", async () => {
    const seen = await healthOf(statefulSet(2), readyPod("db-0", late), readyPod("db-1", early, crash));
    expect(seen).toMatchObject({ health: "healthy", since: crash });
  });
  it("is not known where one pod does not say", async () => {
    const seen = await healthOf(statefulSet(2), readyPod("db-0", late), pod("db-1"));
    expect(seen).toEqual({ health: "healthy", finding: "prod-eu/shop/sts/db: 2 of 2 pods are ready" });
  });
});

describe("the health of a target", () => {
  it("is good when its rollout is complete and its pods are ready", async () => {
    expect(await healthOf(statefulSet(2), pod("db-0"), pod("db-1"))).toEqual({
      health: "healthy",
      finding: "prod-eu/shop/sts/db: 2 of 2 pods are ready",
    });
  });

  it("is bad when one pod crash-loops, although enough others are ready", async () => {
    const broken = pod("db-1", { waiting: "CrashLoopBackOff", ready: false });
    expect(await healthOf(statefulSet(2), pod("db-0"), broken)).toMatchObject({
      health: "unhealthy",
      finding: expect.stringContaining("db-1: CrashLoopBackOff"),
    });
  });

  it("is not known yet while pods start", async () => {
    const starting = pod("db-1", { waiting: "ContainerCreating", ready: false, phase: "Pending" });
    expect(await healthOf(statefulSet(1), pod("db-0"), starting)).toMatchObject({ health: "settling" });
    expect(await healthOf(starting)).toMatchObject({ health: "settling" });
  });

  it("of a pod is its own", async () => {
    expect(await healthOf(pod("db-0"))).toMatchObject({ health: "healthy" });
    expect(await healthOf(pod("db-0", { ready: false, phase: "Failed" }))).toMatchObject({
      health: "unhealthy",
    });
    expect(await healthOf(pod("db-0", { ready: false, phase: "Succeeded" }))).toMatchObject({
      health: "healthy",
    });
  });

  it("of a node is its condition Ready", async () => {
    const node = (conditions: readonly object[]) => object("Node", "node-1", { status: { conditions } });
    expect(await healthOf(node([{ type: "Ready", status: "True" }]))).toMatchObject({ health: "healthy" });
    expect(
      await healthOf(node([{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }])),
    ).toMatchObject({
      health: "unhealthy",
      finding: "prod-eu/node/node-1 is not Ready: NodeStatusUnknown",
    });
    expect(await healthOf(object("Node", "node-1"))).toMatchObject({ health: "unhealthy" });
  });

  it("cannot be told of what is gone, was made anew, or is neither ill nor well", async () => {
    expect(await targetHealth(ref("Pod", "db-0"), apiOf(null))).toMatchObject({ health: "gone" });
    const other = { ...ref("Pod", "db-0"), uid: "another" };
    expect(await targetHealth(other, apiOf(pod("db-0")))).toMatchObject({ health: "gone" });
    expect(await healthOf(object("ReplicaSet", "api-1"))).toBeNull();
  });
});
