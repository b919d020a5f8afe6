// Which steps of a plan an observing execution may run: those that change nothing and that no change comes before.
import type { Plan, PlannedStep } from "../planning/plan.ts";
import { type Execution, newStep } from "./execution.ts";

/** The step changes something, or waits (directly or not) for a step that does. */
export function changesAhead(plan: Plan, step: PlannedStep): boolean {
  const byName = new Map(plan.steps.map((candidate) => [candidate.name, candidate]));
  const seen = new Set<string>();
  const visit = (current: PlannedStep): boolean => {
    if (current.changes) return true;
    if (seen.has(current.name)) return false;
    seen.add(current.name);
    return current.dependsOn.some((name) => {
      const dependency = byName.get(name);
      return dependency !== undefined && visit(dependency);
    });
  };
  return visit(step);
}

export function isReadyToObserve(state: Execution, step: PlannedStep): boolean {
  const { status } = state.steps.get(step.name) ?? newStep;
  if (status === "retrying") return true;
  if (status !== "pending") return false;
  return step.dependsOn.every((name) => {
    const dependency = state.steps.get(name) ?? newStep;
    return (
      dependency.status === "succeeded" || dependency.status === "failed" || dependency.status === "skipped"
    );
  });
}
