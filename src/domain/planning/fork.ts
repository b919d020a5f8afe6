// What is left of a template when an execution starts anew from one of its steps. What comes before it is not in the new plan, so
// that people approve exactly what will run; its outputs are, because later steps read them.
import { didYouMean } from "../did-you-mean.ts";
import type { Json } from "../json.ts";
import { Problem } from "../problem.ts";
import type { Template } from "../templates/template.ts";
import type { Plan, Taken } from "./plan.ts";
import { ownName } from "./step-names.ts";
import { stepOutputs } from "./step-outputs.ts";

/** The execution that is started anew, as far as this goes. */
export interface Forked {
  readonly id: string;
  readonly plan: Plan;
  readonly state: {
    readonly steps: ReadonlyMap<
      string,
      {
        readonly status: string;
        readonly output: Json;
        readonly skipped: { readonly byCondition: boolean } | null;
      }
    >;
    readonly changes: readonly { readonly step: string; readonly undoStatus: string }[];
  };
}

/** @throws Problem USAGE: there is no such step, or what comes before it is not done */
export function fork(
  from: string,
  template: Template,
  past: Forked,
): { readonly template: Template; readonly taken: Taken } {
  const names = template.steps.map(({ name }) => name);
  const index = names.indexOf(from);
  if (index < 0)
    throw new Problem("USAGE", `template ${template.name} has no step ${from}${didYouMean(from, names)}`);
  const before = names.slice(0, index);
  const known = stepOutputs(past.plan, past.state.steps, from) as unknown as Taken["steps"];
  const steps = Object.fromEntries(
    before.map((name) => {
      const fault = faultOf(name, past);
      if (fault === null && known[name] !== undefined) return [name, known[name]];
      const why = fault ?? "did not run";
      throw new Problem(
        "USAGE",
        `step ${name} ${why} in execution ${past.id}: start from it or from an earlier one`,
      );
    }),
  );
  return { template: rest(template, index, new Set(before)), taken: { execution: past.id, steps } };
}

/** Why the step cannot count as done; null: it can. A step for each subject is done when all of them are. */
function faultOf(name: string, { plan, state }: Forked): string | null {
  const planned = plan.steps.filter((step) => ownName(step.name).name === name).map((step) => step.name);
  if (planned.length === 0) return plan.taken?.steps[name] === undefined ? "did not run" : null;
  for (const step of planned) {
    const found = state.steps.get(step);
    const done = found?.status === "succeeded" || found?.skipped?.byCondition === true;
    if (!done) return `did not succeed (${found?.status ?? "pending"})`;
  }
  const goneBack = state.changes.some(
    ({ step, undoStatus }) => planned.includes(step) && undoStatus !== "none",
  );
  return goneBack ? "was taken back" : null;
}

/** Conditions of the whole workflow were for its beginning. */
function rest(template: Template, index: number, gone: ReadonlySet<string>): Template {
  return {
    ...template,
    validation: { ...template.validation, preconditions: [] },
    steps: template.steps
      .slice(index)
      .map((step) => ({ ...step, dependsOn: step.dependsOn.filter((name) => !gone.has(name)) })),
  };
}
