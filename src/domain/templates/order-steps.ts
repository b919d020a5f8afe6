// The order of steps: what each depends on, which steps lie before it, and what makes an order impossible.
import { didYouMean } from "../did-you-mean.ts";
import type { FindingList } from "./finding-list.ts";
import type { Step } from "./template.generated.ts";

type Named = Pick<Step, "name">;

export interface StepOrder {
  readonly dependsOn: ReadonlyMap<string, readonly string[]>;
  /** Everything that has ended before the step starts. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Whether all names are different, those of `finally` and `when_resolved` included: expressions name all alike. */
export function checkNames(
  file: {
    readonly steps: readonly Named[];
    readonly finally: readonly Named[];
    readonly when_resolved: readonly Named[];
  },
  list: FindingList,
): boolean {
  const first = new Map<string, string>();
  for (const part of ["steps", "finally", "when_resolved"] as const) {
    for (const [index, { name }] of file[part].entries()) {
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, `step ${index + 1}${part === "steps" ? "" : ` of ${part}`}`);
      else list.error([part, index, "name"], "DUPLICATE_NAME", `${earlier} is called "${name}" too`);
    }
  }
  return first.size === file.steps.length + file.finally.length + file.when_resolved.length;
}

function knownDependencies(steps: readonly Step[], index: number, list: FindingList): readonly string[] {
  const step = steps[index];
  const names = new Set(steps.map(({ name }) => name));
  return (step?.depends_on ?? []).filter((name, position) => {
    if (names.has(name)) return true;
    const message = `there is no step "${name}"${didYouMean(name, names)}`;
    list.error(["steps", index, "depends_on", position], "UNKNOWN_STEP", message);
    return false;
  });
}

function dependenciesOf(steps: readonly Step[], index: number, list: FindingList): readonly string[] {
  const step = steps[index];
  if (step === undefined) return [];
  if (step.depends_on !== undefined) return knownDependencies(steps, index, list);
  const above = steps[index - 1];
  return step.parallel || above === undefined ? [] : [above.name];
}

/** A circle that begins and ends with the same step; null when the order is possible. */
function findCycle(dependsOn: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();
  for (const start of dependsOn.keys()) {
    const stack = [{ name: start, next: 0 }];
    const open = new Set([start]);
    for (let top = stack.at(-1); top !== undefined && !done.has(start); top = stack.at(-1)) {
      const dependency = dependsOn.get(top.name)?.[top.next];
      top.next += 1;
      if (dependency === undefined) {
        done.add(top.name);
        open.delete(top.name);
        stack.pop();
      } else if (open.has(dependency)) {
        const names = stack.map(({ name }) => name);
        return [...names.slice(names.indexOf(dependency)), dependency];
      } else if (!done.has(dependency)) {
        stack.push({ name: dependency, next: 0 });
        open.add(dependency);
      }
    }
  }
  return null;
}

function stepsBefore(
  dependsOn: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const before = new Map<string, Set<string>>();
  const pending = [...dependsOn.keys()];
  while (pending.length > 0) {
    const name = pending.at(-1) ?? "";
    if (before.has(name)) {
      pending.pop();
      continue;
    }
    const needed = dependsOn.get(name) ?? [];
    const open = needed.filter((dependency) => !before.has(dependency));
    if (open.length > 0) {
      pending.push(...open);
      continue;
    }
    pending.pop();
    before.set(
      name,
      new Set(needed.flatMap((dependency) => [dependency, ...(before.get(dependency) ?? [])])),
    );
  }
  return before;
}

/** null: there is no order, or names stand twice; the findings say why. */
export function orderSteps(
  steps: readonly Step[],
  list: FindingList,
  areDifferent: boolean,
): StepOrder | null {
  const dependsOn = new Map(
    steps.map((step, index) => [step.name, dependenciesOf(steps, index, list)] as const),
  );
  if (!areDifferent) return null;
  const cycle = findCycle(dependsOn);
  if (cycle === null) return { dependsOn, before: stepsBefore(dependsOn) };
  const index = steps.findIndex(({ name }) => name === cycle[0]);
  const message = `steps wait for each other and can never start: ${cycle.join(" -> ")}`;
  list.error(
    ["steps", index, ...(steps[index]?.depends_on === undefined ? [] : ["depends_on"])],
    "CYCLE",
    message,
  );
  return null;
}
