// Which part of a cluster, a zone, a namespace or a workload a plan takes out, and when that is too large a part.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesObject, ObjectRef } from "../../../src/domain/facts/objects.ts";
import { type CountedPart, keysOfParts, partsOf, shareReached } from "../../../src/domain/gate/shares.ts";

const cluster = "prod-eu";
const ref = (kind: string, name: string, namespace: string | null = null): ObjectRef => ({
  cluster,
  apiVersion: "v1",
  kind,
  namespace,
  name,
});
type Metadata = Partial<KubernetesObject["metadata"]>;
const read = (of: ObjectRef, metadata: Metadata = {}) => ({
  ref: of,
  object: {
    apiVersion: of.apiVersion,
    kind: of.kind,
    metadata: { name: of.name, uid: of.name, resourceVersion: "1", ...metadata },
  },
});
const node = (name: string, zone: string) =>
  read(ref("Node", name), { labels: { "topology.kubernetes.io/zone": zone } });
const pod = (name: string, owner: { kind: string; name: string; apiVersion?: string }, hash = "") =>
  read(ref("Pod", name, "shop"), {
    ...(hash === "" ? {} : { labels: { "pod-template-hash": hash } }),
    ownerReferences: [{ apiVersion: "apps/v1", uid: "u", controller: true, ...owner }],
  });
const shown = (found: Parameters<typeof partsOf>[0]) =>
  Object.fromEntries(partsOf(found).map(({ key, members }) => [key, members]));

describe("a plan takes out", () => {
  it("its nodes, of the cluster and of each zone", () => {
    expect(shown([node("n-1", "a"), node("n-2", "b"), node("n-3", "a")])).toEqual({
      "nodes/prod-eu": ["n-1", "n-2", "n-3"],
      "zone/prod-eu/a": ["n-1", "n-3"],
      "zone/prod-eu/b": ["n-2"],
    });
  });

  it("its pods, of the namespace and of each workload; both ReplicaSets of a rollout are one Deployment", () => {
    const found = [
      pod("api-1-x", { kind: "ReplicaSet", name: "api-1" }, "1"),
      pod("api-2-y", { kind: "ReplicaSet", name: "api-2" }, "2"),
      pod("db-0", { kind: "StatefulSet", name: "db" }),
      pod("own-1", { kind: "ReplicaSet", name: "own" }),
    ];
    expect(shown(found)).toEqual({
      "pods/prod-eu/shop": ["api-1-x", "api-2-y", "db-0", "own-1"],
      "replicas/prod-eu/apps/Deployment/shop/api": ["api-1-x", "api-2-y"],
      "replicas/prod-eu/apps/StatefulSet/shop/db": ["db-0"],
      "replicas/prod-eu/apps/ReplicaSet/shop/own": ["own-1"],
    });
  });

  it("nothing by what is gone, by what is no node or pod, and no zone by a node without one", () => {
    const deployment = { ...ref("Deployment", "api", "shop"), apiVersion: "apps/v1" };
    const found = [
      { ref: ref("Pod", "gone", "shop"), object: null },
      read(deployment),
      read(ref("Namespace", "shop")),
      read(ref("Node", "n-9")),
      read(ref("Pod", "bare", "shop")),
    ];
    expect(shown(found)).toEqual({ "nodes/prod-eu": ["n-9"], "pods/prod-eu/shop": ["bare"] });
  });

  it("each member once, however often it is named", () => {
    const parts = partsOf([node("n-1", "a"), node("n-1", "a")]);
    expect(keysOfParts(parts)).toEqual([
      "nodes/prod-eu",
      "nodes/prod-eu#n-1",
      "zone/prod-eu/a",
      "zone/prod-eu/a#n-1",
    ]);
  });
});

const part = (members: readonly string[], total: number): CountedPart => ({
  scope: "cluster",
  cluster,
  key: "nodes/prod-eu",
  members,
  total,
});
const reached = (share: number, own: CountedPart, before: readonly string[]) =>
  shareReached({ share, perSeconds: 3_600 }, [own], new Map([[own.key, before]]));

describe("a share", () => {
  it.each([
    ["the first of a small cluster passes", 10, 3, ["a"], [], true],
    ["the second of a small cluster does not", 10, 3, ["b"], ["a"], false],
    ["the same node again takes out nothing more", 10, 3, ["a"], ["a"], true],
    ["10% of 25 are 2, not 3", 10, 25, ["c"], ["a", "b"], false],
    ["10% of 30 are 3", 10, 30, ["c"], ["a", "b"], true],
    ["one plan alone may be too much", 20, 10, ["a", "b", "c"], [], false],
    ["all of it, where 100% may be", 100, 3, ["a", "b", "c"], [], true],
    ["one more, where nothing is left to count", 50, 0, ["a"], [], true],
  ] as const)("%s", (_, share, total, members, before, passes) => {
    expect(reached(share, part(members, total), before) === null).toBe(passes);
  });

  it("says the numbers", () => {
    expect(reached(10, part(["b", "c"], 12), ["a"])).toBe(
      "3 of 12 nodes of nodes/prod-eu would have been touched within 1h, 1 of them already; at most 1 (10%) may be",
    );
  });

  it("never takes out more than it allows, but for the first one (property)", () => {
    const names = fc.array(fc.stringMatching(/^n[0-9]$/), { maxLength: 8 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(20), fc.array(names), (share, total, plans) => {
        let out: readonly string[] = [];
        for (const plan of plans) {
          const members = [...new Set(plan)];
          if (reached(share, part(members, total), out) === null) out = [...new Set([...out, ...members])];
        }
        expect(out.length).toBeLessThanOrEqual(Math.max(1, (share * total) / 100));
      }),
    );
  });
});
