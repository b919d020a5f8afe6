// One step of a template, of its work or of `finally`: calls, conditions and times checked and under canonical names.
// What it reads is noted in the template's work: facts that are needed, parameters that steer.
import { durationSeconds } from "../duration.ts";
import { checkExpression } from "../expressions/check-expression.ts";
import { compileExpression } from "../expressions/compile-expression.ts";
import type { ScopeName } from "../expressions/scope.ts";
import type { FetchedFact } from "../facts/facts.ts";
import type { JsonObject } from "../json.ts";
import type { DataPath, YamlDocument } from "../yaml-findings.ts";
import type { ActionIndex } from "./action-index.ts";
import { checkAccesses, checkCall, readsFreeText, type StepSurroundings } from "./check-call.ts";
import { compileAdapt } from "./compile-adapt.ts";
import { factOf } from "./fact-of.ts";
import type { FindingList } from "./finding-list.ts";
import type { StepOrder } from "./order-steps.ts";
import type { Call, FinalStep, ResolvedStep, Step, TemplateFile } from "./template.generated.ts";
import type { TemplateCall, TemplateStep, WaitingStep } from "./template.ts";

/** Parameters are JSON Schemas: plain data for the validator. */
export type FilledTemplate = Omit<TemplateFile, "parameters"> & {
  readonly parameters: Readonly<Record<string, JsonObject>>;
};

/** One template while it is compiled. */
export interface TemplateWork {
  readonly file: FilledTemplate;
  readonly document: YamlDocument;
  readonly list: FindingList;
  readonly index: ActionIndex;
  readonly outputs: StepSurroundings["outputs"];
  readonly lists: StepSurroundings["lists"];
  readonly steering: Set<string>;
  readonly facts: Set<FetchedFact>;
}

/** What an expression may refer to that stands after the steps `before`, in step `name` or in none. */
export function surroundingsOf(
  name: string | null,
  before: ReadonlySet<string>,
  work: TemplateWork,
  hint = "",
): StepSurroundings {
  const { file, outputs, lists, list, steering, facts } = work;
  return {
    outputs,
    lists,
    before,
    hint,
    parameters: file.parameters,
    own: name === null ? null : (outputs.get(name) ?? null),
    list,
    note(access, text) {
      const fact = factOf(access);
      if (fact !== null) facts.add(fact);
      const [parameter] = access.path;
      if (text || access.root !== "params") return;
      for (const one of typeof parameter === "string" ? [parameter] : Object.keys(file.parameters))
        steering.add(one);
    },
  };
}

/** Reports what is wrong with each condition; each must come to true or false, and free text decides nothing. */
export function checkConditions(
  conditions: readonly string[],
  path: DataPath,
  scope: ScopeName,
  surroundings: StepSurroundings,
): void {
  for (const [index, source] of conditions.entries()) {
    const here = [...path, index];
    surroundings.list.faults(here, checkExpression(source, scope, "boolean"));
    const { expression } = compileExpression(source, scope);
    if (expression === null) continue;
    checkAccesses(expression, here, 0, surroundings);
    for (const access of expression.accesses) {
      surroundings.note(access, false);
      if (!readsFreeText(access)) continue;
      const message = "annotations are free text: nothing is decided by them";
      surroundings.list.error(here, "TEXT_CHOOSES", message, { offset: access.offset });
    }
  }
}

export function positiveSeconds(text: string, path: DataPath, list: FindingList): number {
  const value = durationSeconds(text);
  if (value === 0) list.error(path, "WRONG_VALUE", "must be longer than 0s");
  return value;
}

/** All but what only a step of the work has. */
function compileCommon(step: Step | FinalStep, path: DataPath, surroundings: StepSurroundings) {
  const { conditions = [], preconditions = [], postconditions = [], timeout, retry } = step;
  checkConditions(conditions, [...path, "conditions"], "step", surroundings);
  checkConditions(preconditions, [...path, "preconditions"], "step", surroundings);
  checkConditions(postconditions, [...path, "postconditions"], "postcondition", surroundings);
  return {
    name: step.name,
    conditions,
    preconditions,
    postconditions,
    timeoutSeconds:
      timeout === undefined ? null : positiveSeconds(timeout, [...path, "timeout"], surroundings.list),
    retry: {
      attempts: retry.attempts,
      backoffSeconds: durationSeconds(retry.backoff),
      maxBackoffSeconds: durationSeconds(retry.max_backoff),
    },
  };
}

