// Evictions and the budgets that may refuse them.
import type { Pod, PodDisruptionBudget } from "./objects.ts";
import { selectorMatches } from "./selectors.ts";
import { StatusError } from "./status-error.ts";
import { absolute, type Controller, type World } from "./world.ts";

const isHealthy = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined &&
  status.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;

function statusOf(
  world: World,
  { metadata, spec }: PodDisruptionBudget,
): NonNullable<PodDisruptionBudget["status"]> {
  const pods = (world.store.list("pods", metadata.namespace ?? null) as Pod[]).filter((pod) =>
    selectorMatches(spec.selector ?? {}, pod.metadata.labels ?? {}),
  );
  const currentHealthy = pods.filter(isHealthy).length;
  const desiredHealthy =
    spec.maxUnavailable === undefined
      ? absolute(spec.minAvailable, pods.length, "up")
      : pods.length - absolute(spec.maxUnavailable, pods.length, "up");
  const disruptionsAllowed = Math.max(0, currentHealthy - desiredHealthy);
  return { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods: pods.length };
}

export const budgetController: Controller = (world) => {
  for (const budget of world.store.list("poddisruptionbudgets") as PodDisruptionBudget[]) {
    world.store.put({ ...budget, status: statusOf(world, budget) } as PodDisruptionBudget);
  }
  return Infinity;
};

/** @throws StatusError 429 when a budget of the pod has nothing left. */
export function refuseEviction(world: World, pod: Pod): void {
  // Nothing is disrupted by the end of what does not run.
  if (pod.status.phase !== "Running") return;
  const budgets = world.store.list(
    "poddisruptionbudgets",
    pod.metadata.namespace ?? null,
  ) as PodDisruptionBudget[];
  const exhausted = budgets.find(
    (budget) =>
      selectorMatches(budget.spec.selector ?? {}, pod.metadata.labels ?? {}) &&
      statusOf(world, budget).disruptionsAllowed < 1,
  );
  if (exhausted === undefined) return;
  throw new StatusError(
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      causes: [
        {
          reason: "DisruptionBudget",
          field: "",
          message: `The disruption budget ${exhausted.metadata.name} needs its pods.`,
        },
      ],
    },
  );
}
