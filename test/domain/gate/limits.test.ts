// What an execution counts in, and when a limit is reached.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AppliedLimit,
  everyKey,
  keysOf,
  limitReached,
  usageOf,
} from "../../../src/domain/gate/limits.ts";
import { plan, step } from "../../support/given.ts";

const object = (namespace: string | null, name: string) => ({
  cluster: "prod-eu",
  apiVersion: "v1",
  kind: namespace === null ? "Node" : "Pod",
  namespace,
  name,
});
const drain = plan([step("drain")], {
  target: { ...object(null, "node-1"), uid: "u" },
  touches: {
    clusters: ["prod-eu"],
    namespaces: ["shop", "pay"],
    objects: [object(null, "node-1"), object("shop", "a"), object("shop", "b"), object("pay", "c")],
    actions: ["drain_node"],
  },
});
const limit = (parts: Partial<AppliedLimit>): AppliedLimit => ({
  rule: "p/l",
  scope: "namespace",
  running: null,
  starts: null,
  perSeconds: 600,
  keys: ["namespace/prod-eu/shop", "namespace/prod-eu/pay"],
  ...parts,
});

describe("a drain", () => {
  it("counts in every namespace whose pods it evicts, and in its cluster, target, template and all", () => {
    expect(everyKey(drain)).toEqual([
      "global",
      "cluster/prod-eu",
      "namespace/prod-eu/shop",
      "namespace/prod-eu/pay",
      "target/prod-eu//Node//node-1",
      `template/${drain.template.name}`,
    ]);
  });

  it("meets the fullest of its namespaces", () => {
    const counts = new Map([
      ["global", { running: 9, starts: 20 }],
      ["namespace/prod-eu/shop", { running: 1, starts: 7 }],
      ["namespace/prod-eu/pay", { running: 4, starts: 2 }],
    ]);
    expect(usageOf(drain, counts)).toMatchObject({
      global: { running: 9, starts: 20 },
      namespace: { running: 4, starts: 7 },
      target: { running: 0, starts: 0 },
    });
  });
});

describe("a limit", () => {
  it("is reached when as many as it allows are under way in one of the places", () => {
    const counts = new Map([["namespace/prod-eu/pay", { running: 2, starts: 0 }]]);
    expect(limitReached(limit({ running: 3 }), counts)).toBeNull();
    expect(limitReached(limit({ running: 2 }), counts)).toBe(
      "2 are under way in namespace/prod-eu/pay, at most 2 may be",
    );
  });

  it("counts starts within its time", () => {
    const counts = new Map([["namespace/prod-eu/shop", { running: 0, starts: 5 }]]);
    expect(limitReached(limit({ starts: 5 }), counts)).toBe(
      "5 were started in namespace/prod-eu/shop within 10m, at most 5 may be",
    );
    expect(limitReached(limit({ starts: 6, running: 1 }), counts)).toBeNull();
  });

  it("without a place to count in is never reached", () => {
    expect(keysOf("target", { ...drain, target: null })).toEqual([]);
    expect(limitReached(limit({ keys: [], running: 1 }), new Map())).toBeNull();
  });

  it("never lets more pass than it allows (property)", () => {
    const count = fc.record({ running: fc.nat(20), starts: fc.nat(20) });
    const allowed = fc.option(fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(count, count, allowed, allowed, (shop, pay, running, starts) => {
        const counts = new Map([
          ["namespace/prod-eu/shop", shop],
          ["namespace/prod-eu/pay", pay],
        ]);
        const passes = limitReached(limit({ running, starts }), counts) === null;
        const fits = [shop, pay].every(
          (here) =>
            (running === null || here.running + 1 <= running) &&
            (starts === null || here.starts + 1 <= starts),
        );
        expect(passes).toBe(fits);
      }),
    );
  });
});
