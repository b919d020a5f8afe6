// Where an object of any kind lives in the API: a table for the built-in kinds, the server's discovery for all others.
import { isObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";

export interface ResourceType {
  readonly plural: string;
  readonly namespaced: boolean;
}

const clusterScoped = new Set(["Node", "Namespace", "PersistentVolume"]);

const plurals: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  v1: {
    ConfigMap: "configmaps",
    Event: "events",
    LimitRange: "limitranges",
    Namespace: "namespaces",
    Node: "nodes",
    PersistentVolume: "persistentvolumes",
    PersistentVolumeClaim: "persistentvolumeclaims",
    Pod: "pods",
    ResourceQuota: "resourcequotas",
    Secret: "secrets",
    Service: "services",
  },
  "apps/v1": {
    DaemonSet: "daemonsets",
    Deployment: "deployments",
    ReplicaSet: "replicasets",
    StatefulSet: "statefulsets",
  },
  "autoscaling/v1": { HorizontalPodAutoscaler: "horizontalpodautoscalers" },
  "autoscaling/v2": { HorizontalPodAutoscaler: "horizontalpodautoscalers" },
  "batch/v1": { CronJob: "cronjobs", Job: "jobs" },
  "policy/v1": { PodDisruptionBudget: "poddisruptionbudgets" },
};

export function builtInType(apiVersion: string, kind: string): ResourceType | null {
  const kinds = Object.hasOwn(plurals, apiVersion) ? plurals[apiVersion]! : {};
  const plural = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  return plural === undefined ? null : { plural, namespaced: !clusterScoped.has(kind) };
}

/** The kind's entry in an APIResourceList. */
export function discoveredType(list: unknown, kind: string): ResourceType | null {
  const entries = isObject(list) && Array.isArray(list.resources) ? (list.resources as unknown[]) : [];
  for (const entry of entries) {
    if (!isObject(entry) || entry.kind !== kind || typeof entry.name !== "string") continue;
    if (!entry.name.includes("/")) return { plural: entry.name, namespaced: entry.namespaced === true };
  }
  return null;
}

/** The version in which the server takes evictions, as its list of core resources says; null: it knows none. */
export function evictionApi(list: unknown): string | null {
  const entries = isObject(list) && Array.isArray(list.resources) ? (list.resources as unknown[]) : [];
  const found = entries.find((entry) => isObject(entry) && entry.name === "pods/eviction");
  if (!isObject(found) || typeof found.version !== "string") return null;
  return `${typeof found.group === "string" ? found.group : "policy"}/${found.version}`;
}

/** `/api/v1` or `/apis/apps/v1`. @throws Problem API_INVALID */
export function groupPath(apiVersion: string): string {
  if (!/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[a-z0-9]+$/.test(apiVersion))
    throw refused(`apiVersion "${apiVersion}"`);
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

export function collectionPath(apiVersion: string, type: ResourceType, namespace: string | null): string {
  const inside = type.namespaced && namespace !== null ? `/namespaces/${segment(namespace)}` : "";
  return `${groupPath(apiVersion)}${inside}/${segment(type.plural)}`;
}

/** @throws Problem API_INVALID when a namespaced object has no namespace, or a name could leave its path. */
export function objectPath(
  object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string | null;
    readonly name: string;
  },
  type: ResourceType,
): string {
  if (type.namespaced && object.namespace === null) throw refused(`${object.kind} without a namespace`);
  return `${collectionPath(object.apiVersion, type, object.namespace)}/${segment(object.name)}`;
}

/** The API server's own rule for names in paths, and no empty ones. */
function segment(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/%]/.test(name))
    throw refused(`name ${JSON.stringify(name)}`);
  return encodeURIComponent(name);
}

function refused(what: string): Problem {
  return new Problem("API_INVALID", `no request was sent: ${what} is not valid`);
}
