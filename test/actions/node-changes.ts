// What is done to nodes, beyond the contract: drains, and patches of labels and taints.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActionInput } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";
import { done, made, planned as plannedOn, problemOf, takenBack } from "./planned-changes.ts";

export function nodeChanges(cluster: () => GivenCluster): void {
  let count = 0;
  let name = "";
  beforeEach(() => {
    count += 1;
    name = `node-change-${count}`;
  });
  const planned = (type: string, written: ActionInput, target: KubernetesObject | null) =>
    plannedOn(cluster(), type, written, target);

  describe("drain_node", () => {
    const node = "node-2";
    beforeEach(async () => {
      const given = cluster();
      await given.empty();
      await given.changeAs("kubectl", given.ref("Node", node), { spec: { unschedulable: null } });
    });
    const uncordoned = () =>
      cluster().changeAs("kubectl", cluster().ref("Node", node), { spec: { unschedulable: null } });
    const pinned = async (podSpec: object) =>
      cluster().subject.admin("POST", `/api/v1/namespaces/${cluster().namespace}/pods`, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: { nodeName: node, containers: [{ name: "app", image: "example.test/app:1.0.0" }], ...podSpec },
      });
    const onNode = async () =>
      (await cluster().podsOf(name))
        .filter(({ spec }) => spec?.nodeName === node)
        .map(({ metadata }) => metadata.name);

    it("names the pods in the plan, evicts each of them, and leaves the node cordoned", async () => {
      const given = cluster();
      const target = await given.deployed(name, 4);
      const before = await onNode();
      expect(before.length).toBeGreaterThan(0);
      const plan = await planned("drain_node", { node, wait_timeout: "60s" }, target);
      const touched = plan.action.objects(plan.input, plan.context);
      expect(touched.map((object) => `${object.kind} ${object.name}`).toSorted()).toEqual(
        [`Node ${node}`, ...before.map((pod) => `Pod ${pod}`)].toSorted(),
      );
      expect(plan.action.preview(plan.input)).toContain(`cordon node ${node} and evict ${before.length} pod`);
      const output = await done(plan);
      expect((output.evicted as string[]).toSorted()).toEqual(
        before.map((pod) => `${given.namespace}/${pod}`).toSorted(),
      );
      expect(await onNode()).toEqual([]);
      expect((await given.read(given.ref("Node", node))).spec?.unschedulable).toBe(true);
      await uncordoned();
    });

    it("goes on where another has stopped, and waits for what a disruption budget holds back", async () => {
      const given = cluster();
      const { subject, namespace } = given;
      const target = await given.deployed(name, 4);
      const plan = await planned("drain_node", { node, wait_timeout: "60s" }, target);
      const effect = await made(plan);
      const served = await subject.admin("GET", "/apis/policy/v1");
      const apiVersion = served.code === 200 ? "policy/v1" : "policy/v1beta1";
      const path = `/apis/${apiVersion}/namespaces/${namespace}/poddisruptionbudgets`;
      await subject.admin("POST", path, {
        apiVersion,
        kind: "PodDisruptionBudget",
        metadata: { name },
        spec: { minAvailable: 4, selector: { matchLabels: { app: name } } },
      });
      await eventually("the budget is counted", async () => {
        const { body } = await subject.admin("GET", `${path}/${name}`);
        return (body as KubernetesObject).status?.currentHealthy === 4;
      });
      const short = { ...plan.input, wait_timeout: "1s" };
      const held = await problemOf(plan.action.settle(short, effect, plan.context, plan.tools));
      expect(held).toMatchObject({
        code: "NOT_HEALTHY",
        message: expect.stringMatching(
          /pods are still on node node-2; disruption budgets hold back .*node-change-/,
        ),
      });
      expect((await onNode()).length).toBeGreaterThan(0);

      await subject.admin("DELETE", `${path}/${name}`);
      // Whoever takes over finds the cordon and settles again.
      await expect(effects.didItHappen(effect, plan.context, plan.tools)).resolves.toBe("yes");
      await plan.action.settle(plan.input, effect, plan.context, plan.tools);
      expect(await onNode()).toEqual([]);
      await uncordoned();
    });

    it("refuses pods that came after the plan, before anything is changed", async () => {
      const given = cluster();
      const target = await given.deployed(name, 4);
      const plan = await planned("drain_node", { node }, target);
      const refusal = {
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining("came after the plan"),
      };
      const [gone] = await onNode();
      await given.subject.admin("DELETE", `/api/v1/namespaces/${given.namespace}/pods/${gone}`);
      await given.changeAs("kubectl", given.ref("Deployment", name), { spec: { replicas: 9 } });
      await eventually("new pods run on the node", async () => {
        const refused = await problemOf(plan.action.prepare(plan.input, plan.context, plan.tools));
        if (refused === null) return false;
        expect(refused).toMatchObject(refusal);
        return true;
      });
      expect((await given.read(given.ref("Node", node))).spec?.unschedulable).toBeUndefined();
    });

    it("refuses a pod that nothing makes again, unless forced", async () => {
      await pinned({});
      const refused = await problemOf(planned("drain_node", { node }, null));
      expect(refused).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringMatching(new RegExp(`${name} has no controller .*\\(force\\)`)),
      });
      const plan = await planned("drain_node", { node, force: true }, null);
      expect(plan.input.pods).toMatchObject([{ name }]);
    });

    it("refuses a pod with data in an emptyDir, unless that may be lost", async () => {
      await pinned({ volumes: [{ name: "data", emptyDir: {} }] });
      const refused = await problemOf(planned("drain_node", { node, force: true }, null));
      expect(refused).toMatchObject({ message: expect.stringContaining("(delete_local_data)") });
      const plan = await planned("drain_node", { node, force: true, delete_local_data: true }, null);
      expect(plan.input.pods).toMatchObject([{ name }]);
    });
  });

  describe("patch_resource of a node", () => {
    it("writes labels and taints of a node, takes them away again, and nothing else of it", async () => {
      const given = cluster();
      const ref = given.ref("Node", "node-1");
      // Whoever cordoned it before: the taint of that is the controller's, and comes and goes with it.
      await given.changeAs("kubectl", ref, { spec: { unschedulable: null } });
      await eventually("it has no taints", async () => (await given.read(ref)).spec?.taints === undefined);
      const target = await given.read(ref);
      const taints = [{ key: "shop.example/slow-disk", value: "yes", effect: "PreferNoSchedule" }];
      const patch = { metadata: { labels: { "shop.example/disk": "slow" } }, spec: { taints } };
      const plan = await planned("patch_resource", { patch }, target);
      expect(plan.input).toMatchObject({ kind: "Node", name: "node-1" });
      expect(plan.input).not.toHaveProperty("namespace");
      expect(plan.action.preview(plan.input)).toMatch(/^write \S+disk, \/spec\/taints of node node-1$/);
      const effect = await made(plan);
      const after = await given.read(ref);
      expect(after.spec?.taints).toMatchObject(taints);
      expect(after.metadata.labels).toMatchObject({ "shop.example/disk": "slow" });
      await takenBack(plan, effect);
      const restored = await given.read(ref);
      expect(restored.spec?.taints).toEqual(target.spec?.taints);
      expect(restored.metadata.labels).toEqual(target.metadata.labels);
      for (const spec of [{ podCIDR: "10.0.0.0/24" }, { providerID: "x", taints }, null]) {
        const refused = await problemOf(planned("patch_resource", { patch: { spec } }, target));
        expect(refused).toMatchObject({
          code: "PARAMETER_INVALID",
          message: expect.stringMatching(/may not write \/spec\S* of a Node/),
        });
      }
    });
  });

  describe("untaint_node", () => {
    const taint = (node: string, taints: readonly object[] | null) =>
      cluster().changeAs("kubectl", cluster().ref("Node", node), { spec: { taints } });
    const maintenance = { key: "maintenance", value: "disk", effect: "NoSchedule" };
    const dedicated = { key: "dedicated", effect: "NoSchedule" };
    const own = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" };
    const on = (input: ActionInput) => planned("untaint_node", input, null);
    afterEach(async () => {
      for (const node of ["node-1", "node-2"]) await taint(node, null);
    });

    it("takes that taint off and leaves the others, and puts it back as it was", async () => {
      await taint("node-1", [dedicated, maintenance]);
      const plan = await on({ node: "node-1", key: "maintenance" });
      const change = await made(plan);
      const node = cluster().ref("Node", "node-1");
      expect((await cluster().read(node)).spec?.["taints"]).toEqual([dedicated]);
      await takenBack(plan, change);
      expect((await cluster().read(node)).spec?.["taints"]).toEqual([dedicated, maintenance]);
    });

    it("finds the node that has it, and says which have it when it cannot choose", async () => {
      await taint("node-1", [maintenance]);
      expect((await on({ key: "maintenance" })).input).toMatchObject({ node: "node-1" });
      await taint("node-2", [{ ...maintenance, effect: "NoExecute" }]);
      expect(await problemOf(on({ key: "maintenance" }))).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining("node-1, node-2"),
      });
      expect((await on({ key: "maintenance", effect: "NoExecute" })).input).toMatchObject({ node: "node-2" });
      expect(await problemOf(on({ key: "nobody-has-it" }))).toMatchObject({ code: "PRECONDITION_FAILED" });
    });

    it.each(["node.kubernetes.io/memory-pressure", "node-role.kubernetes.io/control-plane"])(
      "never takes off what the cluster itself puts there: %s",
      async (key) => {
        await taint("node-1", [{ ...own, key }]);
        expect(await problemOf(on({ node: "node-1", key }))).toMatchObject({ code: "PARAMETER_INVALID" });
      },
    );
  });
}
