// One template file: from YAML to a Template that the planner can use without asking again whether it is right.
// Returns every finding at once; a Template only when none of them is an error.
import { durationSeconds } from "../duration.ts";
import { checkExpression } from "../expressions/check-expression.ts";
import { type Access, compileExpression } from "../expressions/compile-expression.ts";
import type { ScopeName } from "../expressions/scope.ts";
import type { FetchedFact } from "../facts/facts.ts";
import { type Finding, hasErrors } from "../finding.ts";
import { canonicalJson, type JsonObject, sha256 } from "../json.ts";
import { withDefaults } from "../schema-findings.ts";
import type { DataPath, YamlDocument } from "../yaml-findings.ts";
import { type Risk, risks } from "./action-description.ts";
import { type ActionIndex, valueChecker, valueValidation } from "./action-index.ts";
import { checkAccesses, checkCall, readsFreeText, type StepSurroundings } from "./check-call.ts";
import { escalationName } from "./escalation.ts";
import { factOf } from "./fact-of.ts";
import { type FindingList, findingList } from "./finding-list.ts";
import { orderSteps, type StepOrder } from "./order-steps.ts";
import { type Call, type Step, type TemplateFile, templateSchema } from "./template.generated.ts";
import type { Template, TemplateCall, TemplateStep } from "./template.ts";

export interface CompiledTemplate {
  readonly template: Template;
  /** Parameters that do more than fill in free text: nothing untrusted may come in through them. */
  readonly steering: ReadonlySet<string>;
  /** Facts that its expressions read when the plan is made. */
  readonly facts: ReadonlySet<FetchedFact>;
}

