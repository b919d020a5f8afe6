import { describe, expect, it } from "vitest";
import type { ActionTools, ClusterApi } from "../../src/actions/action.ts";
import { managedBy, managedByOwner } from "../../src/controller/managed-by.ts";
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import { Problem } from "../../src/domain/problem.ts";

type Marks = Readonly<Record<string, string>>;

function deployment(labels: Marks, annotations: Marks = {}): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "api", namespace: "shop", uid: "u", resourceVersion: "1", labels, annotations },
  };
}

const object = (apiVersion: string, kind: string, namespace: string, name: string, status: object) =>
  ({
    apiVersion,
    kind,
    metadata: { name, namespace, uid: "m", resourceVersion: "1" },
    status,
  }) as KubernetesObject;

/** A cluster with these objects, which serves only their APIs. */
function clusterWith(...objects: readonly KubernetesObject[]): ActionTools {
  const serves = (apiVersion: string) => {
    if (!objects.some((one) => one.apiVersion === apiVersion))
      throw new Problem("API_NOT_FOUND", "the cluster has no such API");
  };
  const api = {
    get: async ({ apiVersion, kind, namespace, name }: ObjectRef) => {
      serves(apiVersion);
      const found = objects.find(
        (one) => one.kind === kind && one.metadata.name === name && one.metadata.namespace === namespace,
      );
      return found ?? null;
    },
    list: async ({ apiVersion, kind }: Pick<ObjectRef, "apiVersion" | "kind">) => {
      serves(apiVersion);
      return objects.filter((one) => one.kind === kind);
    },
  } as unknown as ClusterApi;
  return { cluster: () => api } as unknown as ActionTools;
}

const argo = { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/api" };
const application = (name: string, namespace = "shop") =>
  object("argoproj.io/v1alpha1", "Application", "argocd", name, {
    resources: [
      { kind: "Service", namespace: "shop", name: "api" },
      { group: "apps", kind: "Deployment", namespace, name: "api" },
    ],
  });
const kustomize = {
  "kustomize.toolkit.fluxcd.io/name": "apps",
  "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
};
const kustomization = (version: string, id: string) =>
  object(`kustomize.toolkit.fluxcd.io/${version}`, "Kustomization", "flux-system", "apps", {
    inventory: { entries: [{ id, v: "v1" }] },
  });
const helmLabels = {
  "helm.toolkit.fluxcd.io/name": "api",
  "helm.toolkit.fluxcd.io/namespace": "flux-system",
};
const helm = { "meta.helm.sh/release-name": "api", "meta.helm.sh/release-namespace": "shop" };
const helmRelease = (name: string) =>
  object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "flux-system", "api", {
    history: [{ name, namespace: "shop" }],
  });

const found = (target: KubernetesObject, ...objects: readonly KubernetesObject[]) =>
  managedBy("prod-eu", target, clusterWith(...objects)).then(({ by }) => by);

