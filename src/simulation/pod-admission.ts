// What admission does to a new pod: LimitRanges fill in and bound its containers, ResourceQuotas bound the namespace.
// The words are those of the real admission plugins.
import type {
  Amounts,
  Container,
  LimitRange,
  LimitRangeItem,
  Pod,
  PodSpec,
  ResourceQuota,
} from "./objects.ts";
import { amount, amountText } from "./quantities.ts";
import { forbidden } from "./status-error.ts";
import type { Controller, World } from "./world.ts";

/** The pod with what LimitRanges fill in. @throws StatusError 403: a LimitRange or a quota of its namespace does not let it in */
export function admitPod(world: World, pod: Pod): Pod {
  const { namespace = "" } = pod.metadata;
  const ranges = world.store.list("limitranges", namespace) as LimitRange[];
  const items = ranges.flatMap(({ spec }) => spec.limits);
  const filled = items.reduce(withDefaultAmounts, withRequestsOfLimits(pod));
  const why = items.flatMap((item) => brokenBounds(item, filled.spec));
  if (why.length > 0) throw refused(pod, why.length === 1 ? why[0]! : `[${why.join(", ")}]`);
  for (const quota of world.store.list("resourcequotas", namespace) as ResourceQuota[]) {
    const problem = exceeds(world, quota, filled);
    if (problem !== null) throw refused(pod, problem);
  }
  return filled;
}

function refused({ metadata: { name } }: Pod, why: string) {
  return forbidden({ group: "", resource: "pods", name }, why);
}

function mapContainers(pod: Pod, change: (container: Container) => Container): Pod {
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(change) } };
}

/** What is limited and asks for nothing asks for its limit. */
function withRequestsOfLimits(pod: Pod): Pod {
  return mapContainers(pod, (container) => {
    const { limits, requests } = container.resources ?? {};
    return limits === undefined
      ? container
      : { ...container, resources: { limits, requests: { ...limits, ...requests } } };
  });
}

// ---- LimitRange ---------------------------------------------------------------------------------------------------

function withDefaultAmounts(pod: Pod, item: LimitRangeItem): Pod {
  if (item.type !== "Container") return pod;
  return mapContainers(pod, (container) => {
    const limits = { ...(item.default ?? item.max), ...container.resources?.limits };
    const requests = {
      ...(item.defaultRequest ?? item.default ?? item.min ?? item.max),
      ...container.resources?.requests,
    };
    return { ...container, resources: { limits, requests } };
  });
}

function brokenBounds(item: LimitRangeItem, spec: PodSpec): string[] {
  if (item.type === "Pod") return brokenFor(item, totals(spec, "requests"), totals(spec, "limits"));
  if (item.type !== "Container") return [];
  return spec.containers.flatMap(({ resources }) =>
    brokenFor(item, resources?.requests ?? {}, resources?.limits ?? {}),
  );
}

function brokenFor(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  const { type, min = {}, max = {}, maxLimitRequestRatio: ratios = {} } = item;
  const low = Object.entries(min).flatMap(([name, bound]) => {
    const text = `minimum ${name} usage per ${type} is ${bound}`;
    if (requests[name] === undefined) return [`${text}.  No request is specified`];
    return amount(requests[name]) < amount(bound) ? [`${text}, but request is ${requests[name]}`] : [];
  });
  const high = Object.entries(max).flatMap(([name, bound]) => {
    const text = `maximum ${name} usage per ${type} is ${bound}`;
    if (limits[name] === undefined) return [`${text}.  No limit is specified`];
    return amount(limits[name]) > amount(bound) ? [`${text}, but limit is ${limits[name]}`] : [];
  });
  const wide = Object.entries(ratios).flatMap(([name, bound]) => {
    const [limit, request] = [amount(limits[name]), amount(requests[name])];
    const ratio = limit / request;
    if (!(request > 0) || !(limit > 0))
      return [
        `${name} max limit to request ratio per ${type} is ${bound}, but no request is specified or request is 0`,
      ];
    return ratio > amount(bound)
      ? [
          `${name} max limit to request ratio per ${type} is ${bound}, but provided ratio is ${ratio.toFixed(6)}`,
        ]
      : [];
  });
  return [...low, ...high, ...wide];
}

