import { describe, expect, it } from "vitest";
import {
  foundationNamespaces,
  type ProtectionRules,
  protectionProblem,
  protectionReads,
} from "../../src/actions/protected.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";

const rules: ProtectionRules = {
  namespaces: [...foundationNamespaces, "db-*"],
  ownNamespace: "gitmend",
  ownNode: "node-1",
};
const deployment = (namespace: string): ObjectRef => ({
  cluster: "prod",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace,
  name: "api",
});
const node = (name: string): ObjectRef => ({
  cluster: "prod",
  apiVersion: "v1",
  kind: "Node",
  namespace: null,
  name,
});
const labelled = ({ apiVersion, kind, name }: ObjectRef, remediate?: string): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: {
    name,
    uid: "u",
    resourceVersion: "1",
    labels: remediate === undefined ? {} : { "gitmend.dev/remediate": remediate },
  },
});
const verdict = (ref: ObjectRef, object: KubernetesObject | null = labelled(ref)) =>
  protectionProblem([{ ref, object }], rules);

describe("what is protected", () => {
  it("reads the touched objects and their namespaces, each once", () => {
    const kinds = protectionReads([deployment("shop"), deployment("shop"), node("node-2")]).map(
      ({ kind, name }) => `${kind} ${name}`,
    );
    expect(kinds).toEqual(["Deployment api", "Node node-2", "Namespace shop"]);
  });

  it("is nothing of an ordinary workload", () => {
    expect(verdict(deployment("shop"))).toBeNull();
    expect(verdict(deployment("shop"), null)).toBeNull();
    expect(verdict(node("node-2"))).toBeNull();
  });

  it.each(["kube-system", "kube-public", "kube-node-lease", "db-main", "gitmend"])(
    "is everything in namespace %s",
    (namespace) => {
      expect(verdict(deployment(namespace))).toMatchObject({ code: "PROTECTED_OBJECT", retryable: false });
    },
  );

  it("is not a namespace that only resembles a pattern", () => {
    expect(verdict(deployment("my-db-main"))).toBeNull();
    expect(verdict(deployment("kube-system-copy"))).toBeNull();
  });

  it("is the node that gitmend runs on", () => {
    expect(verdict(node("node-1"))?.message).toContain("gitmend runs on it");
  });

  it("is an object whose owner opted out, and everything in a namespace that did", () => {
    const ref = deployment("shop");
    expect(verdict(ref, labelled(ref, "false"))?.message).toContain("prod/shop/deploy/api");
    expect(verdict(ref, labelled(ref, "true"))).toBeNull();
    const namespace = protectionReads([ref])[1]!;
    const found = [
      { ref, object: labelled(ref) },
      { ref: namespace, object: labelled(namespace, "false") },
    ];
    expect(protectionProblem(found, rules)?.message).toContain("namespace/shop");
  });
});