describe("a target that says it is somebody's", () => {
  it("is nobody's without a mark", async () => {
    expect(await found(deployment({ "app.kubernetes.io/instance": "api" }))).toBe("none");
  });
  it.each([
    ["Argo CD", deployment({}, argo), application("shop"), "argocd"],
    [
      "Argo CD by the label that Helm charts use too",
      deployment({ "app.kubernetes.io/instance": "shop" }, helm),
      application("shop"),
      "argocd",
    ],
    [
      "Argo CD by its own label",
      deployment({ "argocd.argoproj.io/instance": "shop" }),
      application("shop"),
      "argocd",
    ],
    ["Flux", deployment(kustomize), kustomization("v1", "shop_api_apps_Deployment"), "flux"],
    ["an older Flux", deployment(kustomize), kustomization("v1beta2", "shop_api_apps_Deployment"), "flux"],
    ["Flux's Helm", deployment(helmLabels, helm), helmRelease("api"), "flux"],
  ] as const)("is %s's when that lists it too", async (_who, target, owner, by) => {
    expect(await found(target, owner)).toBe(by);
  });
  it("is nobody's by a label that others use when no application lists it", async () => {
    const instance = deployment({ "app.kubernetes.io/instance": "shop" });
    expect(await found(instance, application("shop", "other"))).toBe("none");
    expect(await found(instance, application("other"))).toBe("none");
  });
  it("says who is named and what speaks against it", async () => {
    const { why } = await managedBy(
      "prod-eu",
      deployment({}, argo),
      clusterWith(application("shop", "other")),
    );
    expect(why).toBe("its marks name Argo CD application shop, which does not list it");
    const missing = await managedBy("prod-eu", deployment(kustomize), clusterWith());
    expect(missing.why).toMatch(/Kustomization flux-system\/apps, which this cluster cannot show/);
  });
  it("never asks for what an annotation has smuggled into a query", async () => {
    const smuggled = {
      "argocd.argoproj.io/tracking-id": "shop,metadata.namespace=x:apps/Deployment:shop/api",
    };
    expect(await found(deployment({}, smuggled), application("shop"))).toBe("disputed");
  });
  it("is Helm's by its release", async () => {
    expect(await found(deployment({}, helm))).toBe("helm");
  });
  it("is an application's that lives in a namespace of its own", async () => {
    const tracking = { "argocd.argoproj.io/tracking-id": "argocd_shop:apps/Deployment:shop/api" };
    expect(await found(deployment({}, tracking), application("shop"))).toBe("argocd");
  });
  it.each([
    ["the application lists another object", deployment({}, argo), [application("shop", "other")]],
    ["there is no such application", deployment({}, argo), [application("other")]],
    ["there is no Argo CD", deployment({}, argo), []],
    ["the inventory lacks it", deployment(kustomize), [kustomization("v1", "shop_web_apps_Deployment")]],
    ["there is no Flux", deployment(kustomize), []],
    ["the release is another one", deployment(helmLabels, helm), [helmRelease("web")]],
    [
      "two say that it is theirs",
      deployment(kustomize, argo),
      [application("shop"), kustomization("v1", "shop_api_apps_Deployment")],
    ],
  ] as const)("is disputed when %s", async (_why, target, objects) => {
    expect(await found(target, ...objects)).toBe("disputed");
  });
  it("is disputed when the owner may not be read, and unknown when nobody answers", async () => {
    const failing = (code: "API_FORBIDDEN" | "API_OUTCOME_UNKNOWN") => {
      const api = { list: async () => Promise.reject(new Problem(code, "no")) } as unknown as ClusterApi;
      return { cluster: () => api } as unknown as ActionTools;
    };
    await expect(managedBy("prod-eu", deployment({}, argo), failing("API_FORBIDDEN"))).resolves.toMatchObject(
      { by: "disputed", why: expect.stringContaining("may not be read") },
    );
    const instance = { "app.kubernetes.io/instance": "shop" };
    await expect(managedBy("prod-eu", deployment(instance), failing("API_FORBIDDEN"))).resolves.toMatchObject(
      {
        by: "disputed",
      },
    );
    await expect(
      managedBy("prod-eu", deployment(instance, helm), failing("API_FORBIDDEN")),
    ).resolves.toMatchObject({ by: "helm" });
    await expect(
      managedBy("prod-eu", deployment({}, argo), failing("API_OUTCOME_UNKNOWN")),
    ).rejects.toMatchObject({ code: "API_OUTCOME_UNKNOWN" });
  });
});

const git = (spec: object, status: object = {}) =>
  ({
    ...object("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", "fleet", status),
    spec,
  }) as KubernetesObject;
const commit = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";
const inSpec = (one: KubernetesObject, spec: object, metadata: object = {}) =>
  ({ ...one, metadata: { ...one.metadata, ...metadata }, spec }) as KubernetesObject;
const apps = (spec: object = {}, metadata: object = {}) =>
  inSpec(
    kustomization("v1", "shop_api_apps_Deployment"),
    { sourceRef: { kind: "GitRepository", name: "fleet" }, path: "./apps//prod/", ...spec },
    metadata,
  );
const shop = (spec: object, status: object = {}) => {
  const one = inSpec(application("shop"), spec);
  return { ...one, status: { ...one.status, ...status } } as KubernetesObject;
};
const managerOf = (target: KubernetesObject, ...objects: readonly KubernetesObject[]) =>
  managedBy("prod-eu", target, clusterWith(...objects)).then(({ manager }) => manager);