/** All containers together; an init container counts where it asks for more than they do. */
export function totals({ containers, initContainers = [] }: PodSpec, side: "requests" | "limits"): Amounts {
  const sum: Record<string, number> = {};
  for (const { resources } of containers)
    for (const [name, value] of Object.entries(resources?.[side] ?? {}))
      sum[name] = (sum[name] ?? 0) + amount(value);
  for (const { resources } of initContainers)
    for (const [name, value] of Object.entries(resources?.[side] ?? {}))
      sum[name] = Math.max(sum[name] ?? 0, amount(value));
  return sum;
}

// ---- ResourceQuota ------------------------------------------------------------------------------------------------

/** What a pod uses of this resource of a quota; null: pods do not count in it. */
function usageOf(spec: PodSpec, resource: string): number | null {
  if (resource === "pods" || resource === "count/pods") return 1;
  if (resource.startsWith("limits.")) return amount(totals(spec, "limits")[resource.slice(7)] ?? 0);
  const name = resource.replace(/^requests\./, "");
  const counted = resource !== name || ["cpu", "memory", "ephemeral-storage"].includes(name);
  return counted ? amount(totals(spec, "requests")[name] ?? 0) : null;
}

function isBestEffort({ containers }: PodSpec): boolean {
  return containers.every(({ resources = {} }) =>
    [resources.requests, resources.limits].every((side) => Object.keys(side ?? {}).length === 0),
  );
}

function inScope({ spec: { scopes = [] } }: ResourceQuota, spec: PodSpec): boolean {
  const scope: Readonly<Record<string, boolean>> = {
    Terminating: spec.activeDeadlineSeconds !== undefined,
    NotTerminating: spec.activeDeadlineSeconds === undefined,
    BestEffort: isBestEffort(spec),
    NotBestEffort: !isBestEffort(spec),
  };
  return scopes.every((name) => scope[name] ?? true);
}

export const hasEnded = ({ status }: Pod) => status.phase === "Succeeded" || status.phase === "Failed";

function usedOf(world: World, quota: ResourceQuota): Record<string, number> {
  const pods = world.store.list("pods", quota.metadata.namespace ?? null) as Pod[];
  const counted = pods.filter((pod) => inScope(quota, pod.spec));
  return Object.fromEntries(
    Object.keys(quota.spec.hard).map((resource) => [
      resource,
      counted
        .filter((pod) => resource === "count/pods" || !hasEnded(pod))
        .reduce((sum, { spec }) => sum + (usageOf(spec, resource) ?? 0), 0),
    ]),
  );
}

function exceeds(world: World, quota: ResourceQuota, { spec }: Pod): string | null {
  if (!inScope(quota, spec)) return null;
  const { hard } = quota.spec;
  const unset = Object.keys(hard)
    .toSorted()
    .flatMap((resource) => {
      const side = resource.startsWith("limits.") ? "limits" : "requests";
      const name = resource.replace(/^(limits|requests)\./, "");
      if (name !== "cpu" && name !== "memory") return [];
      const without = spec.containers.filter((one) => one.resources?.[side]?.[name] === undefined);
      return without.length === 0 ? [] : [`${resource} for: ${without.map((one) => one.name).join(",")}`];
    });
  if (unset.length > 0) return `failed quota: ${quota.metadata.name}: must specify ${unset.join("; ")}`;
  const used = usedOf(world, quota);
  const asked = (resource: string) => usageOf(spec, resource) ?? 0;
  const over = Object.keys(hard)
    .toSorted()
    .filter((resource) => asked(resource) > 0 && used[resource]! + asked(resource) > amount(hard[resource]));
  if (over.length === 0) return null;
  const texts = (value: (resource: string) => string) => over.map((one) => `${one}=${value(one)}`).join(",");
  return (
    `exceeded quota: ${quota.metadata.name}, requested: ${texts((one) => amountText(asked(one)))}, ` +
    `used: ${texts((one) => amountText(used[one]!))}, limited: ${texts((one) => String(hard[one]))}`
  );
}

export const quotaController: Controller = (world) => {
  for (const quota of world.store.list("resourcequotas") as ResourceQuota[]) {
    const used = Object.entries(usedOf(world, quota)).map(([name, value]) => [name, amountText(value)]);
    const status = { hard: quota.spec.hard, used: Object.fromEntries(used) as Amounts };
    world.store.put({ ...quota, status } as ResourceQuota);
  }
  return Infinity;
};
