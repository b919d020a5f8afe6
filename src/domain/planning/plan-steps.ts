// The steps of a template as a plan has them: one for each subject where the template says so, conditions of the whole
// workflow as first and last step, `finally` under names of its own.
import { durationSeconds } from "../duration.ts";
import type { Scope } from "../expressions/scope.ts";
import type { Subject } from "../facts/objects.ts";
import { isObject } from "../json.ts";
import { Problem } from "../problem.ts";
import type { ActionDescription } from "../templates/action-description.ts";
import type { Template, TemplateStep } from "../templates/template.ts";
import { planBounds } from "./adapt.ts";
import type { ActionCall, PlannedStep, PlannedWait } from "./plan.ts";
import { type Actions, describeAction, ownUndo, planCall, undoBy } from "./plan-call.ts";
import { finalStep, preconditionsStep, resolvedStep, subjectStep, successStep } from "./step-names.ts";

const mostSteps = 1_000;

function defaultTimeout(call: ActionCall, description: ActionDescription): number {
  const { waitParameter, timeoutSeconds, input } = description;
  if (waitParameter === null) return timeoutSeconds;
  const schema = isObject(input["properties"]) ? input["properties"][waitParameter] : undefined;
  const wait = call.input[waitParameter];
  const text = typeof wait === "string" ? wait : isObject(schema) ? schema["default"] : undefined;
  return typeof text === "string" && !text.includes("{{") ? durationSeconds(text) + 30 : timeoutSeconds;
}

function planStep(step: TemplateStep, scope: Scope, actions: Actions): PlannedStep {
  const call = planCall(step.call, scope, actions);
  const alternatives = step.alternatives.map((alternative) => {
    const planned = planCall(alternative, scope, actions);
    return { call: planned, undo: ownUndo(planned, actions) };
  });
  return {
    name: step.name,
    dependsOn: step.dependsOn,
    call,
    conditions: step.conditions,
    preconditions: step.preconditions,
    postconditions: step.postconditions,
    timeoutSeconds: step.timeoutSeconds ?? defaultTimeout(call, describeAction(actions, call.action)),
    retry: step.retry,
    onFailure: step.onFailure,
    alternatives,
    ...(step.adapt === undefined ? {} : { adapt: planBounds(step.adapt, scope) }),
    undo: step.rollback === null ? ownUndo(call, actions) : undoBy(step.rollback, call, scope, actions),
    changes: [call, ...alternatives.map((alternative) => alternative.call)].some(
      ({ action }) => describeAction(actions, action).changes,
    ),
    subject: null,
  };
}

/** @throws Problem PARAMETER_INVALID: the alert names no object. EXPRESSION_FAILED, retryable: nobody knows which. */
function subjectsIn({ subjects }: Scope, step: string): readonly Subject[] {
  if (subjects === undefined) {
    const message = `step ${step} is for each subject, and which there are could not be found out`;
    throw new Problem("EXPRESSION_FAILED", message, { retryable: true });
  }
  const found = subjects as readonly Subject[];
  if (found.length > 0) return found;
  throw new Problem("PARAMETER_INVALID", `step ${step} is for each subject, but the alert names no object`);
}

function planForEach(step: TemplateStep, scope: Scope, actions: Actions): readonly PlannedStep[] {
  return subjectsIn(scope, step.name).map((subject, index) => ({
    ...planStep(step, { ...scope, subject }, actions),
    name: subjectStep(step.name, index),
    subject,
  }));
}

/** In the order of the template; whoever waits for a step for each subject waits for all of them. */
export function planSteps(template: Template, scope: Scope, actions: Actions): readonly PlannedStep[] {
  const planned = template.steps.map((step) =>
    step.forEach === null ? [planStep(step, scope, actions)] : planForEach(step, scope, actions),
  );
  const names = new Map(
    template.steps.map(({ name }, index) => [name, (planned[index] ?? []).map((step) => step.name)] as const),
  );
  const steps = planned.flat().map((step) => ({
    ...step,
    dependsOn: step.dependsOn.flatMap((name) => names.get(name) ?? []),
  }));
  if (steps.length > mostSteps) {
    const message = `${template.name} would have ${steps.length} steps for all its subjects; at most ${mostSteps} are allowed`;
    throw new Problem("PARAMETER_INVALID", message);
  }
  return withValidation(steps, template, actions);
}

type Conditions = Pick<PlannedStep, "preconditions" | "postconditions">;

function conditionStep(
  name: string,
  dependsOn: readonly string[],
  conditions: Partial<Conditions>,
  actions: Actions,
): PlannedStep {
  const call = { action: "check_conditions", input: {} };
  return {
    name,
    dependsOn,
    call,
    conditions: [],
    preconditions: [],
    postconditions: [],
    ...conditions,
    timeoutSeconds: describeAction(actions, call.action).timeoutSeconds,
    retry: { attempts: 3, backoffSeconds: 2, maxBackoffSeconds: 30 },
    onFailure: "rollback",
    alternatives: [],
    undo: ownUndo(call, actions),
    changes: false,
    subject: null,
  };
}

/** Every step that waits for none waits for the preconditions; `success` waits for every step that none waits for. */
function withValidation(
  steps: readonly PlannedStep[],
  { validation }: Template,
  actions: Actions,
): readonly PlannedStep[] {
  const { preconditions, success } = validation;
  const awaited = new Set(steps.flatMap(({ dependsOn }) => dependsOn));
  const leaves = steps.map(({ name }) => name).filter((name) => !awaited.has(name));
  const rooted =
    preconditions.length === 0
      ? steps
      : steps.map((step) => (step.dependsOn.length > 0 ? step : { ...step, dependsOn: [preconditionsStep] }));
  return [
    ...(preconditions.length === 0 ? [] : [conditionStep(preconditionsStep, [], { preconditions }, actions)]),
    ...rooted,
    ...(success.length === 0
      ? []
      : [conditionStep(successStep, leaves, { postconditions: success }, actions)]),
  ];
}

/** Each after the one above. What they do is what is to stay, so there is no way back. */
export function planFinally(template: Template, scope: Scope, actions: Actions): readonly PlannedStep[] {
  return template.finally.map((step) => ({
    ...planStep(step, scope, actions),
    name: finalStep(step.name),
    dependsOn: step.dependsOn.map(finalStep),
    undo: { how: "nothing", why: "what is done at the end is not taken back" },
  }));
}

/** Each after the one above, in an execution that has no other steps. */
export function planWhenResolved(template: Template, scope: Scope, actions: Actions): readonly PlannedWait[] {
  return template.whenResolved.map((step) => ({
    ...planStep(step, scope, actions),
    name: resolvedStep(step.name),
    dependsOn: step.dependsOn.map(resolvedStep),
    undo: { how: "nothing", why: "what ends a remedy is not taken back" },
    keepSeconds: step.keepSeconds,
  }));
}
