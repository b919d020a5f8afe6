// A deletion is not held back by disruption budgets in Kubernetes, only an eviction is. gitmend asks them for both.
import { budgetsFor } from "../../actions/disruption-room.ts";
import { podState } from "../../actions/pods.ts";
import { objectText } from "../../domain/facts/objects.ts";
import { Problem } from "../../domain/problem.ts";
import type { CheckedEffect } from "./step-check.ts";

const askAgainSeconds = 10;

/** @throws Problem DISRUPTION_NOT_ALLOWED, retryable; API_*: a budget that cannot be read may forbid it */
export async function refuseAgainstBudget({ effect, found, tools }: CheckedEffect): Promise<void> {
  const pod = found[0]?.object ?? null;
  // What does not serve is not disrupted by its end.
  if (effect.kind !== "delete" || pod === null || pod.kind !== "Pod" || !podState(pod).ready) return;
  const { namespace = null, labels = {} } = pod.metadata;
  const budgets = await budgetsFor(labels, namespace, tools.cluster(effect.object.cluster));
  const exhausted = budgets.find(({ status }) => Number(status?.["disruptionsAllowed"] ?? 0) < 1);
  if (exhausted === undefined) return;
  const { currentHealthy = 0, desiredHealthy = 0 } = exhausted.status ?? {};
  throw new Problem(
    "DISRUPTION_NOT_ALLOWED",
    `PodDisruptionBudget ${namespace}/${exhausted.metadata.name} does not allow the end of ${objectText(effect.object)} now: ` +
      `${Number(currentHealthy)} healthy, and it wants ${Number(desiredHealthy)}`,
    { retryable: true, details: { retryAfterSeconds: askAgainSeconds, budget: exhausted.metadata.name } },
  );
}