describe("who manages a target", () => {
  it("is the Kustomization, with the folder, the branch and the commit that it has applied", async () => {
    const repository = git(
      { url: "https://git.example.com/team/fleet.git", ref: { branch: "main" } },
      { artifact: { revision: `main@sha1:${commit}` } },
    );
    expect(await managerOf(deployment(kustomize), apps(), repository)).toEqual({
      kind: "flux-kustomization",
      object: {
        cluster: "prod-eu",
        apiVersion: "kustomize.toolkit.fluxcd.io/v1",
        kind: "Kustomization",
        namespace: "flux-system",
        name: "apps",
      },
      confirmed: true,
      source: {
        url: "https://git.example.com/team/fleet.git",
        follows: "main",
        revision: commit,
        path: "apps/prod",
      },
      suspended: false,
      manager: null,
    });
  });

  it("is the application, with the commit that it has synced", async () => {
    const source = {
      repoURL: "git@git.example.com:team/fleet.git",
      targetRevision: "HEAD",
      path: "apps/prod",
    };
    const automated = { syncPolicy: { automated: { selfHeal: true } } };
    const synced = { sync: { status: "Synced", revision: commit } };
    const found = await managerOf(deployment({}, argo), shop({ source, ...automated }, synced));
    expect(found).toMatchObject({
      kind: "argo-application",
      object: { kind: "Application", namespace: "argocd", name: "shop" },
      confirmed: true,
      suspended: false,
      source: {
        url: "git@git.example.com:team/fleet.git",
        follows: null,
        revision: commit,
        path: "apps/prod",
      },
    });
  });

  it("has the one source of several that is in Git, and none when there are two", async () => {
    const chart = { repoURL: "https://charts.example.com", chart: "api", targetRevision: "1.2.3" };
    const values = { repoURL: "https://git.example.com/team/values.git", ref: "values" };
    const synced = { sync: { revisions: ["1.2.3", commit] } };
    expect(await managerOf(deployment({}, argo), shop({ sources: [chart, values] }, synced))).toMatchObject({
      source: { url: "https://git.example.com/team/values.git", revision: commit, path: "" },
    });
    const two = shop({ sources: [values, { ...values, path: "b" }] }, synced);
    expect(await managerOf(deployment({}, argo), two)).toMatchObject({ confirmed: true, source: null });
  });

  it.each([
    ["suspended Kustomization", deployment(kustomize), apps({ suspend: true }), true],
    ["application without automatic sync", deployment({}, argo), shop({}), true],
    [
      "application whose automatic sync is switched off",
      deployment({}, argo),
      shop({ syncPolicy: { automated: { enabled: false } } }),
      true,
    ],
    [
      "application that syncs by itself",
      deployment({}, argo),
      shop({ syncPolicy: { automated: {} } }),
      false,
    ],
  ] as const)("is known to be at rest or not: %s", async (_what, target, owner, suspended) => {
    expect(await managerOf(target, owner)).toMatchObject({ confirmed: true, suspended });
  });

  it("is itself somebody's: a HelmRelease that a Kustomization applies, which applies itself too", async () => {
    const release = inSpec(helmRelease("api"), {}, { labels: kustomize });
    const id = (group: string, kind: string, name: string) => ({
      id: `flux-system_${name}_${group}_${kind}`,
    });
    const entries = [
      id("helm.toolkit.fluxcd.io", "HelmRelease", "api"),
      id("kustomize.toolkit.fluxcd.io", "Kustomization", "apps"),
    ];
    const owner = { ...apps({}, { labels: kustomize }), status: { inventory: { entries } } };
    expect(await managerOf(deployment(helmLabels, helm), release, owner)).toMatchObject({
      kind: "flux-helmrelease",
      confirmed: true,
      manager: { kind: "flux-kustomization", confirmed: true, object: { name: "apps" }, manager: null },
    });
  });

  it("comes to an end when two applications list each other", async () => {
    const tracked = (name: string) => ({ "argocd.argoproj.io/tracking-id": `${name}:x/y:z/w` });
    const one = (name: string, by: string, lists: object) =>
      inSpec(
        object("argoproj.io/v1alpha1", "Application", "argocd", name, { resources: [lists] }),
        {},
        { annotations: tracked(by) },
      );
    const entry = (name: string) => ({
      group: "argoproj.io",
      kind: "Application",
      namespace: "argocd",
      name,
    });
    const shopApp = inSpec(application("shop"), {}, { annotations: tracked("a") });
    const objects = [shopApp, one("a", "b", entry("shop")), one("b", "a", entry("a"))];
    expect(await managerOf(deployment({}, tracked("shop")), ...objects)).toMatchObject({
      object: { name: "shop" },
      manager: { object: { name: "a" }, manager: { object: { name: "b" } } },
    });
  });
});

