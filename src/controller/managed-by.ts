// Who writes the target's manifest, found by the marks that Argo CD, Flux and Helm leave on what they apply. A mark is only a
// claim: anybody can set a label. Argo CD and Flux are believed when their own object lists the target too; else it is disputed,
// and what is disputed is not changed, because it may be theirs after all.
import type { ActionTools, ClusterApi } from "../actions/action.ts";
import { isSuspended } from "../actions/gitops/reconciler.ts";
import {
  type KubernetesObject,
  type ManagedBy,
  type Manager,
  type ManagerKind,
  type ObjectRef,
  type OwnerReference,
  objectKey,
} from "../domain/facts/objects.ts";
import { isObject } from "../domain/json.ts";
import { toProblem } from "../domain/problem.ts";
import { argoSource, fluxSource, gitRepositoryOf } from "./manifest-source.ts";
import { readOnce } from "./read-once.ts";

type Marks = Readonly<Record<string, string>>;

/** A claim, and the question that proves it. */
interface Claim {
  readonly by: "argocd" | "flux";
  readonly kind: ManagerKind;
  /** As the mark names it. */
  readonly object: ObjectRef;
  /** Who is named, for people: `Kustomization flux-system/apps`. */
  readonly owner: string;
  /** A mark that others use too: it counts only with its proof. */
  readonly common: boolean;
  /** The object that lists it too. */
  readonly proof: () => Promise<KubernetesObject | null>;
}

interface Weighed extends Claim {
  readonly found: KubernetesObject | null;
  /** Why it is not proven. */
  readonly doubt: string | null;
}

export interface Management {
  readonly by: ManagedBy;
  /** Why it is disputed, for people. */
  readonly why: string | null;
  readonly manager: Manager | null;
}

/** Where a question is asked. `above`: who was found on the way up; what manages itself is at the top. */
interface Cluster {
  readonly name: string;
  readonly api: ClusterApi;
  readonly above: readonly string[];
}

const flux = { kustomize: "kustomize.toolkit.fluxcd.io", helm: "helm.toolkit.fluxcd.io" } as const;
const longestChain = 8;

/** @throws Problem API_* only when the API server cannot be asked at all: then the target is not known either */
export async function managedBy(
  cluster: string,
  object: KubernetesObject,
  tools: ActionTools,
): Promise<Management> {
  return managed(object, { name: cluster, api: readOnce(tools).cluster(cluster), above: [] });
}

/** Of an object whose controlling owner is no built-in workload. @throws Problem as managedBy does */
export async function managedByOwner(
  cluster: string,
  object: KubernetesObject,
  owner: OwnerReference,
  tools: ActionTools,
): Promise<Management> {
  const place = { name: cluster, api: readOnce(tools).cluster(cluster), above: [] };
  return { by: "operator", why: null, manager: await operator(object, owner, place) };
}

async function managed(object: KubernetesObject, cluster: Cluster): Promise<Management> {
  const release = releaseOf(object, cluster);
  const weighed = await Promise.all(claimsOn(object, cluster.name, cluster.api).map(weigh));
  const claims = weighed.filter(
    ({ common, doubt }) => !common || doubt === null || (doubt !== absent && release === null),
  );
  const [first] = claims;
  if (first === undefined) return { by: release === null ? "none" : "helm", why: null, manager: release };
  const claim = claims.find(({ doubt }) => doubt === null) ?? first;
  // Two that both say it is theirs: whoever is right, a change would be undone.
  if (new Set(claims.map(({ by }) => by)).size > 1) {
    const why = `its marks name ${claims.map(({ owner }) => owner).join(" and ")}`;
    return { by: "disputed", why, manager: unconfirmed(claim) };
  }
  if (claim.found !== null)
    return { by: claim.by, why: null, manager: await confirmed(claim, claim.found, cluster) };
  return {
    by: "disputed",
    why: `its marks name ${claim.owner}, ${claim.doubt}`,
    manager: unconfirmed(claim),
  };
}

function unconfirmed({ kind, object }: Pick<Claim, "kind" | "object">): Manager {
  return { kind, object, confirmed: false, source: null, suspended: false, manager: null };
}

