// Values against JSON Schemas while a plan is made: parameters of templates and input of actions, once expressions are filled in.
// A compiled schema is kept for as long as the schema itself: compiling takes longer than all the rest of a plan.
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Json, JsonObject } from "../json.ts";
import { oneLine } from "../plain-text.ts";
import { Problem } from "../problem.ts";
import type { ActionDescription } from "../templates/action-description.ts";

const compiled = new WeakMap<object, ValidateFunction>();

function validatorOf(key: object, schema: () => object): ValidateFunction {
  const known = compiled.get(key);
  if (known !== undefined) return known;
  // The schemas are held to draft-07 where they come from; compiling that meta-schema again is nine tenths of the time.
  const trusted = { meta: false, validateSchema: false, validateFormats: false };
  const ajv = new Ajv({ ...trusted, useDefaults: true, allErrors: true, strict: false, verbose: true });
  const made = ajv.compile(schema());
  compiled.set(key, made);
  return made;
}

function describe({ instancePath, keyword, message = "is not valid", params, data }: ErrorObject): string {
  const name = instancePath.slice(1);
  if (keyword === "additionalProperties") return `${message} (${String(params["additionalProperty"])})`;
  const isValue = typeof data === "string" || typeof data === "number";
  return `${name} ${message}${isValue ? `, not ${oneLine(JSON.stringify(data), 80)}` : ""}`.trim();
}

function refuse(what: string, errors: readonly ErrorObject[]): never {
  throw new Problem(
    "PARAMETER_INVALID",
    `${what}: ${[...new Set(errors.map(describe))].slice(0, 5).join("; ")}`,
  );
}

interface Declared {
  readonly name: string;
  readonly parameters: Readonly<Record<string, JsonObject>>;
}

/** The values that a policy gave, then the template's defaults. @throws Problem PARAMETER_INVALID */
export function fillParameters(
  { name, parameters }: Declared,
  given: Readonly<Record<string, Json>>,
): Readonly<Record<string, Json>> {
  const validate = validatorOf(parameters, () => ({
    type: "object",
    properties: parameters,
    required: Object.keys(parameters),
    additionalProperties: false,
  }));
  const values = structuredClone(given);
  return validate(values) ? values : refuse(`parameters of template ${name}`, validate.errors ?? []);
}

/**
 * Whether the action takes this input, as its schema says. Nothing is converted or filled in.
 * @param open parameters that are filled in later and cannot be judged yet
 * @throws Problem PARAMETER_INVALID
 */
export function checkInput(
  { name, input: schema }: Pick<ActionDescription, "name" | "input">,
  input: Readonly<Record<string, Json>>,
  open: ReadonlySet<string> = new Set(),
): void {
  const validate = validatorOf(schema, () => schema);
  if (validate(structuredClone(input))) return;
  const errors = (validate.errors ?? []).filter(
    ({ instancePath }) => !open.has(instancePath.split("/")[1] ?? ""),
  );
  if (errors.length > 0) refuse(name, errors);
}
