// What the actions that change much do beyond the contract: more resources, patches, drains, and what is left to autoscalers.
import { Ajv } from "ajv";
import { beforeEach, describe, expect, it } from "vitest";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { JsonObject } from "../../src/domain/json.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";
import { toProblem } from "../../src/domain/problem.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";

export function largeChanges(cluster: () => GivenCluster): void {
  let count = 0;
  let name = "";
  beforeEach(() => {
    count += 1;
    name = `large-${count}`;
  });

  interface Planned {
    readonly action: ChangeAction;
    readonly input: ActionInput;
    readonly context: ActionContext;
    readonly tools: ActionTools;
  }

  async function planned(
    type: string,
    written: ActionInput,
    target: KubernetesObject | null,
  ): Promise<Planned> {
    const action = findAction(type) as ChangeAction;
    const context = cluster().context(`${type}-${count}`, target);
    const tools = await cluster().toolsOf(action);
    const input = (await action.resolve?.(written, context, tools)) ?? written;
    return { action, input, context, tools };
  }

  /** Prepared anew when a controller wrote in between, as the engine does. */
  async function made({ action, input, context, tools }: Planned): Promise<Effect> {
    for (let tries = 1; ; tries += 1) {
      const effect = await action.prepare(input, context, tools);
      try {
        await effects.apply(effect, context, tools);
        return effect;
      } catch (error) {
        if (tries === 20 || toProblem(error).code !== "API_CONFLICT") throw error;
      }
    }
  }

  async function done(plan: Planned): Promise<JsonObject> {
    const output = await plan.action.settle(plan.input, await made(plan), plan.context, plan.tools);
    const validate = new Ajv({ allowUnionTypes: true }).compile(plan.action.output);
    expect(validate(output), JSON.stringify([output, validate.errors])).toBe(true);
    return output;
  }

  async function takenBack({ context, tools }: Planned, effect: Effect): Promise<void> {
    const undo = { ...context, effectKey: `${context.effectKey}/undo` };
    for (let tries = 1; ; tries += 1) {
      const restore = await effects.prepareRestore(effect, undo, tools);
      if (restore === null) throw new Error("there is nothing to restore");
      try {
        return await effects.apply(restore, undo, tools);
      } catch (error) {
        if (tries === 20 || toProblem(error).code !== "API_CONFLICT") throw error;
      }
    }
  }

  const problemOf = (work: Promise<unknown>) => work.then(() => null, toProblem);
  const deployment = () => cluster().ref("Deployment", name);
  const containersOf = (object: KubernetesObject) =>
    (object.spec?.template as { spec: { containers: { name: string; resources: unknown }[] } }).spec
      .containers;

  const container = (which: string, resources: JsonObject) => ({
    name: which,
    image: "example.test/app:1.0.0",
    resources,
  });

  async function sized(...containers: readonly object[]): Promise<KubernetesObject> {
    const given = cluster();
    await given.deployed(name, 1);
    await given.changeAs("kubectl", deployment(), { spec: { template: { spec: { containers } } } });
    return given.read(deployment());
  }

  describe("increase_resources", () => {
    const both = { requests: { memory: "64Mi", cpu: "100m" }, limits: { memory: "128Mi" } };

    it("doubles the limit, keeps the request's share of it, leaves alone what was not asked for", async () => {
      const target = await sized(container("app", both), container("side", {}));
      const plan = await planned("increase_resources", { memory: { factor: 2, max: "4Gi" } }, target);
      expect(plan.input).toMatchObject({
        kind: "Deployment",
        workload: name,
        containers: { app: { requests: { memory: "128Mi" }, limits: { memory: "256Mi" } } },
      });
      expect(plan.action.preview(plan.input)).toBe(
        `give deployment ${cluster().namespace}/${name} app to memory request 128Mi, memory limit 256Mi`,
      );
      await done(plan);
      const [app, side] = containersOf(await cluster().read(deployment()));
      expect(app?.resources).toEqual({
        requests: { memory: "128Mi", cpu: "100m" },
        limits: { memory: "256Mi" },
      });
      expect(side?.resources).toEqual({});
    });

    it("is at its maximum and says so", async () => {
      const target = await sized(container("app", both));
      const refused = await problemOf(
        planned("increase_resources", { memory: { add: "1Gi", max: "128Mi" } }, target),
      );
      expect(refused).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining("memory of app is 128Mi already and may have at most 128Mi"),
      });
    });

    it("never lowers what somebody has given more since the plan", async () => {
      const target = await sized(container("app", both));
      const plan = await planned("increase_resources", { memory: "256Mi" }, target);
      const more = { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } };
      const containers = [container("app", more)];
      await cluster().changeAs("ana", deployment(), { spec: { template: { spec: { containers } } } });
      const refused = await problemOf(plan.action.prepare(plan.input, plan.context, plan.tools));
      expect(refused).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining("is 1Gi by now"),
      });
    });

    it("keeps within the LimitRange of the namespace", async () => {
      const given = cluster();
      const path = `/api/v1/namespaces/${given.namespace}/limitranges`;
      const target = await sized(container("app", both));
      const limits = [{ type: "Container", max: { memory: "192Mi" } }];
      await given.subject.admin("POST", path, {
        apiVersion: "v1",
        kind: "LimitRange",
        metadata: { name: "small" },
        spec: { limits },
      });
      try {
        const plan = await planned("increase_resources", { memory: { factor: 2 } }, target);
        expect(plan.input.containers).toEqual({
          app: { requests: { memory: "96Mi" }, limits: { memory: "192Mi" } },
        });
        const whole = await problemOf(planned("increase_resources", { memory: "1Gi" }, target));
        expect(whole).toMatchObject({
          code: "PRECONDITION_FAILED",
          message: expect.stringContaining("at most 192Mi (LimitRange small)"),
        });
      } finally {
        await given.subject.admin("DELETE", `${path}/small`);
      }
    });

    it("sets no limit where there is none", async () => {
      const target = await sized(container("app", {}));
      const refused = await problemOf(planned("increase_resources", { cpu: "2" }, target));
      expect(refused).toMatchObject({
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining("cpu of app has neither request nor limit"),
      });
    });
  });

  describe("patch_resource", () => {
    it("writes what it names, and gives back what is still its own when somebody has changed the rest", async () => {
      const given = cluster();
      const target = await given.deployed(name, 1);
      const patch = { spec: { minReadySeconds: 1, revisionHistoryLimit: 3 } };
      const plan = await planned("patch_resource", { patch }, target);
      const effect = await made(plan);
      await given.changeAs("ana", deployment(), { spec: { minReadySeconds: 7 } });

      await takenBack(plan, effect);
      const after = await given.read(deployment());
      expect(after.spec).toMatchObject({ minReadySeconds: 7, revisionHistoryLimit: 10 });
      const rest = await problemOf(effects.prepareRestore(effect, plan.context, plan.tools));
      expect(rest).toMatchObject({
        code: "FIELD_CHANGED_SINCE",
        details: { field: "/spec/minReadySeconds", found: 7, expected: 1, manager: "ana" },
      });
    });

    it("tells the fields later although the server respelt and completed them", async () => {
      const given = cluster();
      const target = await sized(container("app", { limits: { memory: "64Mi" } }));
      const containers = [container("app", { limits: { memory: "2048Mi", cpu: "0.5" } })];
      const patch = { spec: { template: { spec: { containers } } } };
      const plan = await planned("patch_resource", { patch }, target);
      const effect = await made(plan);
      expect(JSON.stringify(effect)).not.toContain("terminationMessagePath");
      await takenBack(plan, effect);
      expect(containersOf(await given.read(deployment()))[0]?.resources).toEqual({
        limits: { memory: "64Mi" },
      });
    });

    it.each([
      ["its name", { metadata: { name: "other" } }, "/metadata/name"],
      ["its finalizers", { metadata: { finalizers: [] } }, "/metadata/finalizers"],
      ["its owners", { metadata: { ownerReferences: null } }, "/metadata/ownerReferences"],
      ["its status", { status: { replicas: 3 } }, "/status"],
      ["all its labels at once", { metadata: { labels: null } }, "/metadata/labels"],
      [
        "gitmend's own marks",
        { metadata: { annotations: { "gitmend.dev/effect": "x" } } },
        "/metadata/annotations/gitmend.dev~1effect",
      ],
      ["what it is", { kind: "Secret" }, "/kind"],
    ])("refuses to write %s", async (_, patch, field) => {
      const target = await cluster().deployed(name, 1);
      const refused = await problemOf(planned("patch_resource", { patch }, target));
      expect(refused).toMatchObject({ code: "PARAMETER_INVALID", message: expect.stringContaining(field) });
    });

    it("refuses kinds that grant rights or hold secrets, and fields that the server does not know", async () => {
      const target = await cluster().deployed(name, 1);
      const secret = { kind: "Secret", name: "db", patch: { data: { a: "b" } } };
      expect(await problemOf(planned("patch_resource", secret, target))).toMatchObject({
        code: "PARAMETER_INVALID",
      });
      // The simulated cluster keeps every field that it is given.
      if (cluster().subject.simulated !== null) return;
      const plan = await planned("patch_resource", { patch: { spec: { replicaz: 3 } } }, target);
      const unknown = await problemOf(plan.action.prepare(plan.input, plan.context, plan.tools));
      expect(unknown).toMatchObject({
        code: "API_INVALID",
        message: expect.stringContaining("/spec/replicaz"),
      });
    });

    it("writes a ConfigMap, and takes away what it added", async () => {
      const given = cluster();
      const { namespace, subject } = given;
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const data = { level: "info" };
      await subject.admin("POST", path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });
      const patch = { data: { level: "debug", more: "yes" } };
      const plan = await planned("patch_resource", { kind: "ConfigMap", namespace, name, patch }, null);
      const effect = await made(plan);
      const read = async () =>
        ((await subject.admin("GET", `${path}/${name}`)).body as KubernetesObject).data;
      expect(await read()).toEqual(patch.data);
      await takenBack(plan, effect);
      expect(await read()).toEqual(data);
    });
  });

  describe("a Deployment that an autoscaler scales", () => {
    it("is not scaled beside it", async () => {
      const given = cluster();
      const { namespace, subject } = given;
      const target = await given.deployed(name, 1);
      const path = `/apis/autoscaling/v1/namespaces/${namespace}/horizontalpodautoscalers`;
      await subject.admin("POST", path, {
        apiVersion: "autoscaling/v1",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "busy" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
          minReplicas: 1,
          maxReplicas: 6,
        },
      });
      const refusal = {
        code: "PRECONDITION_FAILED",
        message: expect.stringContaining(`HorizontalPodAutoscaler ${namespace}/busy decides`),
      };
      expect(await problemOf(planned("scale_deployment", { replicas: 3 }, target))).toMatchObject(refusal);
      const plan = await planned("patch_resource", { patch: { spec: { replicas: 3 } } }, target);
      expect(await problemOf(plan.action.prepare(plan.input, plan.context, plan.tools))).toMatchObject(
        refusal,
      );
      await subject.admin("DELETE", `${path}/busy`);
      await expect(planned("scale_deployment", { replicas: 3 }, target)).resolves.toBeDefined();
    });
  });

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
          /pods are still on node node-2; disruption budgets hold back .*large-/,
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
}
