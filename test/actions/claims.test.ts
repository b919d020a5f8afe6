// Which claim of a StatefulSet may be made anew. Whatever could hold data, or could still bind, stays.
import { describe, expect, it } from "vitest";
import { claimsOf, whyKept } from "../../src/actions/claims.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";

const object = (kind: string, name: string, more: object = {}): KubernetesObject =>
  ({
    apiVersion: "v1",
    kind,
    metadata: { name, namespace: "shop", uid: `uid-${name}`, resourceVersion: "1" },
    ...more,
  }) as KubernetesObject;
const set = (storageClassName: string | null = "fast", spec: object = {}) =>
  object("StatefulSet", "db", {
    spec: {
      replicas: 2,
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { storageClassName } }],
      ...spec,
    },
  });
const claim = (name: string, spec: object = {}, metadata: object = {}, phase = "Pending") => {
  const made = object("PersistentVolumeClaim", name, {
    spec: { storageClassName: "fsat", ...spec },
    status: { phase },
  });
  return { ...made, metadata: { ...made.metadata, ...metadata } };
};
const fast = object("StorageClass", "fast");
const fallback = {
  ...object("StorageClass", "slow"),
  metadata: {
    ...object("StorageClass", "slow").metadata,
    annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
  },
};
const volume = (name: string, spec: object) => object("PersistentVolume", name, { spec });
const storage = { classes: [fast], volumes: [] as KubernetesObject[] };
const stuck = claim("data-db-1");

describe("a claim that never bound", () => {
  it("may be made anew when its class is not there and its template's is", () => {
    expect(whyKept(stuck, set(), storage)).toBeNull();
    expect(whyKept(stuck, set(null), { ...storage, classes: [fallback] })).toBeNull();
  });

  it.each([
    ["it is bound", claim("data-db-1", { volumeName: "pv-7" }), "it is bound to volume pv-7"],
    ["it has lost its volume", claim("data-db-1", {}, {}, "Lost"), 'it is "Lost"'],
    [
      "it was bound once",
      claim("data-db-1", {}, { annotations: { "pv.kubernetes.io/bind-completed": "yes" } }),
      "it is being bound, or was: pv.kubernetes.io/bind-completed",
    ],
    [
      "a volume is being made for it",
      claim("data-db-1", {}, { annotations: { "volume.kubernetes.io/selected-node": "node-1" } }),
      "it is being bound, or was: volume.kubernetes.io/selected-node",
    ],
    [
      "somebody deletes it",
      claim("data-db-1", {}, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
      "it is being deleted already",
    ],
    [
      "its class is there",
      claim("data-db-1", { storageClassName: "fast" }),
      "its class fast exists: it waits for something else",
    ],
    [
      "it waits for a volume that somebody makes",
      claim("data-db-1", { storageClassName: "" }),
      "it names no class, and waits for a volume",
    ],
    ["it is another's", claim("data-other-1"), "the StatefulSet would not make it anew"],
    [
      "it is of another namespace",
      claim("data-db-1", {}, { namespace: "till" }),
      "the StatefulSet would not make it anew",
    ],
    ["its pod was scaled away", claim("data-db-2"), "the StatefulSet would not make it anew"],
    ["its name only looks like one", claim("data-db-01"), "the StatefulSet would not make it anew"],
  ])("stays when %s", (_, one, why) => {
    expect(whyKept(one, set(), storage)).toBe(why);
  });

  it("stays while a volume of the old claim may hold its data, or one could still bind", () => {
    const released = volume("pv-old", { claimRef: { namespace: "shop", name: "data-db-1", uid: "another" } });
    expect(whyKept(stuck, set(), { ...storage, volumes: [released] })).toBe(
      "volume pv-old was bound to a claim of this name and may hold its data",
    );
    const free = volume("pv-free", { storageClassName: "fsat" });
    expect(whyKept(stuck, set(), { ...storage, volumes: [free] })).toBe(
      "volume pv-free is of its class fsat: they may bind",
    );
    const others = volume("pv-other", {
      storageClassName: "fast",
      claimRef: { namespace: "till", name: "data-db-1" },
    });
    expect(whyKept(stuck, set(), { ...storage, volumes: [others] })).toBeNull();
  });

  it("stays when its template would make one that is no better", () => {
    expect(whyKept(stuck, set("fsat"), storage)).toBe(
      'its template names class "fsat", which does not exist either',
    );
    expect(whyKept(stuck, set(null), storage)).toBe(
      "its template names no class, and there is no default one",
    );
  });
});

describe("the claims of a StatefulSet", () => {
  it("are those that its pods use", () => {
    const ordinals = set("fast", { ordinals: { start: 5 }, replicas: 2 });
    const names = (all: readonly KubernetesObject[]) => all.map(({ metadata }) => metadata.name);
    const claims = ["data-db-0", "data-db-5", "data-db-6", "data-db-7", "wal-db-5", "data-db"].map((name) =>
      claim(name),
    );
    expect(names(claimsOf(ordinals, claims))).toEqual(["data-db-5", "data-db-6"]);
    expect(names(claimsOf(object("StatefulSet", "db", { spec: { replicas: 1 } }), claims))).toEqual([]);
  });
});
