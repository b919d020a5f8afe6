import { describe, expect, it } from "vitest";
import { rolloutOf } from "../../src/actions/rollout.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";

const workload = (kind: string, spec: object, status: object, generation = 2): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "api", uid: "u", resourceVersion: "1", generation },
  spec: { ...spec },
  status: { observedGeneration: 2, ...status },
});
const deployment = (status: object, generation = 2) =>
  workload("Deployment", { replicas: 3 }, status, generation);

describe("the rollout of a Deployment", () => {
  it("is complete when all pods are new and available", () => {
    const status = { replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
    expect(rolloutOf(deployment(status))).toMatchObject({ complete: true, rolledOut: true, missing: "" });
  });

  it.each([
    [
      "has not seen the newest spec",
      deployment({ replicas: 3, updatedReplicas: 3, availableReplicas: 3 }, 3),
    ],
    [
      "1 of 3 pods are of the newest revision",
      deployment({ replicas: 4, updatedReplicas: 1, availableReplicas: 3 }),
    ],
    ["1 pods of an older revision", deployment({ replicas: 4, updatedReplicas: 3, availableReplicas: 3 })],
  ])("is under way: %s", (words, object) => {
    const rollout = rolloutOf(object);
    expect(rollout).toMatchObject({ complete: false, rolledOut: false });
    expect(rollout.missing).toContain(words);
  });

  it("is over, but not complete, when its new pods crash", () => {
    const status = { replicas: 3, updatedReplicas: 3, availableReplicas: 1 };
    expect(rolloutOf(deployment(status))).toMatchObject({
      rolledOut: true,
      complete: false,
      missing: "1 of 3 pods are available",
    });
  });

  it("is complete without pods when it is scaled to zero", () => {
    expect(rolloutOf(workload("Deployment", { replicas: 0 }, {})).complete).toBe(true);
  });
});

describe("the rollout of other workloads", () => {
  it("knows a StatefulSet that has no update under way", () => {
    const status = { replicas: 2, readyReplicas: 2, currentRevision: "a", updateRevision: "a" };
    expect(rolloutOf(workload("StatefulSet", { replicas: 2 }, status)).complete).toBe(true);
    const updating = { ...status, updateRevision: "b", updatedReplicas: 1 };
    expect(rolloutOf(workload("StatefulSet", { replicas: 2 }, updating)).complete).toBe(false);
  });

  it("counts a DaemonSet's pods by its nodes", () => {
    const status = { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 };
    expect(rolloutOf(workload("DaemonSet", {}, status))).toMatchObject({ complete: false, desired: 3 });
    expect(rolloutOf(workload("DaemonSet", {}, { ...status, numberAvailable: 3 })).complete).toBe(true);
  });

  it("asks nothing of what has no rollout", () => {
    expect(rolloutOf(workload("Job", {}, {}, 9)).complete).toBe(true);
  });
});
