// One template file: from YAML to a Template that the planner can use without asking again whether it is right.
// Returns every finding at once; a Template only when none of them is an error.
import { durationSeconds } from "../duration.ts";
import { checkExpression } from "../expressions/check-expression.ts";
import type { FetchedFact } from "../facts/facts.ts";
import { type Finding, hasErrors } from "../finding.ts";
import { canonicalJson, sha256 } from "../json.ts";
import { withDefaults } from "../schema-findings.ts";
import type { YamlDocument } from "../yaml-findings.ts";
import { type Risk, risks } from "./action-description.ts";
import { type ActionIndex, valueChecker, valueValidation } from "./action-index.ts";
import type { StepSurroundings } from "./check-call.ts";
import { checkQuery } from "./check-query.ts";
import { callsOf, checkTakenBack } from "./check-taken-back.ts";
import {
  checkConditions,
  compileFinalStep,
  compileStep,
  compileWaitingStep,
  type FilledTemplate,
  positiveSeconds,
  surroundingsOf,
  type TemplateWork,
} from "./compile-step.ts";
import { escalationName } from "./escalation.ts";
import { findingList } from "./finding-list.ts";
import { checkNames, orderSteps, type StepOrder } from "./order-steps.ts";
import { templateSchema } from "./template.generated.ts";
import type { Position, Template, TemplateStep, WaitingStep } from "./template.ts";

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
  /** As written: whether there is such a template is known only when all are read. */
  readonly fallback: { readonly name: string; readonly position: Position } | null;
  readonly findings: readonly Finding[];
}

function checkName({ file, list }: TemplateWork): void {
  if (file.name === escalationName) {
    list.error(["name"], "RESERVED_NAME", `"${escalationName}" is gitmend's own: choose another name`);
  }
}

function checkParameterSchemas({ file, list }: TemplateWork): void {
  const ajv = valueValidation();
  for (const [name, schema] of Object.entries(file.parameters)) {
    if (schema["default"] === undefined) continue;
    const wrong = valueChecker(ajv, schema)(schema["default"]);
    if (wrong !== null)
      list.error(["parameters", name, "default"], "WRONG_TYPE", `the default of "${name}": ${wrong}`);
  }
}

/** What a step may put out: the fields of its action and of its alternatives. */
function outputsOf(
  { steps, finally: last, when_resolved: waiting }: FilledTemplate,
  index: ActionIndex,
): StepSurroundings["outputs"] {
  const calls = [
    ...steps.map(({ name, action, alternatives }) => [name, [action, ...alternatives]] as const),
    ...[...last, ...waiting].map(({ name, action }) => [name, [action]] as const),
  ];
  const fields = calls.map(([name, those]) => {
    const declared = those.map((call) => index.find(call.action)?.outputs ?? null);
    const merged = declared.reduce((all, one) => (all === null || one === null ? null : { ...all, ...one }));
    return [name, merged] as const;
  });
  return new Map(fields);
}

/** The highest of all actions that may run; declaring less is an error. */
function riskOf(steps: readonly TemplateStep[], { file, list, index }: TemplateWork): Risk {
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

interface Steps {
  readonly steps: readonly TemplateStep[];
  readonly last: readonly TemplateStep[];
  readonly waiting: readonly WaitingStep[];
}

/** null: the findings say why. */
function compileSteps(work: TemplateWork): Steps | null {
  const { file, list } = work;
  const areDifferent = checkNames(file, list);
  const order = orderSteps(file.steps, list, areDifferent);
  const usable = order ?? unordered(file);
  const steps = file.steps.map((step, position) => compileStep(step, position, usable, work));
  const last = file.finally.map((step, position) => compileFinalStep(step, position, work));
  const waiting = file.when_resolved.map((step, position) => compileWaitingStep(step, position, work));
  if (order === null || [...steps, ...last, ...waiting].includes(null)) return null;
  return {
    steps: steps.filter((step) => step !== null),
    last: last.filter((step) => step !== null),
    waiting: waiting.filter((step) => step !== null),
  };
}

/** Without an order nothing can be said about what has ended when: the cycle is finding enough. */
function unordered({ steps }: FilledTemplate): StepOrder {
  const names = new Set(steps.map(({ name }) => name));
  return { dependsOn: new Map(), before: new Map(steps.map(({ name }) => [name, names] as const)) };
}

/** Conditions of the whole workflow: nothing has run before the first, everything before the last. */
function checkValidation(work: TemplateWork): void {
  const { preconditions, success } = work.file.validation;
  const all = new Set(work.file.steps.map(({ name }) => name));
  const path = ["validation"];
  checkConditions(preconditions, [...path, "preconditions"], "plan", surroundingsOf(null, new Set(), work));
  checkConditions(success, [...path, "success"], "step", surroundingsOf(null, all, work));
}

function checkEffectiveness(work: TemplateWork): void {
  const surroundings = surroundingsOf(null, new Set(), work);
  const { list } = work;
  for (const [index, { promql, expect }] of work.file.effectiveness.checks.entries()) {
    const path = ["effectiveness", "checks", index];
    list.faults([...path, "expect"], checkExpression(expect, "value", "boolean"));
    checkQuery(promql, [...path, "promql"], surroundings);
  }
}

function assemble(work: TemplateWork, { steps, last, waiting }: Steps): Template {
  const { file, list, document } = work;
  const { configuration, validation, effectiveness } = file;
  return {
    name: file.name,
    version: file.version ?? null,
    description: file.description,
    alertTypes: file.alert_types,
    manual: file.manual,
    risk: riskOf([...steps, ...last, ...waiting], work),
    parameters: file.parameters,
    steps,
    finally: last,
    whenResolved: waiting,
    fallback: configuration.fallback ?? null,
    validation,
    effectiveness: {
      delaySeconds: positiveSeconds(effectiveness.delay, ["effectiveness", "delay"], list),
      checks: effectiveness.checks,
    },
    timeoutSeconds: positiveSeconds(configuration.timeout, ["configuration", "timeout"], list),
    maxParallel: configuration.max_parallel,
    ...(configuration.stop_when_healthy ? { stopWhenHealthy: true } : {}),
    cooldownSeconds: durationSeconds(configuration.cooldown),
    hash: sha256(canonicalJson(document.value)),
    position: document.position([]),
  };
}

function fallbackOf({ file, document }: TemplateWork): TemplateCompilation["fallback"] {
  const { fallback } = file.configuration;
  return fallback === undefined
    ? null
    : { name: fallback, position: document.position(["configuration", "fallback"]) };
}

/** `document` has passed the schema. */
export function compileTemplate(document: YamlDocument, index: ActionIndex): TemplateCompilation {
  const file = withDefaults<FilledTemplate>(document.value, templateSchema);
  const list = findingList(document);
  const work: TemplateWork = {
    file,
    document,
    list,
    index,
    outputs: outputsOf(file, index),
    lists: new Set(file.steps.flatMap(({ name, for_each }) => (for_each === undefined ? [] : [name]))),
    steering: new Set(),
    facts: new Set(),
  };
  checkName(work);
  checkParameterSchemas(work);
  const steps = compileSteps(work);
  checkValidation(work);
  checkEffectiveness(work);
  if (steps !== null) checkTakenBack(steps, work);
  const template = steps === null ? null : assemble(work, steps);
  const compiled =
    template === null || hasErrors(list.found)
      ? null
      : { template, steering: work.steering, facts: work.facts };
  return { compiled, name: file.name, fallback: fallbackOf(work), findings: list.found };
}
