// Whatever an action asks of a cluster or of an endpoint, beyond the scopes of its plan it gets no answer and nothing is sent.
import { describe, expect, it } from "vitest";
import type { ActionTools, ClusterApi } from "../../src/actions/action.ts";
import type { Clusters } from "../../src/controller/ports.ts";
import { stepTools } from "../../src/controller/step-tools.ts";
import type { Scope } from "../../src/domain/templates/scope.ts";

const verbs: readonly (keyof ClusterApi)[] = [
  "get",
  "list",
  "logs",
  "patch",
  "create",
  "remove",
  "evict",
  "event",
];

function given(...scopes: readonly Partial<Scope>[]) {
  const sent: string[] = [];
  const api = Object.fromEntries(verbs.map((verb) => [verb, async () => void sent.push(verb)]));
  const tools = {
    cluster: () => api,
    http: async () => void sent.push("http"),
  } as unknown as ActionTools;
  const clusters = { tools: () => tools } as unknown as Clusters;
  const whole: Scope = {
    path: "teams/shop",
    namespaces: ["shop", "shop-*"],
    clusters: ["prod-*"],
    actions: ["*"],
    uses: ["shop-ci"],
    maxRisk: "high",
    runAs: null,
  };
  const plan = { scopes: scopes.map((scope) => ({ ...whole, ...scope })) };
  return { sent, tools: stepTools(plan, clusters, AbortSignal.timeout(1000), "id") };
}

const about = (namespace: string | null) => ({ kind: "Pod", namespace, name: "a", pod: "a" });
const call = (tools: ActionTools, verb: keyof ClusterApi, namespace: string | null, cluster = "prod-eu") =>
  (tools.cluster(cluster)[verb] as (ref: object) => Promise<unknown>)(about(namespace));

describe("tools of a plan's own steps", () => {
  it.each(verbs)("%s within its places alone", async (verb) => {
    const { sent, tools } = given({});
    await call(tools, verb, "shop");
    await call(tools, verb, "shop-eu");
    expect(sent).toEqual([verb, verb]);
    for (const [namespace, cluster] of [
      ["payments", "prod-eu"],
      ["shopping", "prod-eu"],
      ["shop", "test"],
    ] as const)
      await expect(call(tools, verb, namespace, cluster)).rejects.toMatchObject({ code: "SCOPE_EXCEEDED" });
    expect(sent).toHaveLength(2);
  });

  it("see nodes and lists across namespaces, and change none of them", async () => {
    const { sent, tools } = given({});
    await call(tools, "get", null);
    await call(tools, "list", null);
    await expect(call(tools, "patch", null)).rejects.toMatchObject({ code: "SCOPE_EXCEEDED" });
    expect(sent).toEqual(["get", "list"]);
    const all = given({ namespaces: ["*"] });
    await call(all.tools, "patch", null);
    expect(all.sent).toEqual(["patch"]);
  });

  it("need all scopes of the plan to allow it", async () => {
    const { sent, tools } = given({ namespaces: ["*"] }, { path: ".", namespaces: ["payments"] });
    await expect(call(tools, "patch", "shop")).rejects.toMatchObject({
      message: "prod-eu/shop/Pod/a is outside of scope . of gitmend.yaml",
    });
    expect(sent).toEqual([]);
  });

  it("send no credential that is not listed", async () => {
    const { sent, tools } = given({});
    const request = (endpoint: string) =>
      tools.http({ endpoint, method: "GET", path: [], query: {}, headers: {}, body: null }, null);
    await request("shop-ci");
    await expect(request("awx")).rejects.toMatchObject({
      code: "SCOPE_EXCEEDED",
      message: "endpoint awx is not listed under secrets of scope teams/shop of gitmend.yaml",
    });
    expect(sent).toEqual(["http"]);
  });

  it("are the ordinary ones without scopes", () => {
    const { sent, tools } = given();
    void call(tools, "patch", "anywhere", "any");
    expect(sent).toEqual(["patch"]);
  });
});
