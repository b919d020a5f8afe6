// Whether some path of a plan changes an object of a cluster. Telling people changes something too, but nothing there.
import { everyApproved, type Plan, type PlannedStep } from "../planning/plan.ts";

const tellsPeople = "notify_team";

export function changesObjects(plan: Pick<Plan, "steps" | "finally" | "whenResolved" | "fallback">): boolean {
  return everyApproved(plan).some((step) => step.changes && !onlyTells(step));
}

function onlyTells({ call, alternatives }: PlannedStep): boolean {
  return [call, ...alternatives.map((alternative) => alternative.call)].every(
    ({ action }) => action === tellsPeople,
  );
}
