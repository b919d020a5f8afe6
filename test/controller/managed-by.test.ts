import { describe, expect, it } from "vitest";
import type { ActionTools, ClusterApi } from "../../src/actions/action.ts";
import { managedBy } from "../../src/controller/managed-by.ts";
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
