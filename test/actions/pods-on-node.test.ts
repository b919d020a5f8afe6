import { describe, expect, it } from "vitest";
import { isDrained, refuseUndrainable } from "../../src/actions/pods-on-node.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";

const rules = { ignoreDaemonSets: true, deleteLocalData: false, force: false };

function pod(
  more: Partial<KubernetesObject["metadata"]>,
  spec: object = {},
  phase = "Running",
): KubernetesObject {
  const metadata = { name: "api-0", namespace: "shop", uid: "u", resourceVersion: "1", ...more };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { ...spec }, status: { phase } };
}
const by = (kind: string) => ({
  ownerReferences: [{ apiVersion: "apps/v1", kind, name: "x", uid: "x", controller: true }],
});
const emptyDir = { volumes: [{ name: "data", emptyDir: {} }] };

describe("the pods that a drain moves", () => {
  it.each([
    ["a pod of a ReplicaSet", pod(by("ReplicaSet")), true],
    ["one that has ended", pod(by("Job"), {}, "Succeeded"), true],
    ["a pod of a DaemonSet", pod(by("DaemonSet")), false],
    ["the kubelet's own", pod({ ...by("Node"), annotations: { "kubernetes.io/config.mirror": "h" } }), false],
    ["one on its way out", pod({ ...by("ReplicaSet"), deletionTimestamp: "2026-01-01T00:00:00Z" }), false],
  ])("%s", (_, one, moves) => {
    expect(isDrained(one)).toBe(moves);
    expect(() => refuseUndrainable([one], "node-1", rules)).not.toThrow();
  });

  it.each([
    ["without a controller", pod({}), rules, "has no controller"],
    ["with local data", pod(by("ReplicaSet"), emptyDir), rules, "emptyDir"],
    [
      "of a DaemonSet that may not be left",
      pod(by("DaemonSet")),
      { ...rules, ignoreDaemonSets: false },
      "DaemonSet",
    ],
  ])("does not move one %s", (_, one, strict, words) => {
    expect(() => refuseUndrainable([one], "node-1", strict)).toThrow(
      expect.objectContaining({
        code: "PRECONDITION_FAILED",
        message: expect.stringMatching(new RegExp(`node node-1 cannot be drained: shop/api-0 .*${words}`)),
      }),
    );
  });

  it("moves both when that is asked for, and what has ended in any case", () => {
    const lax = { ...rules, force: true, deleteLocalData: true };
    expect(() => refuseUndrainable([pod({}, emptyDir)], "node-1", lax)).not.toThrow();
    expect(() => refuseUndrainable([pod({}, emptyDir, "Failed")], "node-1", rules)).not.toThrow();
  });

  it("names ten of many reasons", () => {
    const many = Array.from({ length: 12 }, (_, index) => pod({ name: `api-${index}` }));
    expect(() => refuseUndrainable(many, "node-1", rules)).toThrow(/api-9 .*; and 2 more$/);
  });
});
