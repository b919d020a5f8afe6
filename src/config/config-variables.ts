// The environment variables of gitmend.yaml, worked out from its schema: `server.listen` is GITMEND_SERVER_LISTEN.
// There is no second table: a key that the schema gets has its variable at once.
import { closest } from "../domain/did-you-mean.ts";
import type { Finding } from "../domain/finding.ts";
import { isObject, type Json } from "../domain/json.ts";
import { readYaml } from "../domain/yaml-findings.ts";
import { configSchema } from "./config.generated.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigVariable {
  readonly name: string;
  readonly path: readonly string[];
  /** `text` is taken as it is; `secret` becomes a reference to the variable itself; `yaml` is parsed. */
  readonly kind: "text" | "secret" | "yaml";
}

interface SchemaNode {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly allOf?: readonly { readonly $ref: string }[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

const prefix = "GITMEND";
const secretReference = "#/definitions/secret";

function definition(node: SchemaNode): SchemaNode {
  const reference = node.allOf?.[0]?.$ref;
  if (reference === undefined) return node;
  const definitions: Readonly<Record<string, SchemaNode>> = configSchema.definitions;
  return definitions[reference.replace("#/definitions/", "")] ?? node;
}

function kindOf(node: SchemaNode): ConfigVariable["kind"] {
  if (node.allOf?.[0]?.$ref === secretReference) return "secret";
  return node.type === "string" || node.enum !== undefined ? "text" : "yaml";
}

function variablesOf(path: readonly string[], node: SchemaNode): readonly ConfigVariable[] {
  const kind = kindOf(node);
  const properties = kind === "secret" ? undefined : definition(node).properties;
  if (properties === undefined) {
    return [{ name: [prefix, ...path].join("_").toUpperCase(), path, kind }];
  }
  return Object.entries(properties).flatMap(([key, property]) => variablesOf([...path, key], property));
}

/** One for each key; lists and maps are one key. */
export function configVariables(): readonly ConfigVariable[] {
  return variablesOf([], configSchema as SchemaNode);
}

export interface Overlay {
  readonly value: Json;
  /** Where each key that came from the environment stands: its path, joined by dots -> the variable. */
  readonly origins: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

function withMember(value: Json, [key, ...rest]: readonly string[], member: Json): Json {
  if (key === undefined) return member;
  const own = isObject(value) ? value : {};
  return { ...own, [key]: withMember(own[key] ?? null, rest, member) };
}

/** A variable that is nearly the name of a key was meant to be one. */
function misspelt(environment: Environment, variables: readonly ConfigVariable[]): readonly Finding[] {
  const known = new Set(variables.map(({ name }) => name));
  const strangers = Object.keys(environment).filter(
    (name) => name.startsWith(`${prefix}_`) && !known.has(name),
  );
  return strangers.flatMap((name) => {
    const meant = closest(name, known);
    if (meant === null) return [];
    const message = `unknown variable; did you mean "${meant}"?`;
    return [{ file: name, line: 1, column: 1, severity: "warning", code: "UNKNOWN_VARIABLE", message }];
  });
}

/** The file's value with what the environment says on top. An empty variable counts as not set. */
export function overlayEnvironment(fileValue: Json, environment: Environment): Overlay {
  const variables = configVariables();
  const findings = [...misspelt(environment, variables)];
  const origins = new Map<string, string>();
  let value = fileValue;
  for (const { name, path, kind } of variables) {
    const text = environment[name];
    if (text === undefined || text === "") continue;
    origins.set(path.join("."), name);
    if (kind !== "yaml") {
      value = withMember(value, path, kind === "secret" ? { env: name } : text);
      continue;
    }
    const reading = readYaml(name, text);
    findings.push(...reading.findings);
    if (reading.document !== null) value = withMember(value, path, reading.document.value);
  }
  return { value, origins, findings };
}
