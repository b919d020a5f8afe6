// What the larger actions rely on in a Kubernetes API server: evictions, requests and limits, autoscalers, custom resources.
// Part of the contract in kubernetes-api.ts, in whatever version of an API the server has.
import { beforeAll, describe, expect, it } from "vitest";
import type { ClusterApi } from "../../src/actions/action.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import { toProblem } from "../../src/domain/problem.ts";
import { eventually } from "../support/eventually.ts";
import type { RawAdmin } from "../support/kube-control-plane.ts";

export interface WorkloadSubject {
  readonly cluster: string;
  readonly api: ClusterApi;
  readonly admin: RawAdmin;
  readonly namespace: string;
  /** `policy/v1`. */
  readonly groupVersions: ReadonlySet<string>;
  /** A Deployment with these fields in its pods' spec; resolves with its pods. */
  readonly rolledOut: (
    name: string,
    replicas: number,
    podSpec: object,
  ) => Promise<readonly KubernetesObject[]>;
}

const otherUid = "00000000-0000-4000-8000-000000000000";

export function workloadContract(subject: () => WorkloadSubject): void {
  const created = async (path: string, manifest: object) => {
    const { code, body } = await subject().admin("POST", path, manifest);
    expect(code, JSON.stringify(body)).toBe(201);
  };
  const podRef = (pod: KubernetesObject): ObjectRef => {
    const { cluster, namespace } = subject();
    return { cluster, apiVersion: "v1", kind: "Pod", namespace, name: pod.metadata.name };
  };
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => "it succeeded",
      (error: unknown) => toProblem(error).code,
    );

  describe("an eviction", () => {
    const options = { gracePeriodSeconds: null, dryRun: false };
    let pods: readonly KubernetesObject[];
    beforeAll(async () => {
      pods = await subject().rolledOut("evicted", 2, {});
    });

    it("is refused while a disruption budget forbids it, and says that this is why", async () => {
      const { admin, namespace, groupVersions, api } = subject();
      const apiVersion = groupVersions.has("policy/v1") ? "policy/v1" : "policy/v1beta1";
      const path = `/apis/${apiVersion}/namespaces/${namespace}/poddisruptionbudgets`;
      const selector = { matchLabels: { app: "evicted" } };
      const spec = { minAvailable: 2, selector };
      await created(path, {
        apiVersion,
        kind: "PodDisruptionBudget",
        metadata: { name: "evicted" },
        spec,
      });
      const allowed = async (count: number) => {
        const { body } = await admin("GET", `${path}/evicted`);
        const { status } = body as KubernetesObject;
        return status?.currentHealthy === 2 && status.disruptionsAllowed === count;
      };
      await eventually("the budget is counted", () => allowed(0));
      const [pod] = pods;
      const { uid } = pod!.metadata;
      const refused = await api.evict(podRef(pod!), { ...options, uid }).then(() => null, toProblem);
      expect(refused).toMatchObject({ code: "API_THROTTLED", retryable: true });
      expect(refused?.details.causes).toEqual(["DisruptionBudget"]);

      const patch = { spec: { minAvailable: 1 } };
      expect((await admin("PATCH", `${path}/evicted`, patch, "application/merge-patch+json")).code).toBe(200);
      await eventually("the budget allows one", () => allowed(1));
    });

    it("as a dry-run or of another uid leaves the pod alone", async () => {
      const { api, rolledOut } = subject();
      // Without a budget: a refused uid uses up what a budget allows, on servers of 1.20.
      const [pod] = await rolledOut("kept", 1, {});
      const { uid } = pod!.metadata;
      await api.evict(podRef(pod!), { ...options, uid, dryRun: true });
      expect(await codeOf(api.evict(podRef(pod!), { ...options, uid: otherUid }))).toBe("API_CONFLICT");
      expect((await api.get(podRef(pod!)))?.metadata.deletionTimestamp).toBeUndefined();
    });

    it("removes the pod, once; a second one finds nothing", async () => {
      const { api } = subject();
      const [pod] = pods;
      const { uid } = pod!.metadata;
      await api.evict(podRef(pod!), { ...options, uid });
      await eventually("the pod is gone", async () => (await api.get(podRef(pod!))) === null);
      expect(await codeOf(api.evict(podRef(pod!), { ...options, uid }))).toBe("API_NOT_FOUND");
    });
  });

  describe("requests and limits", () => {
    it("are changed field by field, and a request above its limit is refused", async () => {
      const { api, cluster, namespace, rolledOut } = subject();
      const resources = { requests: { memory: "64Mi" }, limits: { memory: "128Mi" } };
      const containers = [{ name: "app", image: "example.test/app:1.0.0", resources }];
      await rolledOut("sized", 1, { containers });
      const ref = { cluster, apiVersion: "apps/v1", kind: "Deployment", namespace, name: "sized" };
      const write = async (field: string, value: string) => {
        const { metadata } = (await api.get(ref))!;
        const operations = [
          { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
          { op: "replace", path: `/spec/template/spec/containers/0/resources/${field}`, value },
        ] as const;
        return api.patch(ref, operations, { dryRun: true });
      };
      expect(JSON.stringify((await write("limits/memory", "256Mi")).spec)).toContain("256Mi");
      expect(await codeOf(write("requests/memory", "256Mi"))).toBe("API_INVALID");
    });

    it("of a namespace are bounded by a LimitRange that can be read", async () => {
      const { api, namespace } = subject();
      const limits = [{ type: "Container", max: { memory: "1Gi" } }];
      const path = `/api/v1/namespaces/${namespace}/limitranges`;
      await created(path, {
        apiVersion: "v1",
        kind: "LimitRange",
        metadata: { name: "bounds" },
        spec: { limits },
      });
      expect(await api.list({ apiVersion: "v1", kind: "LimitRange", namespace })).toMatchObject([
        { spec: { limits } },
      ]);
      expect((await subject().admin("DELETE", `${path}/bounds`)).code).toBe(200);
    });
  });

  describe("an autoscaler", () => {
    it("is found with its bounds in autoscaling/v1, which every version has", async () => {
      const { api, namespace } = subject();
      const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "bounded" };
      await created(`/apis/autoscaling/v1/namespaces/${namespace}/horizontalpodautoscalers`, {
        apiVersion: "autoscaling/v1",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "bounded" },
        spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5 },
      });
      const query = { apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler", namespace };
      const found = await api.list({ ...query, fieldSelector: "metadata.name=bounded" });
      expect(found).toMatchObject([{ spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5 } }]);
    });
  });

  describe("a custom resource", () => {
    it("is read, listed and patched once its definition is established", async () => {
      const { admin, api, cluster, namespace } = subject();
      // The definition of an earlier run may still be on its way out.
      const group = `${namespace}.example.test`;
      const apiVersion = `${group}/v1`;
      const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      const schema = {
        openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      };
      const path = `/apis/${apiVersion}/namespaces/${namespace}/widgets`;
      const query = { apiVersion, kind: "Widget", namespace };
      expect(await codeOf(api.list(query))).toBe("API_NOT_FOUND");
      await created(definitions, {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: `widgets.${group}` },
        spec: {
          group,
          scope: "Namespaced",
          names: { kind: "Widget", plural: "widgets", singular: "widget", listKind: "WidgetList" },
          versions: [{ name: "v1", served: true, storage: true, schema }],
        },
      });
      await eventually("the definition is served", async () => (await admin("GET", path)).code === 200);
      const manifest = { apiVersion, kind: "Widget", metadata: { name: "one" }, spec: { size: 1 } };
      await eventually(
        "the object can be made",
        async () => (await admin("POST", path, manifest)).code === 201,
      );
      const ref = { cluster, apiVersion, kind: "Widget", namespace, name: "one" };
      const { metadata } = (await api.get(ref))!;
      const operations = [
        { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
        { op: "replace", path: "/spec/size", value: 2 },
      ] as const;
      await api.patch(ref, operations, { dryRun: false });
      expect(await api.list({ ...query, fieldSelector: "metadata.name=one" })).toMatchObject([
        { apiVersion, kind: "Widget", spec: { size: 2 } },
      ]);
      expect(await api.list({ ...query, fieldSelector: "metadata.name=other" })).toEqual([]);
      expect((await admin("DELETE", `${definitions}/widgets.${group}`)).code).toBe(200);
    });
  });
}
