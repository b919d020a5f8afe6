// Who manages a target, asked of the simulated cluster always and of a real API server where the environment names one: with the
// APIs of Argo CD and Flux missing, there, and not to be read.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ActionTools, ClusterApi } from "../../src/actions/action.ts";
import { connectCluster } from "../../src/adapters/kubernetes/cluster-api.ts";
import { resolveTarget } from "../../src/controller/resolve-target.ts";
import type { Target } from "../../src/domain/facts/objects.ts";
import { startSimulatedCluster } from "../../src/simulation/start-simulated-cluster.ts";
import { type Restricted, withinRules, withRole } from "../actions/only-its-verbs.ts";
import { eventually } from "../support/eventually.ts";
import {
  hasControlPlane,
  howToGetOne,
  type RawAdmin,
  rawAdmin,
  startControlPlane,
} from "../support/kube-control-plane.ts";

interface Started {
  readonly kubeconfig: string;
  readonly real: boolean;
  stop(): Promise<void>;
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** What deciding reads of workloads, and nothing of Argo CD or Flux. */
const workloadsOnly = [{ apiGroup: "apps", resource: "deployments", verbs: ["get"] as const }];

function managementContract(name: string, start: () => Promise<Started>): void {
  describe(`who manages a target of ${name}`, () => {
    const namespace = `owned-${Date.now().toString(36)}`;
    let started: Started;
    let admin: RawAdmin;
    let api: ClusterApi;
    let restricted: Restricted;
    let close: () => Promise<void>;

    beforeAll(async () => {
      started = await start();
      admin = rawAdmin(started.kubeconfig);
      const connection = connectCluster({ name: "test", kubeconfigText: started.kubeconfig });
      close = () => connection.close();
      api = connection.api(AbortSignal.timeout(300_000));
      restricted = started.real
        ? await withRole("no-owners", workloadsOnly, started.kubeconfig, admin)
        : { api: withinRules(api, workloadsOnly), close: async () => {} };
      await created("/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace },
      });
    }, 120_000);

    afterAll(async () => {
      for (const plural of [
        "applications.argoproj.io",
        "kustomizations.kustomize.toolkit.fluxcd.io",
        "gitrepositories.source.toolkit.fluxcd.io",
      ])
        await admin("DELETE", `${definitions}/${plural}`);
      await admin("DELETE", `/api/v1/namespaces/${namespace}`);
      await restricted?.close();
      await close?.();
      await started?.stop();
    }, 60_000);

    async function created(path: string, manifest: object): Promise<void> {
      const { code, body } = await admin("POST", path, manifest);
      expect(code, JSON.stringify(body)).toBe(201);
    }

    async function deployed(metadata: { readonly name: string; labels?: object; annotations?: object }) {
      const labels = { app: metadata.name };
      const containers = [{ name: "app", image: "example.test/app:1.0.0" }];
      await created(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata,
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers } },
        },
      });
    }

    async function found(deployment: string, through: ClusterApi = api): Promise<Target> {
      const tools = { cluster: () => through } as unknown as ActionTools;
      const subject = { kind: "Deployment", namespace, name: deployment, container: null };
      const target = await resolveTarget("test", subject, tools);
      if (target === null) throw new Error(`${deployment} is gone`);
      return target;
    }

    async function defined(group: string, version: string, kind: string, plural: string): Promise<string> {
      const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
      await created(definitions, {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: `${plural}.${group}` },
        spec: {
          group,
          scope: "Namespaced",
          names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
          versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema } }],
        },
      });
      const path = `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
      await eventually("the definition is served", async () => (await admin("GET", path)).code === 200);
      return path;
    }

    it("is disputed while the API that its marks belong to is not there, and says so", async () => {
      await deployed({
        name: "shop-api",
        annotations: { "argocd.argoproj.io/tracking-id": `shop:apps/Deployment:${namespace}/shop-api` },
      });
      await deployed({ name: "by-chart", labels: { "app.kubernetes.io/instance": "shop" } });
      await deployed({
        name: "flux-api",
        labels: {
          "kustomize.toolkit.fluxcd.io/name": "apps",
          "kustomize.toolkit.fluxcd.io/namespace": namespace,
        },
      });
      await deployed({ name: "plain" });
      expect(await found("plain")).toMatchObject({ managedBy: "none" });
      expect(await found("by-chart")).toMatchObject({ managedBy: "none" });
      expect(await found("shop-api")).toMatchObject({
        managedBy: "disputed",
        managedByWhy: expect.stringMatching(
          /^its marks name Argo CD application shop, which this cluster cannot show/,
        ),
      });
      expect(await found("flux-api")).toMatchObject({
        managedBy: "disputed",
        managedByWhy: expect.stringContaining(`Kustomization ${namespace}/apps`),
      });
    });

    it("is Argo CD's once an application lists it, by the annotation and by the common label", async () => {
      const path = await defined("argoproj.io", "v1alpha1", "Application", "applications");
      const resource = (name: string) => ({
        group: "apps",
        version: "v1",
        kind: "Deployment",
        namespace,
        name,
      });
      const application = (resources: readonly object[]) => ({
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Application",
        metadata: { name: "shop" },
        status: { resources },
      });
      await eventually(
        "the application is there",
        async () => (await admin("POST", path, application([resource("other")]))).code === 201,
      );
      expect(await found("shop-api")).toMatchObject({
        managedBy: "disputed",
        managedByWhy: "its marks name Argo CD application shop, which does not list it",
      });
      expect(await found("by-chart")).toMatchObject({ managedBy: "none" });
      const both = { status: { resources: [resource("shop-api"), resource("by-chart")] } };
      expect((await admin("PATCH", `${path}/shop`, both, "application/merge-patch+json")).code).toBe(200);
      expect(await found("shop-api")).toMatchObject({ managedBy: "argocd" });
      expect((await found("shop-api")).managedByWhy).toBeUndefined();
      expect(await found("by-chart")).toMatchObject({ managedBy: "argocd" });
    });

    it("is Flux's once a Kustomization lists it", async () => {
      const path = await defined("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations");
      const entries = [{ id: `${namespace}_flux-api_apps_Deployment`, v: "v1" }];
      const kustomization = {
        apiVersion: "kustomize.toolkit.fluxcd.io/v1",
        kind: "Kustomization",
        metadata: { name: "apps" },
        spec: { sourceRef: { kind: "GitRepository", name: "fleet" }, path: "./apps/prod" },
        status: { inventory: { entries } },
      };
      const sources = await defined("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories");
      await eventually(
        "the GitRepository is there",
        async () =>
          (
            await admin("POST", sources, {
              apiVersion: "source.toolkit.fluxcd.io/v1",
              kind: "GitRepository",
              metadata: { name: "fleet" },
              spec: { url: "https://git.example.com/fleet.git", ref: { branch: "main" } },
            })
          ).code === 201,
      );
      await eventually(
        "the Kustomization is there",
        async () => (await admin("POST", path, kustomization)).code === 201,
      );
      expect(await found("flux-api")).toMatchObject({
        managedBy: "flux",
        manager: {
          kind: "flux-kustomization",
          object: { kind: "Kustomization", namespace, name: "apps" },
          confirmed: true,
          source: { url: "https://git.example.com/fleet.git", follows: "main", path: "apps/prod" },
          suspended: false,
        },
      });
    });

    it("is disputed when the owner may not be read", async () => {
      for (const name of ["shop-api", "flux-api", "by-chart"]) {
        expect(await found(name, restricted.api)).toMatchObject({
          managedBy: "disputed",
          managedByWhy: expect.stringContaining("which may not be read"),
        });
      }
      expect(await found("plain", restricted.api)).toMatchObject({ managedBy: "none" });
    });
  });
}

managementContract("the simulated cluster", async () => {
  const simulation = await startSimulatedCluster();
  return { kubeconfig: simulation.kubeconfig, real: false, stop: () => simulation.stop() };
});

if (hasControlPlane()) {
  managementContract("the real control plane", async () => {
    const plane = await startControlPlane();
    return { kubeconfig: await readFile(plane.kubeconfigPath, "utf8"), real: true, stop: () => plane.stop() };
  });
} else {
  describe("who manages a target of the real control plane", () => {
    it("is not tried here", (context) => context.skip(howToGetOne));
  });
}
