// How many pods a change brings at once, and how many are gone by then.
import { describe, expect, it } from "vitest";
import { newPodsOf } from "../../../src/controller/checks/new-pods.ts";
import type { CheckedEffect } from "../../../src/controller/checks/step-check.ts";
import type { Json, JsonObject } from "../../../src/domain/json.ts";

const image = { pointer: "/spec/template/spec/containers/0/image", before: "app:1", after: "app:2" };
const replicas = (before: number, after: number) => ({ pointer: "/spec/replicas", before, after });

function moments(kind: string, spec: JsonObject, change: { pointer: string; before: Json; after: Json }) {
  const metadata = { name: "api", namespace: "shop", uid: "u", resourceVersion: "1", generation: 1 };
  const template = { spec: { containers: [{ name: "app", image: "app:1" }] } };
  const whole = { replicas: 4, selector: { matchLabels: { app: "api" } }, template, ...spec };
  const settled = { observedGeneration: 1, updatedReplicas: 4, availableReplicas: 4, readyReplicas: 4 };
  const status = { ...settled, replicas: 4, desiredNumberScheduled: 5 };
  const ref = { cluster: "test", apiVersion: "apps/v1", kind, namespace: "shop", name: "api" };
  const object = { apiVersion: "apps/v1", kind, metadata, spec: whole, status };
  const effect = { kind: "patch", object: ref, uid: "u", resourceVersion: "1", changes: [change] };
  const checked = { effect: { ...effect, missingParents: [] }, found: [{ ref, object }] };
  return newPodsOf(checked as unknown as CheckedEffect)?.moments ?? [];
}
const rolling = (maxSurge: Json, maxUnavailable: Json) => ({
  strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
});

describe("a rollout of a Deployment", () => {
  it.each([
    ["begins with one on top of all", rolling(1, 0), [{ adds: 1, frees: 0 }]],
    ["begins in the place of those that may be missing", rolling("25%", 2), [{ adds: 1, frees: 2 }]],
    ["that may bring none on top takes one away first", rolling(0, 1), [{ adds: 1, frees: 1 }]],
    ["does so in percent too", rolling("0%", 1), [{ adds: 1, frees: 1 }]],
    ["that recreates has all places at once", { strategy: { type: "Recreate" } }, []],
  ])("%s", (_what, spec, first) => {
    expect(moments("Deployment", spec, image)).toEqual([...first, { adds: 4, frees: 4 }]);
  });

  it("brings nothing while it is paused, or when it has no replicas", () => {
    expect(moments("Deployment", { paused: true }, image)).toEqual([]);
    expect(moments("Deployment", { replicas: 0 }, image)).toEqual([]);
  });
});

describe("another workload", () => {
  const onDelete = { updateStrategy: { type: "OnDelete" } };
  it.each([
    ["StatefulSet", "is replaced in its own places", {}, image, [{ adds: 4, frees: 4 }]],
    ["StatefulSet", "waits for whoever deletes its pods", onDelete, image, []],
    ["StatefulSet", "brings what it grows by", {}, replicas(4, 6), [{ adds: 2, frees: 0 }]],
    ["StatefulSet", "brings nothing when it shrinks", {}, replicas(4, 2), []],
    ["DaemonSet", "is replaced on each of its nodes", {}, image, [{ adds: 5, frees: 5 }]],
    ["DaemonSet", "waits for whoever deletes its pods", onDelete, image, []],
    ["ReplicaSet", "keeps the pods that it has", {}, image, []],
  ] as const)("a %s %s", (kind, _what, spec, change, expected) => {
    expect(moments(kind, spec, change)).toEqual(expected);
  });
});
