// What the actions that change much do beyond the contract: more resources, patches, and what is left to autoscalers.
import { beforeEach, describe, expect, it } from "vitest";
import type { ActionInput } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { JsonObject } from "../../src/domain/json.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";
import { done, made, planned as plannedOn, problemOf, takenBack } from "./planned-changes.ts";

export function largeChanges(cluster: () => GivenCluster): void {
  let count = 0;
  let name = "";
  beforeEach(() => {
    count += 1;
    name = `large-${count}`;
  });

  const planned = (type: string, written: ActionInput, target: KubernetesObject | null) =>
    plannedOn(cluster(), type, written, target);
  const deployment = () => cluster().ref("Deployment", name);
  const containersOf = (object: KubernetesObject) =>
    (object.spec!.template as { spec: { containers: { name: string; resources: unknown }[] } }).spec
      .containers;

  const container = (which: string, resources: JsonObject) => ({
    name: which,
    image: "example.test/app:1.0.0",
    resources,
  });

  const sized = (...containers: readonly object[]) => cluster().deployed(name, 1, containers);

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

    it("is not scaled beside a ScaledObject of KEDA either, which may have no autoscaler at the moment", async () => {
      const given = cluster();
      const { namespace, subject } = given;
      const target = await given.deployed(name, 1);
      const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
      await subject.admin("POST", definitions, {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "scaledobjects.keda.sh" },
        spec: {
          group: "keda.sh",
          scope: "Namespaced",
          names: { kind: "ScaledObject", plural: "scaledobjects", singular: "scaledobject" },
          versions: [{ name: "v1alpha1", served: true, storage: true, schema: { openAPIV3Schema } }],
        },
      });
      const path = `/apis/keda.sh/v1alpha1/namespaces/${namespace}/scaledobjects`;
      await eventually("the ScaledObject is there", async () => {
        const answer = await subject.admin("POST", path, {
          apiVersion: "keda.sh/v1alpha1",
          kind: "ScaledObject",
          metadata: { name: "by-queue" },
          spec: { scaleTargetRef: { name }, maxReplicaCount: 8 },
        });
        return answer.code === 201;
      });
      try {
        expect(await problemOf(planned("scale_deployment", { replicas: 3 }, target))).toMatchObject({
          code: "PRECONDITION_FAILED",
          message: expect.stringMatching(/ScaledObject \S+\/by-queue decides .* \(0 to 8\)/),
        });
      } finally {
        await subject.admin("DELETE", `${definitions}/scaledobjects.keda.sh`);
      }
    });
  });
}
