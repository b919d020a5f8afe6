// Which RoleBindings gitmend remembers, and so may ever put back: rights of service accounts in their own namespace, and no others.
import { describe, expect, it } from "vitest";
import { contentOf, grantsTo, roleOf } from "../../src/actions/bindings.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";

const account = { kind: "ServiceAccount", namespace: "shop", name: "api" };
const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" };
const binding = (parts: object = {}, metadata: object = {}): KubernetesObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: "api-reads", namespace: "shop", uid: "u", resourceVersion: "1", ...metadata },
  roleRef,
  subjects: [account],
  ...parts,
});
const role = (verbs: readonly string[] = ["get"]): KubernetesObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: "reader", namespace: "shop", uid: "r", resourceVersion: "1" },
  rules: [{ apiGroups: [""], resources: ["configmaps"], verbs }],
});
const fingerprint = (...of: Parameters<typeof contentOf>) => contentOf(...of)?.fingerprint;

describe("a RoleBinding", () => {
  it("is remembered with its role, its accounts and what it granted", () => {
    const content = contentOf(binding({}, { labels: { team: "shop" } }), role());
    expect(content).toMatchObject({
      name: "api-reads",
      roleRef,
      subjects: [account],
      labels: { team: "shop" },
    });
    expect(grantsTo(content!, "api")).toBe(true);
    expect(grantsTo(content!, "other")).toBe(false);
  });

  it.each([
    ["gives rights to a person", binding({ subjects: [account, { kind: "User", name: "mallory" }] })],
    ["gives rights to a group", binding({ subjects: [{ kind: "Group", name: "system:authenticated" }] })],
    ["gives rights to another namespace", binding({ subjects: [{ ...account, namespace: "elsewhere" }] })],
    ["says no namespace of the account", binding({ subjects: [{ kind: "ServiceAccount", name: "api" }] })],
    ["gives rights to nobody", binding({ subjects: [] })],
    ["has no subjects", binding({ subjects: null })],
    [
      "goes with its owner",
      binding({}, { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x" }] }),
    ],
    ["is written by Flux", binding({}, { labels: { "kustomize.toolkit.fluxcd.io/name": "apps" } })],
    ["is written by Helm", binding({}, { annotations: { "meta.helm.sh/release-name": "api" } })],
    ["is written by Argo CD", binding({}, { annotations: { "argocd.argoproj.io/tracking-id": "x" } })],
    ["is the cluster's own", binding({}, { name: "system:controller:token-cleaner" })],
  ])("that %s is not remembered", (_, one) => {
    expect(contentOf(one, role())).toBeNull();
  });

  it("whose role is gone grants nothing, and is not remembered", () => {
    expect(contentOf(binding(), undefined)).toBeNull();
  });

  it("is another one when its name, its role, its accounts or its role's rules are others", () => {
    const known = fingerprint(binding(), role());
    const others = [
      fingerprint(binding({}, { name: "other" }), role()),
      fingerprint(binding({ roleRef: { ...roleRef, name: "admin" } }), role()),
      fingerprint(binding({ roleRef: { ...roleRef, kind: "ClusterRole" } }), role()),
      fingerprint(binding({ subjects: [account, { ...account, name: "other" }] }), role()),
      fingerprint(binding(), role(["get", "delete"])),
    ];
    expect(new Set([known, ...others]).size).toBe(6);
    expect(fingerprint(binding({}, { uid: "another", labels: { a: "b" } }), role())).toBe(known);
  });

  it("names a Role of its namespace or a ClusterRole", () => {
    expect(roleOf({ roleRef }, "c", "shop")).toMatchObject({ kind: "Role", namespace: "shop" });
    const clusterRole = roleOf({ roleRef: { ...roleRef, kind: "ClusterRole" } }, "c", "shop");
    expect(clusterRole).toMatchObject({ kind: "ClusterRole", namespace: null });
    expect(roleOf({ roleRef: { ...roleRef, kind: "Secret" } }, "c", "shop")).toBeNull();
  });
});
