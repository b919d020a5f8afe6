// One action call of a template: canonical names, values of the right type, and text that chooses no object.
import { didYouMean } from "../did-you-mean.ts";
import { fits, readText, type TextReading } from "../expressions/check-expression.ts";
import type { Access, CompiledExpression, ResultType } from "../expressions/compile-expression.ts";
import type { ScopeName } from "../expressions/scope.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { DataPath } from "../yaml-findings.ts";
import { type ActionIndex, type IndexedAction, isBounded, schemaTypes } from "./action-index.ts";
import { checkPromql } from "./check-promql.ts";
import type { FindingList } from "./finding-list.ts";
import type { Call } from "./template.generated.ts";
import type { TemplateCall } from "./template.ts";

/** What the expressions of one step may refer to. */
export interface StepSurroundings {
  /** Output fields by step; null: not declared. */
  readonly outputs: ReadonlyMap<string, Readonly<Record<string, JsonObject>> | null>;
  /** Steps for each subject: their output is a list. */
  readonly lists: ReadonlySet<string>;
  readonly before: ReadonlySet<string>;
  /** What to do about a step that need not have ended: `: name it in depends_on`. */
  readonly hint: string;
  /** The template's parameters. */
  readonly parameters: Readonly<Record<string, JsonObject>>;
  /** Output fields of the step itself, for postconditions. */
  readonly own: Readonly<Record<string, JsonObject>> | null;
  readonly list: FindingList;
  /** Told of every access: facts that are needed, parameters that steer. `text`: it only fills in free text. */
  readonly note: (access: Access, text: boolean) => void;
}

function outputFault(
  outputs: Readonly<Record<string, JsonObject>> | null | undefined,
  field: string | null | undefined,
): string | null {
  if (outputs === null || outputs === undefined || field === null || field === undefined) return null;
  if (Object.hasOwn(outputs, field)) return null;
  return `the output has no "${field}"${didYouMean(field, Object.keys(outputs))}`;
}

function stepFault(path: Access["path"], { outputs, before, hint, lists }: StepSurroundings): string | null {
  const [step, part, field] = path;
  if (step === undefined || step === null) return "write the step's name: steps['name'].output";
  if (!outputs.has(step)) return `there is no step "${step}"${didYouMean(step, outputs.keys())}`;
  if (!before.has(step)) return `"${step}" need not have ended before this step${hint}`;
  if (part !== "output" && part !== "status") return `a step has "output" and "status", not "${part ?? ""}"`;
  if (part !== "output" || field === undefined || field === null) return null;
  return lists.has(step)
    ? `"${step}" runs for each subject, so its output is a list: write steps['${step}'].output.all(one, one.${field})`
    : outputFault(outputs.get(step), field);
}

function accessFault(access: Access, surroundings: StepSurroundings): string | null {
  const [first] = access.path;
  const known = surroundings.parameters;
  if (access.root === "steps") return stepFault(access.path, surroundings);
  if (access.root === "output") return outputFault(surroundings.own, first);
  if (access.root !== "params" || first === undefined || first === null || Object.hasOwn(known, first))
    return null;
  return `the template has no parameter "${first}"${didYouMean(first, Object.keys(known))}`;
}

/** Reports names that do not exist, at the access. `shift`: where the expression begins in its string. */
export function checkAccesses(
  expression: CompiledExpression,
  path: DataPath,
  shift: number,
  surroundings: StepSurroundings,
): void {
  for (const access of expression.accesses) {
    const message = accessFault(access, surroundings);
    if (message !== null) surroundings.list.faults(path, [{ message, offset: access.offset }], shift);
  }
}

/** Free text from outside: what nobody on our side wrote or checked. `alert` as a whole holds annotations too. */
export function readsFreeText({ root, path }: Access): boolean {
  return root === "alert" && (path[0] === undefined || path[0] === null || path[0] === "annotations");
}

function declaredType(
  { only, type }: CompiledExpression,
  { outputs, parameters }: StepSurroundings,
): ResultType {
  if (only === null || type !== "unknown") return type;
  const [first, second, third] = only.path;
  const isOutput = only.root === "steps" && only.path.length === 3 && second === "output";
  const isParameter = only.root === "params" && only.path.length === 1;
  const schema = isOutput
    ? outputs.get(first ?? "")?.[third ?? ""]
    : isParameter
      ? parameters[first ?? ""]
      : undefined;
  const types = schema === undefined ? [] : schemaTypes(schema);
  return types.length === 1 ? (types[0] ?? "unknown") : "unknown";
}

interface Place {
  readonly path: DataPath;
  readonly name: string;
  readonly action: IndexedAction;
  readonly scope: ScopeName;
}

const boundedTypes: ReadonlySet<ResultType> = new Set(["integer", "number", "boolean"]);

/** `found`: the type that the whole value will have. */
function textFault(access: Access, found: ResultType, { name, action }: Place): string | null {
  const { description, properties } = action;
  if (description.text.includes(name)) return null;
  if (readsFreeText(access)) {
    return `annotations are free text: "${name}" of ${description.name} takes none`;
  }
  if (access.root !== "steps") return null;
  if (description.identity.includes(name)) {
    return `"${name}" chooses an object, so it is fixed when the plan is made: a step's output cannot fill it`;
  }
  return boundedTypes.has(found) || isBounded(properties[name] ?? {})
    ? null
    : `a step's output may fill only numbers, booleans and listed values; "${name}" is none`;
}

