// The safety rules, on a simulated cluster over HTTP: what a step would do, and whether it may.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ActionTools } from "../../../src/actions/action.ts";
import { type ClusterConnection, connectCluster } from "../../../src/adapters/kubernetes/cluster-api.ts";
import { missingAccessOf } from "../../../src/adapters/kubernetes/missing-access.ts";
import { assertMayHappen } from "../../../src/controller/checks/check-step.ts";
import { readTouched } from "../../../src/controller/protection.ts";
import type { DeleteEffect, Effect, PatchEffect } from "../../../src/domain/planning/effect.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import {
  type RunningSimulation,
  startSimulatedCluster,
} from "../../../src/simulation/start-simulated-cluster.ts";

const apps = {
  cluster: "prod-eu",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
};
const patch = (changes: PatchEffect["changes"]): PatchEffect => ({
  kind: "patch",
  object: apps,
  uid: "u1",
  resourceVersion: "1",
  changes,
  missingParents: [],
});
const scale = (before: number, after: number) => patch([{ pointer: "/spec/replicas", before, after }]);

describe("what no step may do", () => {
  let simulation: RunningSimulation;
  let connection: ClusterConnection;
  beforeAll(async () => {
    simulation = await startSimulatedCluster({ timing: { crashBackoffMaxSeconds: 1 } });
    connection = connectCluster({ name: "prod-eu", kubeconfigText: simulation.kubeconfig });
  });
  afterEach(() => simulation.cluster.faults.clear());
  afterAll(async () => {
    await connection.close();
    await simulation.stop();
  });

  async function check(effect: Effect): Promise<void> {
    const signal = AbortSignal.timeout(20_000);
    const tools = { signal, cluster: () => connection.api(signal) } as unknown as ActionTools;
    const found =
      effect.kind === "patch" || effect.kind === "delete" ? await readTouched([effect.object], tools) : [];
    await assertMayHappen(
      { effect, found, tools },
      { mostReplicaChange: 20, missingAccess: missingAccessOf(() => connection.mayDo) },
    );
  }

  async function deployed(name: string, replicas: number): Promise<readonly string[]> {
    simulation.cluster.deploy({ namespace: "shop", name, replicas });
    await simulation.cluster.until(`${name} is ready`, (now) => now.deployment("shop", name).healthy);
    return podsOf(name);
  }
  const podsOf = (name: string) =>
    simulation.cluster
      .pods("shop")
      .filter(({ metadata }) => metadata.labels?.["app"] === name && metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  const deletion = (name: string): DeleteEffect => ({
    kind: "delete",
    object: { cluster: "prod-eu", apiVersion: "v1", kind: "Pod", namespace: "shop", name },
    uid: "u1",
    resourceVersion: "1",
    gracePeriodSeconds: null,
  });
  const budget = (name: string, app: string, spec: object) =>
    simulation.cluster.apply({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { namespace: "shop", name },
      spec: { selector: { matchLabels: { app } }, ...spec },
    });

  const allows = (name: string, disruptions: number) =>
    simulation.cluster.until(`${name} allows ${disruptions}`, (now) => {
      const found = now.get("poddisruptionbudgets", "shop", name) as unknown as {
        status?: { disruptionsAllowed: number };
      };
      return found.status?.disruptionsAllowed === disruptions;
    });

  it("refuses to change the replicas by more than the limit, up and down, and says the numbers", async () => {
    await expect(check(scale(3, 24))).rejects.toMatchObject({
      code: "REPLICA_CHANGE_TOO_LARGE",
      retryable: false,
      message: expect.stringMatching(
        /from 3 to 24 replicas, a change of 21: .* at most 20 \(limits\.replica_change/,
      ),
    });
    await expect(check(scale(40, 19))).rejects.toMatchObject({ code: "REPLICA_CHANGE_TOO_LARGE" });
    await expect(
      check(patch([{ pointer: "/spec", before: { replicas: 2 }, after: { replicas: 30 } }])),
    ).rejects.toMatchObject({ code: "REPLICA_CHANGE_TOO_LARGE" });
    await expect(check(patch([{ pointer: "/spec/replicas", before: 30 }]))).rejects.toMatchObject({
      code: "REPLICA_CHANGE_TOO_LARGE",
    });
    await expect(check(scale(3, 23))).resolves.toBeUndefined();
  });
  it("keeps the only ready pod of a workload, and lets it go once there is another", async () => {
    const [only = ""] = await deployed("single", 1);
    await expect(check(deletion(only))).rejects.toMatchObject({
      code: "LAST_READY_REPLICA",
      retryable: true,
      message: expect.stringContaining(`${only} is the last ready pod of its owner`),
    });
    await deployed("single", 2);
    await expect(check(deletion(only))).resolves.toBeUndefined();
  });
  it("lets a pod go that is not ready, even when no other is", async () => {
    await deployed("broken", 1);
    simulation.cluster.breakDeployment("shop", "broken", "image");
    await simulation.cluster.until("it hangs", () => podsOf("broken").length === 2);
    const [ready = "", hanging = ""] = podsOf("broken");
    await expect(check(deletion(hanging))).resolves.toBeUndefined();
    // Two ReplicaSets, one Deployment: the old one's pod is all that serves.
    await expect(check(deletion(ready))).rejects.toMatchObject({ code: "LAST_READY_REPLICA" });
  });
  it("scales nothing to 0 that serves, and deletes no workload that does", async () => {
    await deployed("api", 2);
    const stopped = {
      code: "LAST_READY_REPLICA",
      message: expect.stringContaining("serves with 2 ready pods"),
    };
    await expect(check(scale(2, 0))).rejects.toMatchObject(stopped);
    await expect(check({ ...deletion("api"), object: apps })).rejects.toMatchObject(stopped);
    await expect(check(scale(2, 1))).resolves.toBeUndefined();
  });
  it("scales to 0 what serves nobody", async () => {
    const command = ["sh", "-c", "exit 1"];
    simulation.cluster.deploy({ namespace: "shop", name: "dead", replicas: 1, command });
    await simulation.cluster.until("it has crashed", (now) => now.deployment("shop", "dead").restarts > 0);
    const effect = { ...scale(1, 0), object: { ...apps, name: "dead" } };
    await expect(check(effect)).resolves.toBeUndefined();
  });
  it("waits for a disruption budget, and does not ask it about a pod that is not ready", async () => {
    const [first = ""] = await deployed("guarded", 2);
    budget("guarded", "guarded", { minAvailable: 2 });
    budget("others", "somebody-else", { maxUnavailable: 0 });
    await allows("guarded", 0);
    await expect(check(deletion(first))).rejects.toMatchObject({
      code: "DISRUPTION_NOT_ALLOWED",
      retryable: true,
      details: { retryAfterSeconds: 10 },
      message: expect.stringContaining("PodDisruptionBudget shop/guarded does not allow"),
    });
    budget("guarded", "guarded", { minAvailable: 1 });
    await allows("guarded", 1);
    await expect(check(deletion(first))).resolves.toBeUndefined();
  });
  it("leaves the last ready pod alone, however many a budget lets go", async () => {
    const [first = "", second = ""] = await deployed("loose", 2);
    budget("loose", "loose", { maxUnavailable: "100%" });
    await allows("loose", 2);
    await expect(check(deletion(first))).resolves.toBeUndefined();
    await deployed("loose", 1);
    const [only = ""] = podsOf("loose");
    expect([first, second]).toContain(only);
    await expect(check(deletion(only))).rejects.toMatchObject({ code: "LAST_READY_REPLICA" });
  });
  it.each([
    ["wants all of them (minAvailable 100%)", { minAvailable: "100%" }, 0],
    ["lets none go (maxUnavailable 0%)", { maxUnavailable: "0%" }, 0],
    ["wants more than there are", { minAvailable: 5 }, 0],
    ["lets a share go, rounded up as Kubernetes does", { maxUnavailable: "34%" }, 2],
  ] as const)("counts a budget that %s", async (_what, spec, room) => {
    const app = `counted-${Object.values(spec).join("").replace("%", "")}-${Object.keys(spec).join("").toLowerCase()}`;
    const [first = ""] = await deployed(app, 3);
    budget(app, app, spec);
    await allows(app, room);
    const code = await check(deletion(first)).then(
      () => null,
      (error: unknown) => toProblem(error).code,
    );
    expect(code).toBe(room === 0 ? "DISRUPTION_NOT_ALLOWED" : null);
  });
  it("asks every budget of the pod: the one that has nothing left is named", async () => {
    const [first = ""] = await deployed("twice", 2);
    budget("twice-loose", "twice", { maxUnavailable: "100%" });
    budget("twice-strict", "twice", { minAvailable: 2 });
    await allows("twice-loose", 2);
    await allows("twice-strict", 0);
    await expect(check(deletion(first))).rejects.toMatchObject({ details: { budget: "twice-strict" } });
  });
  it("asks no budget about a scale down: Kubernetes does not, and the last one stays all the same", async () => {
    await deployed("api", 3);
    budget("api", "api", { minAvailable: "100%" });
    await allows("api", 0);
    await expect(check(scale(3, 1))).resolves.toBeUndefined();
    await expect(check(scale(3, 0))).rejects.toMatchObject({ code: "LAST_READY_REPLICA" });
  });
  it.each([403, 500] as const)(
    "leaves rights to the write itself when nobody may ask for them (%i)",
    async (code) => {
      const path = /selfsubjectaccessreviews/;
      simulation.cluster.faults.add({ path, times: Infinity, fault: { kind: "status", code } });
      await expect(check(scale(2, 3))).resolves.toBeUndefined();
    },
  );
  it.each([
    [403, "API_FORBIDDEN"],
    [500, "API_OUTCOME_UNKNOWN"],
  ] as const)("deletes nothing when the API server answers %i to what a rule asks", async (code, problem) => {
    const [first = ""] = await deployed(`unseen-${code}`, 2);
    for (const path of [/\/replicasets/, /\/pods\?/, /\/poddisruptionbudgets/]) {
      const fault = simulation.cluster.faults.add({
        method: "GET",
        path,
        times: Infinity,
        fault: { kind: "status", code },
      });
      await expect(check(deletion(first))).rejects.toMatchObject({ code: problem });
      fault.remove();
    }
    await expect(check(deletion(first))).resolves.toBeUndefined();
  });
});
