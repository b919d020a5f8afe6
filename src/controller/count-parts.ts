// How many nodes or pods there are where a limit allows a share of them: read from the cluster when the plan is weighed.
import type { ActionTools } from "../actions/action.ts";
import type { KubernetesObject } from "../domain/facts/objects.ts";
import type { AppliedLimit } from "../domain/gate/limits.ts";
import { type CountedPart, type Part, zoneLabel } from "../domain/gate/shares.ts";

/** Limits by share with the parts that they are about. @throws Problem API_*: what cannot be counted is not allowed */
export async function withParts(
  limits: readonly AppliedLimit[],
  parts: readonly Part[],
  tools: ActionTools,
): Promise<readonly AppliedLimit[]> {
  const totals = new Map<string, Promise<number | null>>();
  const totalOf = (part: Part) => {
    const total = totals.get(part.key) ?? countAll(part, tools);
    totals.set(part.key, total);
    return total;
  };
  return Promise.all(
    limits.map(async (limit) => {
      if (limit.share === undefined) return limit;
      const own = parts.filter(({ scope }) => scope === limit.scope);
      const counted = await Promise.all(own.map(async (part) => ({ ...part, total: await totalOf(part) })));
      return { ...limit, parts: counted.filter((part): part is CountedPart => part.total !== null) };
    }),
  );
}

/** null: it is no workload whose replicas can be counted, a Job for one. */
async function countAll({ scope, cluster, key }: Part, tools: ActionTools): Promise<number | null> {
  const api = tools.cluster(cluster);
  const nodes = { apiVersion: "v1", kind: "Node", namespace: null };
  const place = key.slice(`${key.split("/")[0]}/${cluster}/`.length);
  switch (scope) {
    case "cluster":
      return (await api.list(nodes)).length;
    case "zone":
      return (await api.list({ ...nodes, labelSelector: `${zoneLabel}=${place}` })).length;
    case "namespace":
      return (await api.list({ apiVersion: "v1", kind: "Pod", namespace: place })).length;
    case "workload": {
      const [group, kind = "", namespace = "", name = ""] = place.split("/");
      if (group !== "apps") return null;
      const workload = await api.get({ cluster, apiVersion: "apps/v1", kind, namespace, name });
      return workload === null ? null : replicasOf(workload);
    }
  }
}

function replicasOf({ kind, spec, status }: KubernetesObject): number {
  const replicas = kind === "DaemonSet" ? status?.desiredNumberScheduled : (spec?.replicas ?? 1);
  return typeof replicas === "number" ? replicas : 0;
}