function typeOf(reading: TextReading, surroundings: StepSurroundings): ResultType {
  const [only] = reading.expressions;
  if (reading.faults.length > 0 || only === undefined) return "unknown";
  return reading.type === "string" ? "string" : declaredType(only.expression, surroundings);
}

/** The type that the string has once it is filled in; `unknown` when only run time knows. */
function checkString(text: string, path: DataPath, place: Place, surroundings: StepSurroundings): ResultType {
  const reading = readText(text, place.scope);
  const found = typeOf(reading, surroundings);
  surroundings.list.faults(path, reading.faults);
  if (place.action.description.literal?.includes(place.name) === true)
    surroundings.list.error(
      path,
      "LITERAL_ONLY",
      `"${place.name}" takes no expressions: what is run is what a person wrote. Hand values over in "env"`,
    );
  if (place.action.description.promql?.includes(place.name) === true)
    checkPromql(text, path, place.scope, surroundings.list);
  for (const { expression, offset } of reading.expressions) {
    checkAccesses(expression, path, offset, surroundings);
    for (const access of expression.accesses) {
      surroundings.note(access, place.action.description.text.includes(place.name));
      const message = textFault(access, found, place);
      if (message === null) continue;
      surroundings.list.error(path, "TEXT_CHOOSES", message, { offset: offset + access.offset });
    }
  }
  return found;
}

/** true: nothing in the value is filled in later, so it can be checked as it stands. */
function checkStrings(value: Json, path: DataPath, place: Place, surroundings: StepSurroundings): boolean {
  if (typeof value === "string") {
    if (!value.includes("{{")) return true;
    checkString(value, path, place, surroundings);
    return false;
  }
  if (typeof value !== "object" || value === null) return true;
  const members = Object.entries(value).map(([key, member]) =>
    checkStrings(member ?? null, [...path, Array.isArray(value) ? Number(key) : key], place, surroundings),
  );
  return members.every(Boolean);
}

function checkValue(value: Json, place: Place, surroundings: StepSurroundings): void {
  const { path, name, action } = place;
  const { list } = surroundings;
  if (typeof value === "string" && value.includes("{{")) {
    const found = checkString(value, path, place, surroundings);
    const wanted = schemaTypes(action.properties[name] ?? {});
    if (wanted.length === 0 || wanted.some((type) => fits(found, type))) return;
    list.error(path, "WRONG_TYPE", `"${name}" must be ${wanted.join(" or ")}; the expression gives ${found}`);
    return;
  }
  if (!checkStrings(value, path, place, surroundings)) return;
  const wrong = action.check(name, value);
  if (wrong !== null) list.error(path, "WRONG_TYPE", `"${name}" of ${action.description.name}: ${wrong}`);
}

interface CallRules {
  readonly scope: ScopeName;
  /** A rollback takes what it does not name from its step. */
  readonly inherits: boolean;
}

function checkParameters(
  parameters: JsonObject,
  action: IndexedAction,
  path: DataPath,
  scope: ScopeName,
  surroundings: StepSurroundings,
): Readonly<Record<string, Json>> {
  const { list } = surroundings;
  const canonical: Record<string, Json> = {};
  for (const [spelling, value] of Object.entries(parameters)) {
    const here = [...path, "parameters", spelling];
    const name = action.spellings.get(spelling);
    if (name === undefined) {
      const hint = didYouMean(spelling, action.spellings.keys());
      list.error(
        here,
        "UNKNOWN_PARAMETER",
        `${action.description.name} has no parameter "${spelling}"${hint}`,
        { key: true },
      );
    } else if (Object.hasOwn(canonical, name)) {
      list.error(
        here,
        "DUPLICATE_NAME",
        `"${spelling}" is another spelling of "${name}", which is given too`,
        { key: true },
      );
    } else {
      canonical[name] = value ?? null;
      checkValue(value ?? null, { path: here, name, action, scope }, surroundings);
    }
  }
  return canonical;
}

export function findAction(
  call: Pick<Call, "action" | "type">,
  path: DataPath,
  index: ActionIndex,
  list: FindingList,
): IndexedAction | null {
  const action = index.find(call.action);
  if (action === undefined) {
    const message = `there is no action "${call.action}"${didYouMean(call.action, index.names)}`;
    list.error([...path, "action"], "UNKNOWN_ACTION", message);
    return null;
  }
  if (call.type !== undefined && call.type !== action.description.type) {
    const message = `${action.description.name} is of type ${action.description.type}, not ${call.type}`;
    list.error([...path, "type"], "WRONG_TYPE", message);
  }
  return action;
}

/** The call under canonical names; null when there is no such action. */
export function checkCall(
  call: Call,
  path: DataPath,
  rules: CallRules,
  index: ActionIndex,
  surroundings: StepSurroundings,
): TemplateCall | null {
  const action = findAction(call, path, index, surroundings.list);
  if (action === null) return null;
  const given = isObject(call.parameters) ? call.parameters : {};
  const parameters = checkParameters(given, action, path, rules.scope, surroundings);
  const missing = rules.inherits ? [] : action.required.filter((name) => !Object.hasOwn(parameters, name));
  for (const name of missing) {
    surroundings.list.error(path, "MISSING_PARAMETER", `${action.description.name} needs "${name}"`);
  }
  return { action: action.description.name, parameters };
}
