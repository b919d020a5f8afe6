// The action catalogue as the compiler asks it: by name or alias, with validators for single parameters.
import { Ajv } from "ajv";
import type { ResultType } from "../expressions/compile-expression.ts";
import { isObject, type Json, type JsonObject } from "../json.ts";
import type { ActionDescription } from "./action-description.ts";

export interface IndexedAction {
  readonly description: ActionDescription;
  /** Canonical parameter name -> its schema. */
  readonly properties: Readonly<Record<string, JsonObject>>;
  readonly required: readonly string[];
  /** Every spelling of a parameter -> its canonical name. */
  readonly spellings: ReadonlyMap<string, string>;
  /** Output field -> its schema; null: its fields are not declared. */
  readonly outputs: Readonly<Record<string, JsonObject>> | null;
  /** What is wrong with a literal value; null: nothing. */
  check(parameter: string, value: Json): string | null;
}

export interface ActionIndex {
  find(nameOrAlias: string): IndexedAction | undefined;
  readonly names: readonly string[];
}

export function propertiesOf(schema: JsonObject): Readonly<Record<string, JsonObject>> {
  const { properties } = schema;
  return isObject(properties) ? (properties as Readonly<Record<string, JsonObject>>) : {};
}

/** A validator that is compiled when it is first needed: most catalogs use few parameters of few actions. */
export function valueChecker(ajv: Ajv, schema: JsonObject): (value: Json) => string | null {
  let validate: ReturnType<Ajv["compile"]> | null = null;
  return (value) => {
    validate ??= ajv.compile(schema);
    if (validate(value)) return null;
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`.trim()).join("; ");
  };
}

/** Values are checked as written: nothing is converted. Schemas were held to draft-07 before: doing that again takes long. */
export function valueValidation(): Ajv {
  const trusted = { meta: false, validateSchema: false, validateFormats: false };
  return new Ajv({ ...trusted, allErrors: true, strict: false });
}

function indexed(description: ActionDescription, ajv: Ajv): IndexedAction {
  const properties = propertiesOf(description.input);
  const { required } = description.input;
  const names = Object.keys(properties);
  const spellings = new Map([
    ...Object.entries(description.parameterAliases),
    ...names.map((name) => [name, name] as const),
  ]);
  const checkers = new Map(names.map((name) => [name, valueChecker(ajv, properties[name] ?? {})] as const));
  return {
    description,
    properties,
    required: Array.isArray(required) ? required.map(String) : [],
    spellings,
    outputs: description.output["additionalProperties"] === false ? propertiesOf(description.output) : null,
    check: (parameter, value) => checkers.get(parameter)?.(value) ?? null,
  };
}

export function actionIndex(actions: readonly ActionDescription[]): ActionIndex {
  const ajv = valueValidation();
  const byName = new Map<string, IndexedAction>();
  for (const description of actions) {
    const action = indexed(description, ajv);
    for (const name of [description.name, ...description.aliases]) byName.set(name, action);
  }
  return { find: (name) => byName.get(name), names: [...byName.keys()] };
}

const typeNames: ReadonlySet<string> = new Set([
  "string",
  "integer",
  "number",
  "boolean",
  "array",
  "object",
  "null",
]);

function typeOfValue(value: Json): ResultType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value as ResultType;
}

/** The JSON types that a schema admits, as far as it says; empty: any. */
export function schemaTypes(schema: JsonObject): readonly ResultType[] {
  const { type, enum: allowed } = schema;
  const declared = Array.isArray(type) ? type : [type];
  const types = declared.filter(
    (name): name is ResultType => typeof name === "string" && typeNames.has(name),
  );
  if (types.length > 0) return types;
  return Array.isArray(allowed) ? [...new Set(allowed.map((value: Json) => typeOfValue(value)))] : [];
}

/** A number, a boolean or one of listed values: whatever fills it in cannot choose an object. */
export function isBounded(schema: JsonObject): boolean {
  if (Array.isArray(schema["enum"]) || schema["const"] !== undefined) return true;
  const types = schemaTypes(schema);
  return (
    types.length > 0 && types.every((type) => type === "integer" || type === "number" || type === "boolean")
  );
}
