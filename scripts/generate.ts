// Writes what follows from schemas/: TypeScript types with the schema as a constant, and the reference pages.
// `--check` writes nothing and fails when a committed file is not what would be written.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { compile, type JSONSchema } from "json-schema-to-typescript";

interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

interface Format {
  readonly name: string;
  /** The type of the file's content after its defaults were filled in. */
  readonly type: string;
  readonly target: string;
}

const root = path.join(import.meta.dirname, "..");
const formats: readonly Format[] = [
  { name: "template", type: "TemplateFile", target: "src/domain/templates/template.generated.ts" },
  { name: "policy", type: "PolicyFile", target: "src/domain/policies/policy.generated.ts" },
  { name: "action", type: "ActionFile", target: "src/domain/templates/action.generated.ts" },
  { name: "catalog", type: "CatalogFile", target: "src/domain/policies/catalog.generated.ts" },
  { name: "pause", type: "PauseFile", target: "src/domain/policies/pause.generated.ts" },
  { name: "policy-test", type: "PolicyTestFile", target: "src/domain/policy-tests/policy-test.generated.ts" },
  { name: "config", type: "Config", target: "src/config/config.generated.ts" },
];

/** Whatever has a default is there once the file was read. */
function withDefaultsRequired(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withDefaultsRequired);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withDefaultsRequired(value)]),
  );
  const properties = (schema as Schema).properties;
  if (properties === undefined) return copy;
  const filled = Object.keys(properties).filter((key) => properties[key]?.default !== undefined);
  return { ...copy, required: [...new Set([...((schema as Schema).required ?? []), ...filled])] };
}

const typeKeywords = ["type", "enum", "const", "oneOf", "allOf", "$ref"];

/** Titles are for people; the generator would name types after them. What may be anything becomes `unknown`. */
function forTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(forTypes);
  if (typeof schema !== "object" || schema === null) return schema;
  const isSchema = "description" in schema && typeof schema.description === "string";
  if (isSchema && !typeKeywords.some((keyword) => keyword in schema)) {
    return { description: schema.description, tsType: "unknown" };
  }
  const entries = Object.entries(schema).filter(
    ([key]) => !(isSchema && (key === "title" || key === "examples")),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, forTypes(value)]));
}

async function typescriptOf(format: Format, schema: Schema): Promise<string> {
  const plain = { ...(forTypes(withDefaultsRequired(schema)) as JSONSchema), title: format.type };
  const options = { ignoreMinAndMaxItems: true, bannerComment: "", unknownAny: true };
  const types = await compile(plain, format.type, options);
  return [
    `// Written by scripts/generate.ts from schemas/${format.name}.schema.json. Do not edit: change the schema.`,
    types,
    `export const ${camelCase(format.name)}Schema = ${JSON.stringify(schema, null, 2)} as const;`,
    "",
  ].join("\n");
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function resolve(schema: Schema, document: Schema): Schema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference === undefined) return schema;
  const found = document.definitions?.[reference.replace("#/definitions/", "")];
  if (found === undefined) throw new Error(`${reference} is not defined`);
  return { ...found, ...schema };
}

function typeText(schema: Schema, document: Schema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.oneOf !== undefined) return "one of the events below";
  if (typeof schema.type === "object") return schema.type.join(" or ");
  if (schema.type === "array" && schema.items)
    return `list of ${typeText(resolve(schema.items, document), document)}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    const values = schema.additionalProperties;
    return Object.keys(values).length === 0
      ? "map"
      : `map of ${typeText(resolve(values, document), document)}`;
  }
  return schema.type ?? "any";
}

function limitsText(schema: Schema): string {
  const limits = [
    ...(schema.minimum === undefined ? [] : [`at least ${schema.minimum}`]),
    ...(schema.maximum === undefined ? [] : [`at most ${schema.maximum}`]),
    ...(schema.default === undefined || JSON.stringify(schema.default) === "{}"
      ? []
      : [`default \`${JSON.stringify(schema.default)}\``]),
  ];
  return limits.length === 0 ? "" : ` (${limits.join(", ")})`;
}