describe("what only says that it owns a target", () => {
  it.each([
    [
      "a Flux label on an object that Flux does not own",
      deployment(kustomize),
      kustomization("v1", "shop_web_apps_Deployment"),
    ],
    [
      "a Kustomization that applies to another cluster",
      deployment(kustomize),
      apps({ kubeConfig: { secretRef: {} } }),
    ],
    [
      "an application that deploys to another cluster",
      deployment({}, argo),
      shop({ destination: { server: "https://other.example.com" } }),
    ],
    [
      "an application of another named cluster",
      deployment({}, argo),
      shop({ destination: { name: "other" } }),
    ],
  ] as const)("is no owner, and has no source: %s", async (_what, target, owner) => {
    const { by, manager } = await managedBy(
      "prod-eu",
      target,
      clusterWith(owner, git({ url: "https://git.example.com/fleet.git" })),
    );
    expect(by).toBe("disputed");
    expect(manager).toMatchObject({ confirmed: false, source: null, manager: null });
  });

  it("is nothing at all when only the Kustomization says so, in whatever namespace", async () => {
    const elsewhere = object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "team-a", "mine", {
      inventory: { entries: [{ id: "shop_api_apps_Deployment" }] },
    });
    expect(await managedBy("prod-eu", deployment({}), clusterWith(elsewhere))).toEqual({
      by: "none",
      why: null,
      manager: null,
    });
    // The label names another one than that which lists it.
    expect(await managerOf(deployment(kustomize), elsewhere)).toMatchObject({ confirmed: false });
  });

  it.each([
    ["file:///etc", "./apps"],
    ["oci://registry.example.com/apps", "./apps"],
    ["https://git.example.com/fleet.git", "../../other"],
    ["https://git.example.com/fleet.git\nhost: evil", "./apps"],
    ["--upload-pack=touch /tmp/x", "./apps"],
    [42, "./apps"],
  ])("gives no source that is no folder of a Git repository: %j %s", async (url, path) => {
    const found = await managerOf(deployment(kustomize), apps({ path }), git({ url }));
    expect(found).toMatchObject({ confirmed: true, source: null });
  });

  it("gives no password away that stands in an address", async () => {
    const repository = git({ url: "https://bot:hunter2@git.example.com/fleet.git" });
    const found = await managerOf(deployment(kustomize), apps(), repository);
    expect(found?.source).toMatchObject({ url: "https://git.example.com/fleet.git", follows: "master" });
    expect(JSON.stringify(found)).not.toContain("hunter2");
  });

  it("is Helm's release by name alone: its Secrets are not read to find out", async () => {
    expect(await managerOf(deployment({}, helm))).toMatchObject({
      kind: "helm",
      object: { kind: "Release", namespace: "shop", name: "api" },
      confirmed: false,
    });
  });
});

describe("an owner that is no built-in workload", () => {
  const kafka = (uid: string, metadata: object = {}) => {
    const one = inSpec(object("kafka.example.com/v1", "Kafka", "shop", "events", {}), {}, metadata);
    return { ...one, metadata: { ...one.metadata, uid } } as KubernetesObject;
  };
  const reference = {
    apiVersion: "kafka.example.com/v1",
    kind: "Kafka",
    name: "events",
    uid: "k",
    controller: true,
  };
  const operated = (...objects: readonly KubernetesObject[]) =>
    managedByOwner("prod-eu", deployment({}), reference, clusterWith(...objects));

  it("counts when it is there under the uid that the object names", async () => {
    expect(await operated(kafka("k"))).toMatchObject({
      by: "operator",
      manager: {
        kind: "operator",
        confirmed: true,
        object: { kind: "Kafka", namespace: "shop", name: "events" },
      },
    });
    for (const objects of [[kafka("another")], []])
      expect(await operated(...objects)).toMatchObject({ by: "operator", manager: { confirmed: false } });
  });

  it("is looked up in turn: its manifest is Flux's", async () => {
    const entries = [{ id: "shop_events_kafka.example.com_Kafka" }];
    const owner = { ...apps(), status: { inventory: { entries } } };
    const { manager } = await operated(
      kafka("k", { labels: kustomize }),
      owner,
      git({ url: "https://git.example.com/fleet.git" }),
    );
    expect(manager?.manager).toMatchObject({
      kind: "flux-kustomization",
      confirmed: true,
      source: { path: "apps/prod" },
    });
  });
});