async function confirmed({ kind }: Claim, found: KubernetesObject, cluster: Cluster): Promise<Manager> {
  const object = refOf(found, cluster.name);
  const source = kind === "argo-application" ? argoSource(found) : await sourceInFlux(found, cluster);
  const manager = await managerOf(found, cluster);
  return { kind, object, confirmed: true, source, suspended: isSuspended(found), manager };
}

/** One level up: who writes the manifest of what was found. */
async function managerOf(object: KubernetesObject, cluster: Cluster): Promise<Manager | null> {
  const key = objectKey(refOf(object, cluster.name));
  if (cluster.above.includes(key) || cluster.above.length >= longestChain) return null;
  const higher = { ...cluster, above: [...cluster.above, key] };
  const owner = controllerOf(object);
  const { manager } =
    owner === undefined ? await managed(object, higher) : { manager: await operator(object, owner, higher) };
  // A Kustomization that applies itself, as the one of `flux bootstrap` does.
  return manager !== null && higher.above.includes(objectKey(manager.object)) ? null : manager;
}

/** The object names its owner by uid; that one is there under it, or it is only a claim. */
async function operator(
  object: KubernetesObject,
  { apiVersion, kind, name, uid }: OwnerReference,
  cluster: Cluster,
): Promise<Manager> {
  const namespace = object.metadata.namespace ?? null;
  const claim = {
    kind: "operator",
    object: { cluster: cluster.name, apiVersion, kind, namespace, name },
  } as const;
  // A static pod's node: what writes that is no manifest.
  if (kind === "Node") return unconfirmed(claim);
  const found = await readable(() => cluster.api.get(claim.object));
  if (found === null || found.metadata.uid !== uid) return unconfirmed(claim);
  const manager = await managerOf(found, cluster);
  return { ...unconfirmed(claim), object: refOf(found, cluster.name), confirmed: true, manager };
}

export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** Helm keeps its releases in Secrets, which finding out who owns something is no reason to read. */
function releaseOf({ metadata }: KubernetesObject, { name: cluster }: Cluster): Manager | null {
  const name = metadata.annotations?.["meta.helm.sh/release-name"];
  if (name === undefined) return null;
  const namespace = metadata.annotations?.["meta.helm.sh/release-namespace"] ?? metadata.namespace ?? null;
  return unconfirmed({
    kind: "helm",
    object: { cluster, apiVersion: "helm.sh/v1", kind: "Release", namespace, name },
  });
}

async function sourceInFlux(owner: KubernetesObject, { name, api }: Cluster): Promise<Manager["source"]> {
  const ref = gitRepositoryOf(owner);
  if (ref === null) return null;
  const repository = await readable(() => api.get({ cluster: name, kind: "GitRepository", ...ref }));
  return repository === null ? null : fluxSource(owner, repository);
}

function refOf({ apiVersion, kind, metadata }: KubernetesObject, cluster: string): ObjectRef {
  return { cluster, apiVersion, kind, namespace: metadata.namespace ?? null, name: metadata.name };
}

function claimsOn(object: KubernetesObject, cluster: string, api: ClusterApi): readonly Claim[] {
  return [
    argoClaim(object, cluster, api),
    kustomizeClaim(object, cluster, api),
    fluxHelmClaim(object, cluster, api),
  ].filter((claim) => claim !== null);
}

const absent = "which does not list it";

/** What may not be read, or is not there at all, proves nothing. */
async function weigh(claim: Claim): Promise<Weighed> {
  const { common, proof } = claim;
  try {
    const found = await proof();
    return { ...claim, found, doubt: found === null ? absent : null };
  } catch (error) {
    const { code, message } = toProblem(error);
    if (code === "API_FORBIDDEN")
      return { ...claim, found: null, doubt: `which may not be read (${message})` };
    if (code !== "API_NOT_FOUND" && code !== "API_INVALID") throw error;
    return { ...claim, found: null, doubt: common ? absent : `which this cluster cannot show (${message})` };
  }
}

async function readable(read: () => Promise<KubernetesObject | null>): Promise<KubernetesObject | null> {
  try {
    return await read();
  } catch (error) {
    if (["API_FORBIDDEN", "API_NOT_FOUND", "API_INVALID"].includes(toProblem(error).code)) return null;
    throw error;
  }
}

// ---- Argo CD ------------------------------------------------------------------------------------------------------