function nestedOf(schema: Schema, document: Schema): Schema {
  const resolved = resolve(schema, document);
  if (resolved.type === "array" && resolved.items) return nestedOf(resolved.items, document);
  if (typeof resolved.additionalProperties === "object")
    return nestedOf(resolved.additionalProperties, document);
  return resolved;
}

interface Section {
  readonly heading: string;
  readonly schema: Schema;
}

/** One table per object, outermost first; a definition that is used often is described once. */
function sectionsOf(document: Schema): Section[] {
  const sections: Section[] = [{ heading: "The file", schema: nestedOf(document, document) }];
  const seen = new Set<string>();
  for (let index = 0; index < sections.length; index += 1) {
    const { schema, heading } = sections[index] as Section;
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      const nested = nestedOf(property, document);
      const options = nested.oneOf?.map((option) => resolve(option, document)) ?? [nested];
      for (const option of options.filter((candidate) => candidate.properties !== undefined)) {
        const identity = JSON.stringify(option.properties);
        if (seen.has(identity)) continue;
        seen.add(identity);
        const constant = option.properties?.["type"]?.const;
        const where = heading === "The file" ? `\`${key}\`` : `${heading.replace(/`$/, "")}.${key}\``;
        sections.push({
          heading: constant === undefined ? where : `Event \`${JSON.stringify(constant)}\``,
          schema: option,
        });
      }
    }
  }
  return sections;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function tableOf(schema: Schema, document: Schema): string[] {
  const rows = Object.entries(schema.properties ?? {}).map(([key, raw]) => {
    const property = resolve(raw, document);
    const needed = schema.required?.includes(key) ? " **required**" : "";
    const example = raw.examples?.[0] ?? property.examples?.[0];
    const description = `${property.description ?? ""}${limitsText(property)}`;
    return `| \`${key}\`${needed} | ${cell(typeText(property, document))} | ${cell(description)} | ${cell(`\`${JSON.stringify(example)}\``)} |`;
  });
  return ["| key | type | meaning | example |", "| --- | --- | --- | --- |", ...rows];
}

function referenceOf(format: Format, schema: Schema): string {
  const sections = sectionsOf(schema).flatMap(({ heading, schema: part }) => [
    `## ${heading}`,
    "",
    part === schema ? "" : `${part.description ?? ""}\n`,
    ...tableOf(part, schema),
    "",
  ]);
  return [
    `# Reference: ${format.name}`,
    "",
    `<!-- Written by scripts/generate.ts from schemas/${format.name}.schema.json. -->`,
    "",
    schema.description ?? "",
    "",
    ...sections,
  ]
    .join("\n")
    .replace(/\n{3,}/g, "\n\n");
}

async function outputsOf(format: Format): Promise<ReadonlyMap<string, string>> {
  const file = path.join(root, "schemas", `${format.name}.schema.json`);
  const schema = JSON.parse(await readFile(file, "utf8")) as Schema;
  return new Map([
    [format.target, await typescriptOf(format, schema)],
    [`docs/reference/${format.name}.md`, referenceOf(format, schema)],
  ]);
}

async function isCurrent(file: string, wanted: string): Promise<boolean> {
  const found = await readFile(path.join(root, file), "utf8").catch(() => null);
  return found === wanted;
}

async function main(check: boolean): Promise<number> {
  const stale: string[] = [];
  for (const format of formats) {
    for (const [file, text] of await outputsOf(format)) {
      if (await isCurrent(file, text)) continue;
      stale.push(file);
      if (check) continue;
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeFile(path.join(root, file), text);
    }
  }
  for (const file of stale) console.log(check ? `${file} is stale: run npm run generate` : `wrote ${file}`);
  return check && stale.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.includes("--check"));
