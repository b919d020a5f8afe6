// Whether an execution has to be assessed once it has ended, and by which yardstick. Only a change that is still in place can
// have helped: what was observed, undone or only told to people is not judged.
import type { Outcome } from "../execution/events.ts";
import { type Execution, leavesChange, planInUse } from "../execution/execution.ts";
import type { Plan } from "../planning/plan.ts";

const judged: ReadonlySet<Outcome> = new Set(["succeeded", "partly"]);

/** Of the template whose steps were the last to run; null: there is nothing to assess. */
export function assessmentOf(state: Execution): Plan["assessment"] | null {
  const { plan, outcome } = state;
  if (plan === null || outcome === null || !judged.has(outcome)) return null;
  return leavesChange(state, plan) ? planInUse(state, plan).assessment : null;
}
