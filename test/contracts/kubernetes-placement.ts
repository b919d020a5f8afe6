// What keeps a pod from a node, in a Kubernetes API server with its scheduler and controllers: taints, and claims that never bind.
// Part of the contract in kubernetes-api.ts.
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import { eventually } from "../support/eventually.ts";
import type { WorkloadSubject } from "./kubernetes-workloads.ts";

const mergePatch = "application/merge-patch+json";
const containers = [{ name: "app", image: "example.test/app:1.0.0" }];

export function placementContract(subject: () => Pick<WorkloadSubject, "admin" | "namespace">): void {
  const ask = async (method: string, path: string, body?: object, type?: string) => {
    const answer = await subject().admin(method, path, body, type);
    expect(answer.code, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body as KubernetesObject;
  };
  const inNamespace = (plural: string, name = "") =>
    `/api/v1/namespaces/${subject().namespace}/${plural}${name === "" ? "" : `/${name}`}`;
  const find = async (path: string) => {
    const { code, body } = await subject().admin("GET", path);
    return code === 200 ? (body as KubernetesObject) : null;
  };
  const unschedulable = (pod: KubernetesObject | null) => {
    const conditions = (pod?.status?.["conditions"] ?? []) as readonly { reason?: string }[];
    return (
      pod?.spec?.["nodeName"] === undefined && conditions.some(({ reason }) => reason === "Unschedulable")
    );
  };

  describe("a pod", () => {
    it("waits while its node has a taint that it does not tolerate, and is placed once that is off", async () => {
      const node = "/api/v1/nodes/node-1";
      const labels = { "contract.example/placed": "here" };
      const taints = [{ key: "maintenance", value: "disk", effect: "NoSchedule" }];
      await ask("PATCH", node, { metadata: { labels }, spec: { taints } }, mergePatch);
      const pod = (name: string, tolerations: readonly object[]) =>
        ask("POST", inNamespace("pods"), {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name },
          spec: { containers, nodeSelector: labels, tolerations },
        });
      await pod("waiting", [{ key: "maintenance", operator: "Equal", value: "other" }]);
      await pod("tolerant", [{ key: "maintenance", operator: "Exists" }]);
      await eventually("one waits", async () => unschedulable(await find(inNamespace("pods", "waiting"))));
      const placed = async (name: string) =>
        (await find(inNamespace("pods", name)))?.spec?.["nodeName"] === "node-1";
      await eventually("the other is placed", () => placed("tolerant"));
      await ask("PATCH", node, { spec: { taints: null } }, mergePatch);
      await eventually("it is placed", () => placed("waiting"));
      for (const name of ["waiting", "tolerant"]) await ask("DELETE", inNamespace("pods", name));
    });
  });

  describe("a StatefulSet", () => {
    it("takes a claim that is there, whatever its class; with claim and pod gone it makes both from its template", async () => {
      const claim = (storageClassName: string) => ({
        accessModes: ["ReadWriteOnce"],
        storageClassName,
        resources: { requests: { storage: "1Gi" } },
      });
      const claims = inNamespace("persistentvolumeclaims");
      await ask("POST", claims, {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data-stuck-0" },
        spec: claim("no-such-class"),
      });
      const labels = { app: "stuck" };
      const sets = `/apis/apps/v1/namespaces/${subject().namespace}/statefulsets`;
      await ask("POST", sets, {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "stuck" },
        spec: {
          serviceName: "stuck",
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers } },
          volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claim("another-class") }],
        },
      });
      const [pod, stuck] = [inNamespace("pods", "stuck-0"), `${claims}/data-stuck-0`];
      await eventually("its pod waits", async () => unschedulable(await find(pod)));
      expect(await find(stuck)).toMatchObject({
        spec: { storageClassName: "no-such-class" },
        status: { phase: "Pending" },
      });
      expect(await find(inNamespace("pods", "stuck-1"))).toBeNull();
      const { metadata: old } = (await find(pod))!;
      await ask("DELETE", stuck);
      await eventually(
        "the claim is gone",
        async () => (await find(stuck))?.spec?.["storageClassName"] !== "no-such-class",
      );
      await ask("DELETE", pod);
      await eventually("the pod is made anew", async () => {
        const made = await find(pod);
        return made !== null && made.metadata.uid !== old.uid;
      });
      expect(await find(stuck)).toMatchObject({ spec: { storageClassName: "another-class" } });
      await ask("DELETE", `${sets}/stuck?propagationPolicy=Background`);
    });
  });
}
