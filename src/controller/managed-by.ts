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
  readonly by: "argocd" | "flux";
  /** Who is named, for people: `Kustomization flux-system/apps`. */
  readonly owner: string;
  /** A mark that others use too: it counts only with its proof. */
  readonly common: boolean;
  readonly proven: () => Promise<boolean>;
}

export interface Management {
  readonly by: ManagedBy;
  /** Why it is disputed, for people. */
  readonly why: string | null;
}

const flux = { kustomize: "kustomize.toolkit.fluxcd.io", helm: "helm.toolkit.fluxcd.io" } as const;

/** @throws Problem API_* only when the API server cannot be asked at all: then the target is not known either */
export async function managedBy(
  cluster: string,
  object: KubernetesObject,
  tools: ActionTools,
): Promise<Management> {
  const release = object.metadata.annotations?.["meta.helm.sh/release-name"];
  const weighed = await Promise.all(
    claimsOn(object, cluster, tools.cluster(cluster)).map(async (claim) => ({
      ...claim,
      doubt: await doubtOf(claim),
    })),
  );
  const claims = weighed.filter(
    ({ common, doubt }) => !common || doubt === null || (doubt !== absent && release === undefined),
  );
  const [claim] = claims;
  if (claim === undefined) return { by: release === undefined ? "none" : "helm", why: null };
  // Two that both say it is theirs: whoever is right, a change would be undone.
  if (new Set(claims.map(({ by }) => by)).size > 1)
    return { by: "disputed", why: `its marks name ${claims.map(({ owner }) => owner).join(" and ")}` };
  if (claims.some(({ doubt }) => doubt === null)) return { by: claim.by, why: null };
  return { by: "disputed", why: `its marks name ${claim.owner}, ${claim.doubt}` };
}

function claimsOn(object: KubernetesObject, cluster: string, api: ClusterApi): readonly Claim[] {
  const labels = object.metadata.labels ?? {};
  const annotations = object.metadata.annotations ?? {};
  return [
    argoClaim(object, labels, annotations, api),
    kustomizeClaim(object, labels, cluster, api),
    fluxHelmClaim(object, cluster, api),
  ].filter((claim) => claim !== null);
}

const absent = "which does not list it";

/** null: proven. What may not be read, or is not there at all, proves nothing. */
async function doubtOf({ common, proven }: Claim): Promise<string | null> {
  try {
    return (await proven()) ? null : absent;
  } catch (error) {
    const { code, message } = toProblem(error);
    if (code === "API_FORBIDDEN") return `which may not be read (${message})`;
    if (code !== "API_NOT_FOUND" && code !== "API_INVALID") throw error;
    return common ? absent : `which this cluster cannot show (${message})`;
  }
}

// ---- Argo CD ------------------------------------------------------------------------------------------------------

/**
 * `app:group/kind:namespace/name`; `namespace_app` where applications may live in any namespace. Before version 3 Argo CD marks
 * what it applies by a label that Helm charts use as well.
 */
function argoClaim(
  object: KubernetesObject,
  labels: Marks,
  annotations: Marks,
  api: ClusterApi,
): Claim | null {
  const own =
    annotations["argocd.argoproj.io/tracking-id"]?.split(":")[0] ?? labels["argocd.argoproj.io/instance"];
  const application = own ?? labels["app.kubernetes.io/instance"];
  if (application === undefined || application === "") return null;
  return {
    by: "argocd",
    owner: `Argo CD application ${application}`,
    common: own === undefined,
    proven: async () => (await applications(application, api)).some((one) => argoLists(one, object)),
  };
}

async function applications(text: string, api: ClusterApi): Promise<readonly KubernetesObject[]> {
  const [name = "", namespace = null] = text.split("_").toReversed();
  // An annotation may hold anything, and this becomes a part of a query.
  if (!/^[a-z0-9][-.a-z0-9]{0,252}$/.test(name)) return [];
  const found = await api.list({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    namespace: null,
    fieldSelector: `metadata.name=${name}`,
  });
  return found.filter(
    ({ metadata }) =>
      metadata.name === name && (namespace === null || (metadata.namespace ?? "") === namespace),
  );
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
    owner: `Kustomization ${ref.namespace}/${ref.name}`,
    common: false,
    proven: async () => {
      const found = await firstVersion(api, cluster, flux.kustomize, ["v1", "v1beta2"], "Kustomization", ref);
      return inventoryLists(found?.status?.["inventory"], object);
    },
  };
}

/** An entry's id is `namespace_name_group_kind`. */
function inventoryLists(inventory: unknown, { apiVersion, kind, metadata }: KubernetesObject): boolean {
  const id = [metadata.namespace ?? "", metadata.name, groupOf(apiVersion), kind].join("_");
  return listOf(isObject(inventory) ? inventory.entries : null).some((entry) => entry["id"] === id);
}

/** Older HelmReleases list no objects; that one made the release which the object names is the other end then. */
function fluxHelmClaim(object: KubernetesObject, cluster: string, api: ClusterApi): Claim | null {
  const { labels = {}, annotations = {} } = object.metadata;
  const ref = namedBy(labels, flux.helm);
  if (ref === null) return null;
  return {
    by: "flux",
    owner: `HelmRelease ${ref.namespace}/${ref.name}`,
    common: false,
    proven: async () => {
      const found = await firstVersion(api, cluster, flux.helm, ["v2", "v2beta2"], "HelmRelease", ref);
      const { inventory, history } = found?.status ?? {};
      if (inventory !== undefined) return inventoryLists(inventory, object);
      return listOf(history).some(
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
