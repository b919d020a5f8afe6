// Which of the steps that could start do: those on the longest way to the end first, as many as the plan allows, and never two
// side by side that change the same object. Pure. What a step waits for is asked before (next-work.ts).
import type { Plan, PlannedStep } from "../planning/plan.ts";
import { type Execution, stateOf } from "./execution.ts";

/** @param due steps that wait for nothing any more, the most urgent first. @param busy steps that the driver is at */
export function chooseSteps(
  state: Execution,
  plan: Plan,
  busy: ReadonlySet<string>,
  due: readonly PlannedStep[],
): readonly PlannedStep[] {
  const free = Math.max(0, plan.maxParallel - busy.size);
  const holders = new Map<string, string>();
  const hold = ({ name, touches = [] }: PlannedStep) => touches.forEach((key) => holders.set(key, name));
  plan.steps.filter((step) => busy.has(step.name) || hasBegun(state, step)).forEach(hold);
  const chosen: PlannedStep[] = [];
  for (const step of due) {
    if (chosen.length === free) break;
    const isHeld = (step.touches ?? []).some((key) => (holders.get(key) ?? step.name) !== step.name);
    if (isHeld) continue;
    hold(step);
    chosen.push(step);
  }
  return chosen;
}

/** A step that is tried again goes on from what it found: nobody else changes its objects in between. */
function hasBegun(state: Execution, step: PlannedStep): boolean {
  return stateOf(state, step).status === "retrying";
}

/** Of equally long ways the template's order decides. */
export function longestWayFirst(plan: Plan, due: readonly PlannedStep[]): readonly PlannedStep[] {
  if (due.length < 2) return due;
  const way = secondsToTheEnd(plan);
  return due.toSorted((one, other) => way(other.name) - way(one.name));
}

/** From the start of a step to the end of the last one that waits for it, each as long as its timeout says. */
function secondsToTheEnd({ steps }: Plan): (name: string) => number {
  const after = new Map<string, PlannedStep[]>(steps.map(({ name }) => [name, []]));
  for (const step of steps) for (const name of step.dependsOn) after.get(name)?.push(step);
  const timeouts = new Map(steps.map(({ name, timeoutSeconds }) => [name, timeoutSeconds]));
  const known = new Map<string, number>();
  const way = (name: string): number => {
    const seconds =
      known.get(name) ??
      (timeouts.get(name) ?? 0) + Math.max(0, ...(after.get(name) ?? []).map((step) => way(step.name)));
    known.set(name, seconds);
    return seconds;
  };
  return way;
}
