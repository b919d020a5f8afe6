// The resources that the simulated API server knows, and how paths name them.

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
}

const resource = (
  api: string,
  kind: string,
  plural: string,
  options: Partial<Pick<Resource, "namespaced" | "shortNames" | "subresources" | "generation">> = {},
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
    ...options,
  };
};

export const resources: readonly Resource[] = [
  resource("v1", "Namespace", "namespaces", { namespaced: false, shortNames: ["ns"] }),
  resource("v1", "Node", "nodes", { namespaced: false, shortNames: ["no"], subresources: ["status"] }),
  resource("v1", "Pod", "pods", { shortNames: ["po"], subresources: ["status", "log", "eviction"] }),
  resource("v1", "Event", "events", { shortNames: ["ev"] }),
  resource("v1", "ConfigMap", "configmaps", { shortNames: ["cm"] }),
  resource("v1", "Service", "services", { shortNames: ["svc"] }),
  resource("apps/v1", "Deployment", "deployments", {
    shortNames: ["deploy"],
    subresources: ["status", "scale"],
  }),
  resource("apps/v1", "ReplicaSet", "replicasets", { shortNames: ["rs"], subresources: ["status", "scale"] }),
  resource("apps/v1", "StatefulSet", "statefulsets", { shortNames: ["sts"], subresources: ["status"] }),
  resource("apps/v1", "DaemonSet", "daemonsets", { shortNames: ["ds"], subresources: ["status"] }),
  resource("batch/v1", "Job", "jobs", { subresources: ["status"] }),
  resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", { shortNames: ["hpa"] }),
  resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", {
    shortNames: ["pdb"],
    subresources: ["status"],
  }),
];

const byPlural = new Map(resources.map((one) => [`${one.group}/${one.version}/${one.plural}`, one]));
const byKind = new Map(resources.map((one) => [`${apiVersionOf(one)}/${one.kind}`, one]));

export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

/** @throws TypeError when the simulated cluster does not know the kind. */
export function resourceOf(object: { readonly apiVersion: string; readonly kind: string }): Resource {
  const found = byKind.get(`${object.apiVersion}/${object.kind}`);
  if (found === undefined)
    throw new TypeError(`the simulated cluster has no ${object.apiVersion} ${object.kind}`);
  return found;
}

export interface ObjectPath {
  readonly resource: Resource;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly subresource: string | null;
}

/** null: not the path of a known resource. */
export function parseObjectPath(pathname: string): ObjectPath | null {
  const parts = pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  const core = parts[0] === "api";
  if (!core && parts[0] !== "apis") return null;
  const group = core ? "" : (parts[1] ?? "");
  const version = (core ? parts[1] : parts[2]) ?? "";
  const rest = parts.slice(core ? 2 : 3);
  const inNamespace = rest[0] === "namespaces" && rest.length >= 3;
  const [plural, name, subresource] = inNamespace ? rest.slice(2) : rest;
  const found = byPlural.get(`${group}/${version}/${plural}`);
  if (found === undefined || inNamespace !== (found.namespaced && (inNamespace || name !== undefined)))
    return null;
  return {
    resource: found,
    namespace: inNamespace ? (rest[1] ?? null) : null,
    name: name ?? null,
    subresource: subresource ?? null,
  };
}
