// Directly before the first change: a template that remedies ill health and nothing else leaves a target alone that has been well
// for a while. Judged from the target's own state; the alert may still fire because its query looks back.
import type { ActionTools } from "../actions/action.ts";
import { secondsBetween } from "../domain/instant.ts";
import type { Clock } from "./ports.ts";
import type { Session } from "./session.ts";
import { targetHealth } from "./target-health.ts";

/** Longer than the longest back-off of a crash loop: between two crashes a pod is ready too. */
const wellSeconds = 300;

/** true: it is well, and the execution is asked to end. A person's start is not second-guessed. @throws Problem API_* */
export async function isHealthyAlready(
  session: Session,
  tools: ActionTools,
  { clock }: { readonly clock: Clock },
): Promise<boolean> {
  const { plan, byHand } = session.state();
  if (plan?.stopWhenHealthy !== true || plan.target === null || byHand !== null) return false;
  const seen = await targetHealth(plan.target, tools.cluster(plan.target.cluster));
  if (seen?.health !== "healthy" || seen.since === undefined) return false;
  if (secondsBetween(seen.since, clock.now()) < wellSeconds) return false;
  const reason = `healthy already: ${seen.finding}, since ${seen.since}`;
  await session.record([{ type: "CancelRequested", by: "gitmend", reason, keep: false }]);
  return true;
}
