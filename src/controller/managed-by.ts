// Who writes the target's manifest, found by the marks that Argo CD, Flux and Helm leave on what they apply. A mark is only a
// claim: anybody can set a label. Argo CD and Flux are believed when their own object lists the target too; else it is disputed,
// and what is disputed is not changed, because it may be theirs after all.
import type { ActionTools, ClusterApi } from "../actions/action.ts";
import type { KubernetesObject, ManagedBy, ObjectRef } from "../domain/facts/objects.ts";
import { isObject } from "../domain/json.ts";
import { toProblem } from "../domain/problem.ts";

type Marks = Readonly<Record<string, string>>;

/** A claim, and the question that proves it. */
interface Claim {
  readonly by: Exclude<ManagedBy, "none" | "operator" | "disputed">;
  readonly proven: () => Promise<boolean>;
}

const flux = { kustomize: "kustomize.toolkit.fluxcd.io", helm: "helm.toolkit.fluxcd.io" } as const;

/** @throws Problem API_* only when the API server cannot be asked at all: then the target is not known either */
export async function managedBy(
  cluster: string,
  object: KubernetesObject,
  tools: ActionTools,
): Promise<ManagedBy> {
  const claims = claimsOn(object, cluster, tools.cluster(cluster));
  const [claim] = claims;
  if (claim === undefined) return "none";
  // Two that both say it is theirs: whoever is right, a change would be undone.
  if (new Set(claims.map(({ by }) => by)).size > 1) return "disputed";
  return (await isProven(claim)) ? claim.by : "disputed";
}

function claimsOn(object: KubernetesObject, cluster: string, api: ClusterApi): readonly Claim[] {
  const labels = object.metadata.labels ?? {};
  const annotations = object.metadata.annotations ?? {};
  const found = [
    argoClaim(object, labels, annotations, api),
    kustomizeClaim(object, labels, cluster, api),
    fluxHelmClaim(labels, annotations, cluster, api),
  ].filter((claim) => claim !== null);
  if (found.length > 0 || annotations["meta.helm.sh/release-name"] === undefined) return found;
  return [{ by: "helm", proven: async () => true }];
}

/** What may not be read, or is not there at all, proves nothing. */
async function isProven({ proven }: Claim): Promise<boolean> {
  try {
    return await proven();
  } catch (error) {
    const { code } = toProblem(error);
    if (code === "API_NOT_FOUND" || code === "API_FORBIDDEN" || code === "API_INVALID") return false;
    throw error;
  }
}

// ---- Argo CD ------------------------------------------------------------------------------------------------------

/** `app:group/kind:namespace/name`; `namespace_app` where applications may live in any namespace. */
function argoClaim(
  object: KubernetesObject,
  labels: Marks,
  annotations: Marks,
  api: ClusterApi,
): Claim | null {
  const tracking = annotations["argocd.argoproj.io/tracking-id"];
  const application = tracking?.split(":")[0] ?? labels["argocd.argoproj.io/instance"];
  if (application === undefined || application === "") return null;
  return {
    by: "argocd",
    proven: async () => {
      const all = await api.list({
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Application",
        namespace: null,
      });
      return all.filter((one) => isNamed(one, application)).some((one) => argoLists(one, object));
    },
  };
}

function isNamed({ metadata }: KubernetesObject, application: string): boolean {
  return application === metadata.name || application === `${metadata.namespace ?? ""}_${metadata.name}`;
}

function argoLists(application: KubernetesObject, object: KubernetesObject): boolean {
  const group = groupOf(object.apiVersion);
  return listOf(application.status?.["resources"]).some(
    (entry) =>
      (entry["group"] ?? "") === group &&
      entry["kind"] === object.kind &&
      entry["name"] === object.metadata.name &&
      (entry["namespace"] ?? "") === (object.metadata.namespace ?? ""),
  );
}

// ---- Flux ---------------------------------------------------------------------------------------------------------

function kustomizeClaim(
  object: KubernetesObject,
  labels: Marks,
  cluster: string,
  api: ClusterApi,
): Claim | null {
  const ref = namedBy(labels, flux.kustomize);
  if (ref === null) return null;
  return {
    by: "flux",
    proven: async () => {
      const found = await firstVersion(api, cluster, flux.kustomize, ["v1", "v1beta2"], "Kustomization", ref);
      const inventory = found?.status?.["inventory"];
      const id = inventoryId(object);
      return listOf(isObject(inventory) ? inventory.entries : null).some((entry) => entry["id"] === id);
    },
  };
}

/** `namespace_name_group_kind`. */
function inventoryId({ apiVersion, kind, metadata }: KubernetesObject): string {
  return [metadata.namespace ?? "", metadata.name, groupOf(apiVersion), kind].join("_");
}

/** A HelmRelease does not list objects; that it made the release which the object names is the other end. */
function fluxHelmClaim(labels: Marks, annotations: Marks, cluster: string, api: ClusterApi): Claim | null {
  const ref = namedBy(labels, flux.helm);
  if (ref === null) return null;
  return {
    by: "flux",
    proven: async () => {
      const found = await firstVersion(api, cluster, flux.helm, ["v2", "v2beta2"], "HelmRelease", ref);
      return listOf(found?.status?.["history"]).some(
        (release) =>
          release["name"] === annotations["meta.helm.sh/release-name"] &&
          release["namespace"] === annotations["meta.helm.sh/release-namespace"],
      );
    },
  };
}

type Named = Pick<ObjectRef, "namespace" | "name">;

function namedBy(labels: Marks, group: string): Named | null {
  const name = labels[`${group}/name`];
  const namespace = labels[`${group}/namespace`];
  return name === undefined || namespace === undefined ? null : { name, namespace };
}

/** In the first of the versions that the cluster serves. @throws Problem API_NOT_FOUND when it serves none */
async function firstVersion(
  api: ClusterApi,
  cluster: string,
  group: string,
  [version, ...older]: readonly string[],
  kind: string,
  ref: Named,
): Promise<KubernetesObject | null> {
  try {
    return await api.get({ cluster, apiVersion: `${group}/${version ?? ""}`, kind, ...ref });
  } catch (error) {
    if (older.length === 0 || toProblem(error).code !== "API_NOT_FOUND") throw error;
    return firstVersion(api, cluster, group, older, kind, ref);
  }
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
