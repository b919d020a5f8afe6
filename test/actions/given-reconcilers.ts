// Flux and Argo CD as far as their objects go: the definitions that a cluster has with them, cut down to the fields that gitmend
// uses, and what their controllers write. None of these controllers can be had here.
import type { KubernetesObject, ObjectRef } from "../../src/domain/facts/objects.ts";
import { eventually, type GivenCluster } from "./given-cluster.ts";
import { type Definition, define } from "./given-engines.ts";

const open = { "x-kubernetes-preserve-unknown-fields": true };
const flux = {
  statusApart: true,
  properties: { spec: { ...open, type: "object", properties: { suspend: { type: "boolean" } } } },
};
const automated = {
  type: "object",
  properties: { prune: { type: "boolean" }, selfHeal: { type: "boolean" }, enabled: { type: "boolean" } },
};
const syncPolicy = { ...open, type: "object", properties: { automated } };
const argo = { group: "argoproj.io", version: "v1alpha1", statusApart: false };

const definitions: readonly Definition[] = [
  {
    ...flux,
    group: "kustomize.toolkit.fluxcd.io",
    version: "v1",
    kind: "Kustomization",
    plural: "kustomizations",
  },
  { ...flux, group: "helm.toolkit.fluxcd.io", version: "v2", kind: "HelmRelease", plural: "helmreleases" },
  {
    ...flux,
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    kind: "GitRepository",
    plural: "gitrepositories",
  },
  {
    ...argo,
    kind: "Application",
    plural: "applications",
    properties: {
      spec: { ...open, type: "object", properties: { syncPolicy } },
      operation: { ...open, type: "object" },
    },
  },
  { ...argo, kind: "ApplicationSet", plural: "applicationsets" },
];

export async function givenReconcilers(given: GivenCluster): Promise<void> {
  for (const definition of definitions) await define(given, definition);
}

export function reconciler(given: GivenCluster, kind: string, name: string): ObjectRef {
  const { group, version } = definitions.find((one) => one.kind === kind)!;
  const apiVersion = `${group}/${version}`;
  return { cluster: given.subject.cluster, apiVersion, kind, namespace: given.namespace, name };
}

interface Parts {
  readonly spec?: object;
  readonly metadata?: object;
  readonly manager?: string;
}

export async function putReconciler(
  given: GivenCluster,
  kind: string,
  name: string,
  { spec = {}, metadata = {}, manager = "kubectl" }: Parts = {},
): Promise<KubernetesObject> {
  const ref = reconciler(given, kind, name);
  const { plural } = definitions.find((one) => one.kind === kind)!;
  const path = `/apis/${ref.apiVersion}/namespaces/${given.namespace}/${plural}?fieldManager=${manager}`;
  const manifest = { apiVersion: ref.apiVersion, kind, metadata: { ...metadata, name }, spec };
  await eventually(
    `${kind} ${name} is there`,
    async () => (await given.subject.admin("POST", path, manifest)).code === 201,
  );
  return given.read(ref);
}

/** As Flux writes its status when it has acted on a request. */
export async function playFlux(given: GivenCluster, ref: ObjectRef, status: object = {}): Promise<void> {
  const { metadata } = await given.read(ref);
  const ready = {
    type: "Ready",
    status: "True",
    reason: "ReconciliationSucceeded",
    message: "Applied revision: main",
  };
  await given.changeAs(
    "kustomize-controller",
    ref,
    {
      status: {
        observedGeneration: metadata.generation,
        lastHandledReconcileAt: metadata.annotations?.["reconcile.fluxcd.io/requestedAt"],
        lastAppliedRevision: "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738",
        conditions: [ready],
        ...status,
      },
    },
    "status",
  );
}

/** As Argo CD's controller ends an operation: the field is emptied, and what it did stands in the status. */
export async function playArgoCd(given: GivenCluster, ref: ObjectRef, status: object = {}): Promise<void> {
  const { operation } = await given.read(ref);
  await given.changeAs("argocd-application-controller", ref, {
    metadata: { annotations: { "argocd.argoproj.io/refresh": null } },
    operation: null,
    status: {
      operationState: { phase: "Succeeded", message: "successfully synced (all tasks run)", operation },
      sync: { status: "Synced", revision: "5394cb7f48332b2de7c17dd8b8384bbc84b7e738" },
      health: { status: "Healthy" },
      ...status,
    },
  });
}