function compileCalls(step: Step, path: DataPath, index: ActionIndex, surroundings: StepSurroundings) {
  const call = (one: Call, at: DataPath, inherits: boolean): TemplateCall | null =>
    checkCall(one, at, { scope: "step", inherits }, index, surroundings);
  const alternatives = step.alternatives.map((one, position) =>
    call(one, [...path, "alternatives", position], false),
  );
  return {
    call: call(step.action, [...path, "action"], false),
    alternatives: alternatives.filter((one) => one !== null),
    rollback: step.rollback === undefined ? null : call(step.rollback, [...path, "rollback"], true),
  };
}

/** A step for each subject that never asks which one would do the same thing again and again. */
function checkForEach(
  step: Step,
  path: DataPath,
  readsSubject: boolean,
  { list, facts }: TemplateWork,
): void {
  if (step.for_each === undefined) return;
  facts.add("subjects");
  if (readsSubject) return;
  const message = `"${step.name}" runs for each subject, but its parameters never read \`subject\`: it does the same each time`;
  list.warning([...path, "for_each"], "SUBJECT_NOT_READ", message);
}

/** null: there is no such action. */
export function compileStep(
  step: Step,
  position: number,
  order: StepOrder,
  work: TemplateWork,
): TemplateStep | null {
  const path = ["steps", position];
  const before = order.before.get(step.name) ?? new Set<string>();
  const surroundings = surroundingsOf(step.name, before, work, ": name it in depends_on");
  const read = new Set<string>();
  const { call, alternatives, rollback } = compileCalls(step, path, work.index, {
    ...surroundings,
    note(access, text) {
      read.add(access.root);
      surroundings.note(access, text);
    },
  });
  const adapt = compileAdapt(
    step,
    work.index.find(step.action.action) ?? null,
    [...path, "adapt"],
    surroundings,
  );
  checkForEach(step, path, read.has("subject"), work);
  const common = compileCommon(step, path, surroundings);
  if (call === null) return null;
  return {
    ...common,
    dependsOn: order.dependsOn.get(step.name) ?? [],
    call,
    onFailure: step.on_failure,
    alternatives,
    rollback,
    ...(step.adapt === undefined ? {} : { adapt }),
    approvalRequired: step.approval === "required",
    forEach: step.for_each ?? null,
    position: work.document.position(path),
  };
}

/** Steps of `finally` run one after the other, each whatever came of the one above; what they do is never taken back. */
export function compileFinalStep(step: FinalStep, position: number, work: TemplateWork): TemplateStep | null {
  const { steps, finally: last } = work.file;
  return compileLate(step, ["finally", position], namesOf(steps), namesOf(last.slice(0, position)), work);
}

const longestKeepSeconds = 30 * 86_400;

/** Steps of `when_resolved` come after everything else; of what they read, all has ended long before. */
export function compileWaitingStep(
  step: ResolvedStep,
  position: number,
  work: TemplateWork,
): WaitingStep | null {
  const { steps, finally: last, when_resolved: waiting } = work.file;
  const path = ["when_resolved", position];
  const ran = [...namesOf(steps), ...namesOf(last)];
  const compiled = compileLate(step, path, ran, namesOf(waiting.slice(0, position)), work);
  const keepSeconds = positiveSeconds(step.keep, [...path, "keep"], work.list);
  if (keepSeconds > longestKeepSeconds)
    work.list.error([...path, "keep"], "WRONG_VALUE", "must be at most 30d");
  return compiled === null ? null : { ...compiled, keepSeconds };
}

function namesOf(steps: readonly { readonly name: string }[]): readonly string[] {
  return steps.map(({ name }) => name);
}

/** One after the other, behind those that ran. */
function compileLate(
  step: FinalStep,
  path: DataPath,
  ran: readonly string[],
  above: readonly string[],
  work: TemplateWork,
): TemplateStep | null {
  const { index, document } = work;
  const before = new Set([...ran, ...above]);
  const surroundings = surroundingsOf(step.name, before, work);
  const rules = { scope: "step", inherits: false } as const;
  const call = checkCall(step.action, [...path, "action"], rules, index, surroundings);
  const common = compileCommon(step, path, surroundings);
  if (call === null) return null;
  return {
    ...common,
    dependsOn: above.slice(-1),
    call,
    onFailure: "continue",
    alternatives: [],
    rollback: null,
    approvalRequired: false,
    forEach: null,
    position: document.position(path),
  };
}
