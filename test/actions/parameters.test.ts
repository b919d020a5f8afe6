import { describe, expect, it } from "vitest";
import { absoluteReplicas } from "../../src/actions/kubernetes/scale-deployment.ts";
import { deploymentRef, nodeRef, podRef, type Situation } from "../../src/actions/parameters.ts";
import { selectorText } from "../../src/actions/selector-text.ts";

const target = {
  cluster: "prod",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
  uid: "u",
};
const incident: Situation = { cluster: "prod", target };
const invalid = expect.objectContaining({ code: "PARAMETER_INVALID" });

describe("what an input leaves out", () => {
  it("is the incident's target", () => {
    expect(deploymentRef({}, incident)).toMatchObject({ namespace: "shop", name: "api" });
  });

  it("is the target's namespace for a pod that is named", () => {
    expect(podRef({ pod: "api-0" }, incident)).toMatchObject({ namespace: "shop", name: "api-0" });
  });

  it("is never the target's name in another namespace", () => {
    expect(() => deploymentRef({ namespace: "bank" }, incident)).toThrow(invalid);
  });

  it("is never a target of another kind", () => {
    expect(() => podRef({}, incident)).toThrow(invalid);
    expect(() => nodeRef({}, incident)).toThrow(invalid);
    expect(() => deploymentRef({}, { cluster: "prod", target: null })).toThrow(invalid);
  });
});

describe("a number of replicas", () => {
  it.each([
    [7, 3, 7],
    [{ add: 2 }, 3, 5],
    [{ add: 2, max: 4 }, 3, 4],
    [{ add: -5 }, 3, 0],
    [{ add: -5, min: 1 }, 3, 1],
    [{ factor: 1.5 }, 3, 5],
    [{ factor: 2, max: 1000 }, 800, 1000],
    [{ add: 500 }, 800, 1000],
  ])("%j from %i is %i", (wanted, present, expected) => {
    expect(absoluteReplicas(wanted, present)).toBe(expected);
  });

  it.each([["many"], [{}], [{ add: 1, min: 5, max: 2 }]])("refuses %j", (wanted) => {
    expect(() => absoluteReplicas(wanted, 3)).toThrow(invalid);
  });
});

describe("a label selector", () => {
  it("is written as the API takes it", () => {
    const selector = {
      matchLabels: { app: "api" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["web", "edge"] },
        { key: "old", operator: "DoesNotExist" },
      ],
    };
    expect(selectorText(selector)).toBe("app=api,tier in (web,edge),!old");
  });

  it.each([[undefined], [{}], [{ matchExpressions: [{ key: "a", operator: "Near" }] }]])(
    "never selects everything by mistake: %j",
    (selector) => {
      expect(() => selectorText(selector)).toThrow(invalid);
    },
  );
});
