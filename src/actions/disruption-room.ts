// How many pods of a workload may be down at once: what its disruption budgets and its own rollout settings allow, and always one,
// because a pod that is broken already is not disrupted by its end.
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject } from "../domain/json.ts";
import { toProblem } from "../domain/problem.ts";
import type { ClusterApi } from "./action.ts";
import { rolloutOf } from "./rollout.ts";

/** @throws Problem API_*, but not API_FORBIDDEN: who may not see the budgets takes one pod at a time. */
export async function disruptionRoom(workload: KubernetesObject, api: ClusterApi): Promise<number> {
  const budgets = await budgetsOf(workload, api);
  if (budgets === null) return 1;
  return Math.max(1, Math.min(maxUnavailable(workload), ...budgets.map(roomOf)));
}

async function budgetsOf(
  { metadata, spec }: KubernetesObject,
  api: ClusterApi,
): Promise<readonly KubernetesObject[] | null> {
  const template = isObject(spec?.["template"]) ? spec["template"] : {};
  const labels = isObject(template["metadata"]) ? template["metadata"]["labels"] : {};
  try {
    return await budgetsFor(isObject(labels) ? labels : {}, metadata.namespace ?? null, api);
  } catch (error) {
    if (toProblem(error).code === "API_FORBIDDEN") return null;
    throw error;
  }
}

/** Those that take pods with these labels; none where the API server has no policy/v1. @throws Problem API_* */
export async function budgetsFor(
  labels: Readonly<Record<string, unknown>>,
  namespace: string | null,
  api: ClusterApi,
): Promise<readonly KubernetesObject[]> {
  try {
    const all = await api.list({ apiVersion: "policy/v1", kind: "PodDisruptionBudget", namespace });
    return all.filter((budget) => selects(budget.spec?.["selector"], labels));
  } catch (error) {
    if (toProblem(error).code === "API_NOT_FOUND") return [];
    throw error;
  }
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly unknown[];
}

/** An empty selector takes every pod of the namespace, none takes no pod: as policy/v1 says. */
export function selects(selector: unknown, labels: Readonly<Record<string, unknown>>): boolean {
  if (!isObject(selector)) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const equal = Object.entries(isObject(matchLabels) ? matchLabels : {});
  const requirements = (Array.isArray(matchExpressions) ? matchExpressions : []) as unknown as Requirement[];
  return (
    equal.every(([key, value]) => labels[key] === value) && requirements.every((one) => holds(one, labels))
  );
}

function holds(
  { key, operator, values = [] }: Requirement,
  labels: Readonly<Record<string, unknown>>,
): boolean {
  switch (operator) {
    case "In":
      return values.includes(labels[key]);
    case "NotIn":
      return !values.includes(labels[key]);
    case "Exists":
      return Object.hasOwn(labels, key);
    case "DoesNotExist":
      return !Object.hasOwn(labels, key);
    default:
      // An operator that nobody knows yet must not make a budget disappear.
      return true;
  }
}

/** How many of its pods may be missing in all, whatever is missing now. */
function roomOf({ status }: KubernetesObject): number {
  const { expectedPods, desiredHealthy } = status ?? {};
  return typeof expectedPods === "number" && typeof desiredHealthy === "number"
    ? expectedPods - desiredHealthy
    : 1;
}

/** The workload's own, with the defaults of Kubernetes; a share is rounded down. */
export function maxUnavailable(workload: KubernetesObject): number {
  const { kind, spec = {} } = workload;
  const strategy = kind === "Deployment" ? spec["strategy"] : spec["updateStrategy"];
  const rolling = isObject(strategy) && isObject(strategy["rollingUpdate"]) ? strategy["rollingUpdate"] : {};
  const value = rolling["maxUnavailable"] ?? (kind === "Deployment" ? "25%" : 1);
  if (typeof value === "number") return value;
  const share = Number.parseInt(String(value as string), 10) / 100;
  return Math.floor(rolloutOf(workload).desired * share);
}