/**
 * `app:group/kind:namespace/name`; `namespace_app` where applications may live in any namespace. Before version 3 Argo CD marks
 * what it applies by a label that Helm charts use as well.
 */
function argoClaim(object: KubernetesObject, cluster: string, api: ClusterApi): Claim | null {
  const { labels = {}, annotations = {} } = object.metadata;
  const own =
    annotations["argocd.argoproj.io/tracking-id"]?.split(":")[0] ?? labels["argocd.argoproj.io/instance"];
  const application = own ?? labels["app.kubernetes.io/instance"];
  if (application === undefined || application === "") return null;
  const [name = "", namespace = null] = application.split("_").toReversed();
  return {
    by: "argocd",
    kind: "argo-application",
    object: { cluster, apiVersion: argoApi, kind: "Application", namespace, name },
    owner: `Argo CD application ${application}`,
    common: own === undefined,
    proof: async () => {
      const listing = (await applications(name, namespace, api)).filter((one) => argoLists(one, object));
      return listing[0] ?? null;
    },
  };
}

const argoApi = "argoproj.io/v1alpha1";

async function applications(
  name: string,
  namespace: string | null,
  api: ClusterApi,
): Promise<readonly KubernetesObject[]> {
  // An annotation may hold anything, and this becomes a part of a query.
  if (!/^[a-z0-9][-.a-z0-9]{0,252}$/.test(name)) return [];
  const found = await api.list({
    apiVersion: argoApi,
    kind: "Application",
    namespace: null,
    fieldSelector: `metadata.name=${name}`,
  });
  return found.filter(
    ({ metadata }) =>
      metadata.name === name && (namespace === null || (metadata.namespace ?? "") === namespace),
  );
}

/** What it has put into another cluster stands in its status too: an object of the same name here is another one. */
function argoLists(application: KubernetesObject, object: KubernetesObject): boolean {
  const { server = null, name = null } = isObject(application.spec?.["destination"])
    ? application.spec["destination"]
    : {};
  const here =
    (server ?? inCluster.server) === inCluster.server && (name ?? inCluster.name) === inCluster.name;
  if (!here) return false;
  const group = groupOf(object.apiVersion);
  return listOf(application.status?.["resources"]).some(
    (entry) =>
      (entry["group"] ?? "") === group &&
      entry["kind"] === object.kind &&
      entry["name"] === object.metadata.name &&
      (entry["namespace"] ?? "") === (object.metadata.namespace ?? ""),
  );
}

const inCluster = { server: "https://kubernetes.default.svc", name: "in-cluster" } as const;

// ---- Flux ---------------------------------------------------------------------------------------------------------

function kustomizeClaim(object: KubernetesObject, cluster: string, api: ClusterApi): Claim | null {
  const ref = namedBy(object.metadata.labels ?? {}, flux.kustomize);
  if (ref === null) return null;
  return {
    by: "flux",
    kind: "flux-kustomization",
    object: { cluster, apiVersion: `${flux.kustomize}/v1`, kind: "Kustomization", ...ref },
    owner: `Kustomization ${ref.namespace}/${ref.name}`,
    common: false,
    proof: async () => {
      const found = await firstVersion(api, cluster, flux.kustomize, ["v1", "v1beta2"], "Kustomization", ref);
      return isHere(found) && inventoryLists(found?.status?.["inventory"], object) ? found : null;
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
    kind: "flux-helmrelease",
    object: { cluster, apiVersion: `${flux.helm}/v2`, kind: "HelmRelease", ...ref },
    owner: `HelmRelease ${ref.namespace}/${ref.name}`,
    common: false,
    proof: async () => {
      const found = await firstVersion(api, cluster, flux.helm, ["v2", "v2beta2"], "HelmRelease", ref);
      if (!isHere(found)) return null;
      const { inventory, history } = found?.status ?? {};
      if (inventory !== undefined) return inventoryLists(inventory, object) ? found : null;
      const made = listOf(history).some(
        (release) =>
          release["name"] === annotations["meta.helm.sh/release-name"] &&
          release["namespace"] === annotations["meta.helm.sh/release-namespace"],
      );
      return made ? found : null;
    },
  };
}

/** What has a kubeconfig of its own applies to another cluster. */
function isHere(owner: KubernetesObject | null): boolean {
  return owner?.spec?.["kubeConfig"] === undefined;
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
