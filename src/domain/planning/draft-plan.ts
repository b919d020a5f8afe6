// Template + facts -> a draft: parameters filled and checked, every expression evaluated that does not need a step's output.
// Symbolic input (`revision: last-good`) is still in it: controller/make-plan.ts lets the actions resolve it, then seals.
import { Ajv, type ErrorObject } from "ajv";
import { durationSeconds } from "../duration.ts";
import { evaluateText } from "../expressions/evaluate.ts";
import { rootsOf } from "../expressions/roots.ts";
import type { Scope } from "../expressions/scope.ts";
import type { Target } from "../facts/objects.ts";
import type { Json } from "../json.ts";
import { isObject } from "../json.ts";
import { Problem } from "../problem.ts";
import type { ActionDescription } from "../templates/action-description.ts";
import type { Template, TemplateCall, TemplateStep } from "../templates/template.ts";
import type { ActionCall, Plan, PlannedStep, Undo } from "./plan.ts";

/** All of a plan but what follows from its resolved input. */
export type DraftPlan = Omit<Plan, "risk" | "touches" | "digest">;

export interface DraftRequest {
  readonly template: Template;
  /** As the selection rule gave them. */
  readonly parameters: Readonly<Record<string, Json>>;
  /** alert, subject, target, namespace, cluster, history, now. */
  readonly scope: Scope;
  readonly target: Target | null;
  readonly actions: ReadonlyMap<string, ActionDescription>;
}

/** @throws Problem PARAMETER_INVALID, EXPRESSION_FAILED */
export function draftPlan(request: DraftRequest): DraftPlan {
  const { template, target } = request;
  const parameters = fillParameters(template, request.parameters);
  const scope: Scope = { ...request.scope, params: parameters };
  return {
    template: { name: template.name, version: template.version, hash: template.hash },
    target: target === null ? null : identityOf(target),
    parameters,
    steps: template.steps.map((step) => planStep(step, scope, request.actions)),
    finally: [],
    fallback: null,
    fallbackImpossible: null,
    assessment: template.effectiveness,
    timeoutSeconds: template.timeoutSeconds,
    maxParallel: template.maxParallel,
    cooldownSeconds: template.cooldownSeconds,
    approvalRequired: template.steps.some((step) => step.approvalRequired),
  };
}

function identityOf({
  cluster,
  apiVersion,
  kind,
  namespace,
  name,
  uid,
}: Target): NonNullable<Plan["target"]> {
  return { cluster, apiVersion, kind, namespace, name, uid };
}

function fillParameters(
  template: Template,
  given: Readonly<Record<string, Json>>,
): Readonly<Record<string, Json>> {
  const values: Record<string, Json> = { ...given };
  const ajv = new Ajv({ useDefaults: true, allErrors: true, strict: false });
  const validate = ajv.compile({
    type: "object",
    properties: template.parameters,
    required: Object.keys(template.parameters),
    additionalProperties: false,
  });
  if (validate(values)) return values;
  const errors = (validate.errors ?? []).map(describe).join("; ");
  throw new Problem("PARAMETER_INVALID", `parameters of template ${template.name}: ${errors}`);
}

function describe(error: ErrorObject): string {
  const extra =
    error.keyword === "additionalProperties" ? ` (${String(error.params["additionalProperty"])})` : "";
  return `${error.instancePath.slice(1)} ${error.message ?? "is not valid"}${extra}`.trim();
}

function planStep(step: TemplateStep, scope: Scope, actions: DraftRequest["actions"]): PlannedStep {
  const call = planCall(step.call, scope);
  const description = describeAction(actions, call.action);
  const alternatives = step.alternatives.map((alternative) => {
    const planned = planCall(alternative, scope);
    return { call: planned, undo: ownUndo(planned, describeAction(actions, planned.action), actions) };
  });
  return {
    name: step.name,
    dependsOn: step.dependsOn,
    call,
    conditions: step.conditions,
    preconditions: step.preconditions,
    postconditions: step.postconditions,
    timeoutSeconds: step.timeoutSeconds ?? defaultTimeout(call, description),
    retry: step.retry,
    onFailure: step.onFailure,
    alternatives,
    undo:
      step.rollback === null
        ? ownUndo(call, description, actions)
        : undoBy(step.rollback, call, scope, actions),
    changes: [call, ...alternatives.map((alternative) => alternative.call)].some(
      ({ action }) => describeAction(actions, action).changes,
    ),
    subject: null,
  };
}

function planCall(call: TemplateCall, scope: Scope): ActionCall {
  const input = Object.entries(call.parameters).map(([name, value]) => [name, early(value, scope)] as const);
  return { action: call.action, input: Object.fromEntries(input) };
}

/** What reads a step's output stays as text until that step has run. */
function early(value: Json, scope: Scope): Json {
  return rootsOf(value).has("steps") ? value : evaluateText(value, scope);
}

function ownUndo(call: ActionCall, description: ActionDescription, actions: DraftRequest["actions"]): Undo {
  const { undo } = description;
  if (undo.how !== "action") return undo;
  return {
    how: "action",
    call: inheritInput({ action: undo.action, input: {} }, call, describeAction(actions, undo.action)),
  };
}

function undoBy(
  rollback: TemplateCall,
  call: ActionCall,
  scope: Scope,
  actions: DraftRequest["actions"],
): Undo {
  return {
    how: "action",
    call: inheritInput(planCall(rollback, scope), call, describeAction(actions, rollback.action)),
  };
}

/** An undo without parameters of its own speaks of the same objects as the step. */
function inheritInput(undo: ActionCall, call: ActionCall, description: ActionDescription): ActionCall {
  const known = isObject(description.input["properties"]) ? Object.keys(description.input["properties"]) : [];
  const inherited = Object.entries(call.input).filter(([name]) => known.includes(name));
  return { action: undo.action, input: { ...Object.fromEntries(inherited), ...undo.input } };
}

function defaultTimeout(call: ActionCall, description: ActionDescription): number {
  const wait = description.waitParameter === null ? undefined : call.input[description.waitParameter];
  const properties = description.input["properties"];
  const schema =
    isObject(properties) && description.waitParameter !== null
      ? properties[description.waitParameter]
      : undefined;
  const fallback = isObject(schema) ? schema["default"] : undefined;
  const text = typeof wait === "string" ? wait : fallback;
  return typeof text === "string" && !text.includes("{{")
    ? durationSeconds(text) + 30
    : description.timeoutSeconds;
}

function describeAction(actions: DraftRequest["actions"], name: string): ActionDescription {
  const description = actions.get(name);
  if (description === undefined) throw new Problem("PARAMETER_INVALID", `there is no action ${name}`);
  return description;
}
