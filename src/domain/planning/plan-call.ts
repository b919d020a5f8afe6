// One action call of a template with its values filled in: what reads a step's output stays text until that step has run,
// everything else is held against the action's schema now, so that no bad value waits for the middle of a run.
import { evaluateText } from "../expressions/evaluate.ts";
import { rootsOf } from "../expressions/roots.ts";
import type { Scope } from "../expressions/scope.ts";
import { isObject, type Json } from "../json.ts";
import { shortened } from "../plain-text.ts";
import { Problem } from "../problem.ts";
import type { ActionDescription } from "../templates/action-description.ts";
import type { TemplateCall } from "../templates/template.ts";
import { checkInput } from "./check-values.ts";
import type { ActionCall, Undo } from "./plan.ts";

export type Actions = ReadonlyMap<string, ActionDescription>;

/** @throws Problem PARAMETER_INVALID: no version of gitmend that knows the action made this template */
export function describeAction(actions: Actions, name: string): ActionDescription {
  const description = actions.get(name);
  if (description === undefined) throw new Problem("PARAMETER_INVALID", `there is no action ${name}`);
  return description;
}

/** A text stays one, whatever its expressions come to. @throws Problem EXPRESSION_FAILED */
export function filledText(text: string, scope: Scope): string {
  const filled = evaluateText(text, scope);
  return typeof filled === "string" ? filled : JSON.stringify(filled);
}

function isOpen(value: Json): boolean {
  return rootsOf(value).has("steps");
}

/** Free text is cut to what the action takes: an annotation of any length stops no remedy. */
function fitText(name: string, value: Json, { text, input }: ActionDescription): Json {
  if (typeof value !== "string" || !text.includes(name)) return value;
  const schema = isObject(input["properties"]) ? input["properties"][name] : undefined;
  const longest = isObject(schema) ? schema["maxLength"] : undefined;
  return typeof longest === "number" ? shortened(value, longest) : value;
}

/** An expression that comes to null leaves the parameter out: the action's own default holds. */
function fill(call: TemplateCall, scope: Scope, description: ActionDescription): ActionCall["input"] {
  const filled = Object.entries(call.parameters).map(([name, value]): readonly [string, Json] => [
    name,
    isOpen(value) ? value : fitText(name, evaluateText(value, scope), description),
  ]);
  return Object.fromEntries(
    filled.filter(([name, value]) => value !== null || call.parameters[name] === null),
  );
}

function checkCall(call: ActionCall, description: ActionDescription): ActionCall {
  const open = Object.entries(call.input).flatMap(([name, value]) => (isOpen(value) ? [name] : []));
  checkInput(description, call.input, new Set(open));
  return call;
}

/** @throws Problem PARAMETER_INVALID, EXPRESSION_FAILED */
export function planCall(call: TemplateCall, scope: Scope, actions: Actions): ActionCall {
  const description = describeAction(actions, call.action);
  return checkCall({ action: call.action, input: fill(call, scope, description) }, description);
}

/** The action's own way back. */
export function ownUndo(call: ActionCall, actions: Actions): Undo {
  const { undo } = describeAction(actions, call.action);
  if (undo.how !== "action") return undo;
  const description = describeAction(actions, undo.action);
  return { how: "action", call: inheritInput({ action: undo.action, input: {} }, call, description) };
}

/** The way back that a template's step names. @throws Problem PARAMETER_INVALID, EXPRESSION_FAILED */
export function undoBy(rollback: TemplateCall, call: ActionCall, scope: Scope, actions: Actions): Undo {
  const description = describeAction(actions, rollback.action);
  const own = { action: rollback.action, input: fill(rollback, scope, description) };
  return { how: "action", call: checkCall(inheritInput(own, call, description), description) };
}

/** An undo without parameters of its own speaks of the same objects as the step. */
function inheritInput(undo: ActionCall, call: ActionCall, { input }: ActionDescription): ActionCall {
  const known = isObject(input["properties"]) ? Object.keys(input["properties"]) : [];
  const inherited = Object.entries(call.input).filter(([name]) => known.includes(name));
  return { action: undo.action, input: { ...Object.fromEntries(inherited), ...undo.input } };
}
