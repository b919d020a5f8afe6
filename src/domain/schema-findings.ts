// Holds a document against a JSON Schema (draft-07) and says, in words and with positions, everything that is wrong.
// Also fills in the schema's defaults: the schema is the only place where a default stands.
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { didYouMean } from "./did-you-mean.ts";
import type { Finding } from "./finding.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { type DataPath, type YamlDocument, yamlLimits } from "./yaml-findings.ts";

interface SchemaNode {
  readonly title?: string;
  readonly examples?: readonly unknown[];
  readonly default?: Json;
  readonly const?: unknown;
  readonly $ref?: string;
  readonly allOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly definitions?: Readonly<Record<string, SchemaNode>>;
}

/** All findings at once; none: the value has the schema's type. */
export type SchemaCheck = (document: YamlDocument) => readonly Finding[];

function pathOf(pointer: string, value: Json): DataPath {
  const path: (string | number)[] = [];
  let here: unknown = value;
  for (const raw of pointer.split("/").slice(1)) {
    const part = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    const key = Array.isArray(here) ? Number(part) : part;
    path.push(key);
    here = Array.isArray(here) ? here[Number(part)] : isObject(here) ? here[part] : undefined;
  }
  return path;
}

function dereference(schema: SchemaNode, root: SchemaNode): SchemaNode {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference === undefined) return schema;
  return root.definitions?.[reference.replace("#/definitions/", "")] ?? schema;
}

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : `${typeof value} ${JSON.stringify(value)}`;
}

const kindNames: Readonly<Record<string, string>> = {
  string: "a string",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  null: "null",
};

function enumText(value: unknown, allowed: readonly unknown[]): string {
  const guess = typeof value === "string" ? didYouMean(value, allowed.map(String)) : "";
  return `${JSON.stringify(value)} is not one of ${allowed.join(", ")}${guess}`;
}

function discriminatorText(error: ErrorObject, root: SchemaNode): string {
  const parent = error.parentSchema as SchemaNode;
  const tags = (parent.oneOf ?? []).map((option) => dereference(option, root).properties?.["type"]?.const);
  return error.params["error"] === "mapping"
    ? enumText(error.params["tagValue"], tags)
    : `"type" must be one of ${tags.join(", ")}`;
}

interface Words {
  readonly code: string;
  readonly message: string;
}

function exampleText(error: ErrorObject): string {
  const example = (error.parentSchema as SchemaNode).examples?.[0];
  const shape =
    example === undefined
      ? `match ${String(error.params["pattern"])}`
      : `look like ${JSON.stringify(example)}`;
  return `${JSON.stringify(error.propertyName ?? error.data)} must ${shape}`;
}

function wordsOf(error: ErrorObject, root: SchemaNode): Words {
  const { params, data } = error;
  const known = Object.keys((error.parentSchema as SchemaNode | undefined)?.properties ?? {});
  const size = Array.isArray(data) ? data.length : 0;
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params["additionalProperty"]);
      return { code: "UNKNOWN_KEY", message: `unknown key "${key}"${didYouMean(key, known)}` };
    }
    case "required":
      return { code: "MISSING_KEY", message: `"${String(params["missingProperty"])}" is missing` };
    case "type": {
      const wanted = [params["type"]]
        .flat()
        .map((name) => kindNames[String(name)] ?? String(name))
        .join(" or ");
      return { code: "WRONG_TYPE", message: `must be ${wanted}, not ${kindOf(data)}` };
    }
    case "enum":
      return { code: "WRONG_VALUE", message: enumText(data, params["allowedValues"] as unknown[]) };
    case "discriminator":
      return { code: "WRONG_VALUE", message: discriminatorText(error, root) };
    case "pattern":
      return { code: "WRONG_VALUE", message: exampleText(error) };
    case "maxItems":
      return { code: "TOO_MANY", message: `${size} entries; at most ${String(params["limit"])} are allowed` };
    case "minProperties":
    case "maxProperties":
      return { code: "WRONG_VALUE", message: `needs exactly one of ${known.join(", ")}` };
    default:
      return { code: "WRONG_VALUE", message: error.message ?? error.keyword };
  }
}

function toFinding(error: ErrorObject, document: YamlDocument, root: SchemaNode): Finding {
  const path = pathOf(error.instancePath, document.value);
  const key =
    error.keyword === "additionalProperties"
      ? String(error.params["additionalProperty"])
      : error.propertyName;
  const position =
    key === undefined ? document.position(path) : document.position([...path, key], { key: true });
  if (error.instancePath === "/format" && error.keyword === "maximum") {
    const message = `format ${String(error.data)} is newer than this version of gitmend understands`;
    return { ...position, severity: "error", code: "FORMAT_TOO_NEW", message };
  }
  return { ...position, severity: "error", ...wordsOf(error, root) };
}

function isNoise(error: ErrorObject): boolean {
  return ["oneOf", "allOf", "propertyNames"].includes(error.keyword);
}

/** Compiles the schema once: keep the result for as many documents as there are. */
export function schemaCheck(schema: object): SchemaCheck {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    discriminator: true,
    // The schemas are our own and a test holds them to draft-07: reading that once more would double the time.
    meta: false,
    validateSchema: false,
  });
  const validate: ValidateFunction = ajv.compile(schema);
  return (document) => {
    if (validate(document.value)) return [];
    const errors = (validate.errors ?? []).filter((error) => !isNoise(error)).slice(0, yamlLimits.findings);
    return errors.map((error) => toFinding(error, document, schema as SchemaNode));
  };
}

function optionOf(
  value: JsonObject,
  options: readonly SchemaNode[],
  root: SchemaNode,
): SchemaNode | undefined {
  const resolved = options.map((option) => dereference(option, root));
  return resolved.find((option) => option.properties?.["type"]?.const === value["type"]);
}

function fillObject(value: JsonObject, schema: SchemaNode, root: SchemaNode): JsonObject {
  const filled: Record<string, Json | undefined> = {};
  for (const [key, member] of Object.entries(value)) {
    const own = schema.properties?.[key];
    const rest = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
    filled[key] = (own ?? rest) ? fill(member ?? null, own ?? rest ?? {}, root) : member;
  }
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (filled[key] === undefined && property.default !== undefined)
      filled[key] = fill(property.default, property, root);
  }
  return filled;
}

function fill(value: Json, schema: SchemaNode, root: SchemaNode): Json {
  const resolved = dereference(schema, root);
  if (Array.isArray(value)) {
    const { items } = resolved;
    return items === undefined ? value : value.map((item: Json) => fill(item, items, root));
  }
  if (!isObject(value)) return value;
  const option = resolved.oneOf === undefined ? resolved : optionOf(value, resolved.oneOf, root);
  return option === undefined ? value : fillObject(value, option, root);
}

/** A copy of a valid value with the schema's defaults, at every level. */
export function withDefaults<T>(value: Json, schema: object): T {
  return fill(value, schema as SchemaNode, schema as SchemaNode) as T;
}
