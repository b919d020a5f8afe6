// The resources that the simulated API server knows, built in or defined by a CustomResourceDefinition, and how paths name them.
import type { CustomResourceDefinition } from "./objects.ts";

export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly subresources: readonly string[];
  /** Whether a change of anything but metadata and status raises metadata.generation. */
  readonly generation: boolean;
  /** Where its objects are kept: the plural; with the group for custom resources. All versions share one. */
  readonly table: string;
}

const resource = (
  api: string,
  kind: string,
  plural: string,
  options: Partial<
    Pick<Resource, "namespaced" | "shortNames" | "subresources" | "generation" | "table">
  > = {},
): Resource => {
  const [group, version] = api.includes("/") ? (api.split("/") as [string, string]) : ["", api];
  return {
    group,
    version,
    kind,
    plural,
    namespaced: true,
    shortNames: [],
    subresources: [],
    generation: group === "apps" || group === "policy",
    table: plural,
    ...options,
  };
};

/** Of several versions of one kind the first is the one that is stored. */
const builtIn: readonly Resource[] = [
  resource("v1", "Namespace", "namespaces", { namespaced: false, shortNames: ["ns"] }),
  resource("v1", "Node", "nodes", { namespaced: false, shortNames: ["no"], subresources: ["status"] }),
  resource("v1", "Pod", "pods", { shortNames: ["po"], subresources: ["status", "log", "eviction"] }),
  resource("v1", "Event", "events", { shortNames: ["ev"] }),
  resource("v1", "ConfigMap", "configmaps", { shortNames: ["cm"] }),
  resource("v1", "Secret", "secrets"),
  resource("v1", "Service", "services", { shortNames: ["svc"] }),
  resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims", {
    shortNames: ["pvc"],
    subresources: ["status"],
  }),
  resource("v1", "PersistentVolume", "persistentvolumes", {
    namespaced: false,
    shortNames: ["pv"],
    subresources: ["status"],
  }),
  resource("storage.k8s.io/v1", "StorageClass", "storageclasses", { namespaced: false, shortNames: ["sc"] }),
  resource("rbac.authorization.k8s.io/v1", "Role", "roles"),
  resource("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", { namespaced: false }),
  resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
  resource("v1", "LimitRange", "limitranges", { shortNames: ["limits"] }),
  resource("v1", "ResourceQuota", "resourcequotas", { shortNames: ["quota"], subresources: ["status"] }),
  resource("apps/v1", "Deployment", "deployments", {
    shortNames: ["deploy"],
    subresources: ["status", "scale"],
  }),
  resource("apps/v1", "ReplicaSet", "replicasets", { shortNames: ["rs"], subresources: ["status", "scale"] }),
  resource("apps/v1", "StatefulSet", "statefulsets", { shortNames: ["sts"], subresources: ["status"] }),
  resource("apps/v1", "DaemonSet", "daemonsets", { shortNames: ["ds"], subresources: ["status"] }),
  resource("batch/v1", "Job", "jobs", { subresources: ["status"] }),
  resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", { shortNames: ["hpa"] }),
  resource("autoscaling/v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", { shortNames: ["hpa"] }),
  resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", {
    namespaced: false,
    shortNames: ["crd"],
    subresources: ["status"],
  }),
  resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", {
    shortNames: ["pdb"],
    subresources: ["status"],
  }),
];

const byPlural = new Map(builtIn.map((one) => [`${apiVersionOf(one)}/${one.plural}`, one]));
const byKind = new Map(builtIn.map((one) => [`${apiVersionOf(one)}/${one.kind}`, one]));

export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

export interface ResourceTable {
  all(): readonly Resource[];
  /** @throws TypeError when the simulated cluster does not know the kind. */
  of(object: { readonly apiVersion: string; readonly kind: string }): Resource;
  /** null: not the path of a known resource. */
  at(pathname: string): ObjectPath | null;
}

/** `definitions`: those that exist at the moment of the call. */
export function resourceTable(definitions: () => readonly CustomResourceDefinition[]): ResourceTable {
  const custom = () => definitions().flatMap(customResources);
  const find = (apiVersion: string, plural: string) =>
    byPlural.get(`${apiVersion}/${plural}`) ??
    custom().find((one) => apiVersionOf(one) === apiVersion && one.plural === plural);
  return {
    all: () => [...builtIn, ...custom()],
    of: ({ apiVersion, kind }) => {
      const found =
        byKind.get(`${apiVersion}/${kind}`) ??
        custom().find((one) => apiVersionOf(one) === apiVersion && one.kind === kind);
      if (found === undefined) throw new TypeError(`the simulated cluster has no ${apiVersion} ${kind}`);
      return found;
    },
    at: (pathname) => parseObjectPath(pathname, find),
  };
}

function customResources({ spec }: CustomResourceDefinition): readonly Resource[] {
  const { group, names, scope, versions } = spec;
  return versions
    .filter(({ served }) => served)
    .toSorted((one, other) => Number(other.storage) - Number(one.storage))
    .map(({ name, subresources }) =>
      resource(`${group}/${name}`, names.kind, names.plural, {
        namespaced: scope === "Namespaced",
        subresources: Object.keys(subresources ?? {}),
        generation: true,
        table: `${names.plural}.${group}`,
      }),
    );
}

export interface ObjectPath {
  readonly resource: Resource;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly subresource: string | null;
}

function parseObjectPath(
  pathname: string,
  find: (apiVersion: string, plural: string) => Resource | undefined,
): ObjectPath | null {
  const parts = pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  const core = parts[0] === "api";
  if (!core && parts[0] !== "apis") return null;
  const apiVersion = core ? (parts[1] ?? "") : parts.slice(1, 3).join("/");
  const rest = parts.slice(core ? 2 : 3);
  const inNamespace = rest[0] === "namespaces" && rest.length >= 3;
  const [plural = "", name, subresource] = inNamespace ? rest.slice(2) : rest;
  const found = find(apiVersion, plural);
  if (found === undefined || inNamespace !== (found.namespaced && (inNamespace || name !== undefined)))
    return null;
  return {
    resource: found,
    namespace: inNamespace ? (rest[1] ?? null) : null,
    name: name ?? null,
    subresource: subresource ?? null,
  };
}