export interface TemplateCompilation {
  readonly compiled: CompiledTemplate | null;
  /** As written, so that policies may be checked against it even when it has errors. */
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** Parameters are JSON Schemas: plain data for the validator. */
type FilledTemplate = Omit<TemplateFile, "parameters"> & {
  readonly parameters: Readonly<Record<string, JsonObject>>;
};

interface Work {
  readonly file: FilledTemplate;
  readonly list: FindingList;
  readonly index: ActionIndex;
  readonly parameters: Readonly<Record<string, JsonObject>>;
  readonly outputs: Outputs;
  readonly steering: Set<string>;
  readonly facts: Set<FetchedFact>;
}

function checkName({ file, list }: Work): void {
  if (file.name === escalationName) {
    list.error(["name"], "RESERVED_NAME", `"${escalationName}" is gitmend's own: choose another name`);
  }
}

function checkParameterSchemas({ file, list }: Work): void {
  const ajv = valueValidation();
  for (const [name, schema] of Object.entries(file.parameters)) {
    if (schema["default"] === undefined) continue;
    const wrong = valueChecker(ajv, schema)(schema["default"]);
    if (wrong !== null)
      list.error(["parameters", name, "default"], "WRONG_TYPE", `the default of "${name}": ${wrong}`);
  }
}

function noteAccess(work: Work): (access: Access, text: boolean) => void {
  return (access, text) => {
    const fact = factOf(access);
    if (fact !== null) work.facts.add(fact);
    const [name] = access.path;
    if (text || access.root !== "params") return;
    for (const steering of typeof name === "string" ? [name] : Object.keys(work.parameters))
      work.steering.add(steering);
  };
}

type Outputs = StepSurroundings["outputs"];

/** What a step may put out: the fields of its action and of its alternatives. */
function outputsOf(steps: readonly Step[], index: ActionIndex): Outputs {
  const fields = steps.map(({ name, action, alternatives }) => {
    const declared = [action, ...alternatives].map((call) => index.find(call.action)?.outputs ?? null);
    const merged = declared.reduce((all, one) => (all === null || one === null ? null : { ...all, ...one }));
    return [name, merged] as const;
  });
  return new Map(fields);
}

function surroundingsOf(step: Step, order: StepOrder, work: Work): StepSurroundings {
  return {
    outputs: work.outputs,
    before: order.before.get(step.name) ?? new Set(),
    parameters: work.parameters,
    own: work.outputs.get(step.name) ?? null,
    list: work.list,
    note: noteAccess(work),
  };
}

function checkConditions(
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

function seconds(text: string, path: DataPath, list: FindingList): number {
  const value = durationSeconds(text);
  if (value === 0) list.error(path, "WRONG_VALUE", "must be longer than 0s");
  return value;
}

function compileCalls(step: Step, path: DataPath, work: Work, surroundings: StepSurroundings) {
  const call = (one: Call, at: DataPath, inherits: boolean): TemplateCall | null =>
    checkCall(one, at, { scope: "step", inherits }, work.index, surroundings);
  const alternatives = step.alternatives.map((one, position) =>
    call(one, [...path, "alternatives", position], false),
  );
  return {
    call: call(step.action, [...path, "action"], false),
    alternatives: alternatives.filter((one) => one !== null),
    rollback: step.rollback === undefined ? null : call(step.rollback, [...path, "rollback"], true),
  };
}

function compileStep(
  step: Step,
  position: number,
  order: StepOrder,
  work: Work,
  document: YamlDocument,
): TemplateStep | null {
  const path = ["steps", position];
  const surroundings = surroundingsOf(step, order, work);
  const { call, alternatives, rollback } = compileCalls(step, path, work, surroundings);
  const { conditions = [], preconditions = [], postconditions = [] } = step;
  checkConditions(conditions, [...path, "conditions"], "step", surroundings);
  checkConditions(preconditions, [...path, "preconditions"], "step", surroundings);
  checkConditions(postconditions, [...path, "postconditions"], "postcondition", surroundings);
  const timeoutSeconds =
    step.timeout === undefined ? null : seconds(step.timeout, [...path, "timeout"], work.list);
  if (call === null) return null;
  return {
    name: step.name,
    dependsOn: order.dependsOn.get(step.name) ?? [],
    call,
    conditions,
    preconditions,
    postconditions,
    timeoutSeconds,
    retry: {
      attempts: step.retry.attempts,
      backoffSeconds: durationSeconds(step.retry.backoff),
      maxBackoffSeconds: durationSeconds(step.retry.max_backoff),
    },
    onFailure: step.on_failure,
    alternatives,
    rollback,
    approvalRequired: step.approval === "required",
    forEach: null,
    position: document.position(path),
  };
}

function callsOf(step: TemplateStep): readonly TemplateCall[] {
  return [step.call, ...step.alternatives, ...(step.rollback === null ? [] : [step.rollback])];
}

/** The highest of all actions that may run; declaring less is an error. */
function riskOf(steps: readonly TemplateStep[], { file, list, index }: Work): Risk {
  const calls = steps.flatMap((step) => callsOf(step).map(({ action }) => index.find(action)?.description));
  const highest = calls.reduce((level, action) => Math.max(level, risks.indexOf(action?.risk ?? "low")), 0);
  const needed = risks[highest] ?? "critical";
  if (file.risk === undefined) return needed;
  if (risks.indexOf(file.risk) < highest) {
    const action = calls.find((one) => one?.risk === needed)?.name ?? "";
    list.error(["risk"], "RISK_TOO_LOW", `the risk is at least ${needed}, because of ${action}`);
  }
  return file.risk;
}

function compileSteps(work: Work, document: YamlDocument): readonly TemplateStep[] | null {
  const order = orderSteps(work.file.steps, work.list);
  const unordered: StepOrder = { dependsOn: new Map(), before: new Map() };
  const usable = order ?? { ...unordered, before: everyOtherStep(work.file.steps) };
  const steps = work.file.steps.map((step, position) => compileStep(step, position, usable, work, document));
  return order === null || steps.includes(null) ? null : steps.filter((step) => step !== null);
}

/** Without an order nothing can be said about what has ended when: the cycle is finding enough. */
function everyOtherStep(steps: readonly Step[]): StepOrder["before"] {
  const names = new Set(steps.map(({ name }) => name));
  return new Map(steps.map(({ name }) => [name, names] as const));
}

function assemble(work: Work, steps: readonly TemplateStep[], document: YamlDocument): Template {
  const { file, list } = work;
  const { configuration } = file;
  return {
    name: file.name,
    version: file.version ?? null,
    description: file.description,
    alertTypes: file.alert_types,
    risk: riskOf(steps, work),
    parameters: work.parameters,
    steps,
    finally: [],
    fallback: null,
    validation: { preconditions: [], success: [] },
    effectiveness: { delaySeconds: 600, checks: [] },
    timeoutSeconds: seconds(configuration.timeout, ["configuration", "timeout"], list),
    maxParallel: configuration.max_parallel,
    cooldownSeconds: durationSeconds(configuration.cooldown),
    hash: sha256(canonicalJson(document.value)),
    position: document.position([]),
  };
}

/** `document` has passed the schema. */
export function compileTemplate(document: YamlDocument, index: ActionIndex): TemplateCompilation {
  const file = withDefaults<FilledTemplate>(document.value, templateSchema);
  const list = findingList(document);
  const work: Work = {
    file,
    list,
    index,
    parameters: file.parameters,
    outputs: outputsOf(file.steps, index),
    steering: new Set(),
    facts: new Set(),
  };
  checkName(work);
  checkParameterSchemas(work);
  const steps = compileSteps(work, document);
  const template = steps === null ? null : assemble(work, steps, document);
  const compiled =
    template === null || hasErrors(list.found)
      ? null
      : { template, steering: work.steering, facts: work.facts };
  return { compiled, name: file.name, findings: list.found };
}
