// Flux as far as one Kustomization goes that owns Deployments: it applies what Git says whenever that is not what stands there, rests
// while it is suspended, and acts on requests. Its own controllers cannot be had here.
import { setTimeout as pause } from "node:timers/promises";
import { rawAdmin } from "./kube-control-plane.ts";

export interface GivenFlux {
  /** As `spec.replicas` stands in Git. */
  readonly replicas: number;
  readonly namespace: string;
  readonly deployment: string;
}

export interface RunningFlux {
  /** How often it has put the Deployment back to what Git says. */
  reverts(): number;
  kustomization(): Promise<{ readonly spec: { readonly suspend?: boolean }; readonly metadata: Metadata }>;
  stop(): Promise<void>;
}

interface Metadata {
  readonly generation?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

const group = "kustomize.toolkit.fluxcd.io";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const merge = "application/merge-patch+json";

/** The Deployment is there already. `lists`: whether the inventory has it; its label is there either way. */
export async function startFlux(
  kubeconfig: string,
  { replicas, namespace, deployment }: GivenFlux,
  lists = true,
): Promise<RunningFlux> {
  const admin = rawAdmin(kubeconfig);
  const deploymentPath = `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}?fieldManager=kustomize-controller`;
  const collection = `/apis/${group}/v1/namespaces/${namespace}/kustomizations`;
  const path = `${collection}/apps`;
  const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const versions = [
    { name: "v1", served: true, storage: true, schema: { openAPIV3Schema }, subresources: { status: {} } },
  ];
  const names = {
    kind: "Kustomization",
    plural: "kustomizations",
    singular: "kustomization",
    listKind: "KustomizationList",
  };
  await admin("POST", definitions, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `kustomizations.${group}` },
    spec: { group, scope: "Namespaced", names, versions },
  });
  await admin("POST", collection, {
    apiVersion: `${group}/v1`,
    kind: "Kustomization",
    metadata: { name: "apps" },
    spec: { path: "./apps", interval: "5m" },
  });
  const labels = { [`${group}/name`]: "apps", [`${group}/namespace`]: namespace };
  await admin("PATCH", deploymentPath, { metadata: { labels } }, merge);
  const entries = lists ? [{ id: `${namespace}_${deployment}_apps_Deployment`, v: "v1" }] : [];
  const kustomization: RunningFlux["kustomization"] = async () =>
    (await admin("GET", path)).body as Awaited<ReturnType<RunningFlux["kustomization"]>>;

  let reverts = 0;
  async function reconcile(): Promise<void> {
    const { spec, metadata } = await kustomization();
    if (spec.suspend === true) return;
    const { body } = await admin("GET", deploymentPath);
    if ((body as { spec?: { replicas?: number } }).spec?.replicas !== replicas) {
      await admin("PATCH", deploymentPath, { spec: { replicas } }, merge);
      reverts += 1;
    }
    const status = {
      observedGeneration: metadata.generation,
      lastHandledReconcileAt: metadata.annotations?.["reconcile.fluxcd.io/requestedAt"],
      inventory: { entries },
      conditions: [{ type: "Ready", status: "True", reason: "ReconciliationSucceeded" }],
    };
    await admin("PATCH", `${path}/status`, { status }, merge);
  }

  const over = new AbortController();
  await reconcile();
  const running = (async () => {
    while (!over.signal.aborted) {
      await pause(20);
      await reconcile();
    }
  })();
  return {
    reverts: () => reverts,
    kustomization,
    async stop() {
      over.abort();
      await running;
    },
  };
}
