// New pods have to fit into the ResourceQuotas and LimitRanges of their namespace. The API server takes a Deployment that asks for
// more all the same, and its pods never come: that is said here, before the change. The pages of a namespace, read once each.
import type { ClusterApi } from "../../actions/action.ts";
import { selectorText } from "../../actions/selector-text.ts";
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import { isObject } from "../../domain/json.ts";
import { toProblem } from "../../domain/problem.ts";
import { limitRangeProblem } from "./limit-range.ts";
import { type NewPods, newPodsOf } from "./new-pods.ts";
import { type AskingPod, askedBy } from "./pod-amounts.ts";
import { inScope, quotaProblem } from "./resource-quota.ts";
import type { CheckedEffect } from "./step-check.ts";

/** @throws Problem LIMIT_RANGE_EXCEEDED, final; QUOTA_EXCEEDED, retryable: others may end; API_*, but not API_FORBIDDEN */
export async function refuseBeyondNamespaceLimits(checked: CheckedEffect): Promise<void> {
  const pods = newPodsOf(checked);
  if (pods === null) return;
  const api = checked.tools.cluster(pods.ref.cluster);
  const [ranges, quotas] = await Promise.all([
    readable(api, "LimitRange", pods.namespace),
    readable(api, "ResourceQuota", pods.namespace),
  ]);
  const asked = askedBy(pods.spec, ranges);
  const problem = limitRangeProblem(pods, asked, ranges);
  if (problem !== null) throw problem;
  const bounding = quotas.filter((quota) => inScope(quota, pods.spec, asked));
  if (bounding.length === 0) return;
  const present = await presentPods(pods, api);
  for (const quota of bounding) {
    const exceeded = quotaProblem(
      quota,
      pods,
      asked,
      present.filter(({ spec, asks }) => inScope(quota, spec, asks)).map(({ asks }) => asks),
    );
    if (exceeded !== null) throw exceeded;
  }
}

/** Who may not read them leaves them to the API server, which holds every pod to them. */
async function readable(
  api: ClusterApi,
  kind: "LimitRange" | "ResourceQuota",
  namespace: string,
): Promise<readonly KubernetesObject[]> {
  try {
    return await api.list({ apiVersion: "v1", kind, namespace });
  } catch (error) {
    if (toProblem(error).code === "API_FORBIDDEN") return [];
    throw error;
  }
}

/** What the pods that go have in use: as they are, not as the template says, which may have changed since. */
async function presentPods({ moments, selector, namespace }: NewPods, api: ClusterApi) {
  if (selector === null || moments.every(({ frees }) => frees === 0)) return [];
  const labelSelector = selectorText(selector);
  const pods = await api.list({ apiVersion: "v1", kind: "Pod", namespace, labelSelector });
  return pods.filter(isInUse).map(({ spec = {} }) => {
    const own = isObject(spec) ? spec : {};
    const asks: AskingPod = askedBy(own, []);
    return { spec: own, asks };
  });
}

/** What has ended holds nothing any more. */
function isInUse({ status }: KubernetesObject): boolean {
  return status?.["phase"] !== "Succeeded" && status?.["phase"] !== "Failed";
}
