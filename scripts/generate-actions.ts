// Writes docs/reference/actions.md from the action registry.
// `--check` writes nothing and fails when the committed file is not what would be written.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Action } from "../src/actions/action.ts";
import { actions } from "../src/actions/registry.ts";
import { isObject, type Json, type JsonObject } from "../src/domain/json.ts";
import type { ActionUndo, RbacRule } from "../src/domain/templates/action-description.ts";

const target = path.join(import.meta.dirname, "../docs/reference/actions.md");

const introduction = `# Actions

What a template's steps can do. This page is generated from the registry (\`npm run generate\`).

- What a step leaves out of namespace, name or node is the incident's target.
- A step's default timeout is the one given here; where an action waits, it is the wait and 30 seconds more.
- Every change is tried by a server-side dry-run before it is made, is conditional on the object as it was read, and leaves its
  mark in the annotations \`gitmend.dev/execution\`, \`gitmend.dev/effect\` and \`gitmend.dev/effect-base\`.
- "Other names" are accepted everywhere and mean the same.
`;

function document(): string {
  const rows = actions.map(
    ({ name, type, risk, changes, summary }) =>
      `| [${name}](#${name}) | ${type} | ${risk} | ${changes ? "yes" : "no"} | ${cell(summary)} |`,
  );
  const table = [
    "| action | type | risk | changes something | what it does |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ];
  return `${[introduction, table.join("\n"), ...actions.map(section)].join("\n\n").replaceAll(/\n{3,}/g, "\n\n")}\n`;
}

function section(action: Action): string {
  const facts = [
    ...(action.aliases.length > 0 ? [`- Other names: ${codes(action.aliases)}`] : []),
    `- Type: ${action.type}. Risk: ${action.risk}. Timeout: ${timeoutText(action)}.`,
    `- Undo: ${undoText(action.undo)}`,
    ...(action.idempotent ? [] : ["- Never sent twice: when its outcome is unknown, people decide."]),
    ...(action.text.length > 0 ? [`- May hold free text: ${codes(action.text)}`] : []),
    ...(action.adaptable === undefined
      ? []
      : [`- Can be adapted within bounds (\`adapt\`): ${codes(Object.keys(action.adaptable))}`]),
    `- Kubernetes permissions: ${rbacText(action.rbac)}`,
  ];
  return [
    `## ${action.name}`,
    action.summary,
    facts.join("\n"),
    parameterTable(action),
    outputTable(action.output),
  ].join("\n\n");
}

function timeoutText({ timeoutSeconds, waitParameter }: Action): string {
  return waitParameter === null ? `${timeoutSeconds} s` : `\`${waitParameter}\` and 30 s more`;
}

function undoText(undo: ActionUndo): string {
  switch (undo.how) {
    case "restore":
      return "the old values are written back, where what gitmend wrote still stands.";
    case "action":
      return `[${undo.action}](#${undo.action}).`;
    case "stop":
      return `it is stopped while it runs; ${undo.why}.`;
    case "nothing":
      return `none: ${undo.why}.`;
    default:
      return undo satisfies never;
  }
}

function rbacText(rules: readonly RbacRule[]): string {
  if (rules.length === 0) return "none.";
  const texts = rules.map(({ apiGroup, resource, verbs }) => {
    const where = apiGroup === "" ? resource : `${resource}.${apiGroup}`;
    return `\`${where}\` (${verbs.join(", ")})`;
  });
  return `${texts.join(", ")}.`;
}

function parameterTable(action: Action): string {
  const required = Array.isArray(action.input.required) ? (action.input.required as readonly Json[]) : [];
  const rows = Object.entries(properties(action.input)).map(([name, schema]) => {
    const others = Object.entries(action.parameterAliases).filter(([, canonical]) => canonical === name);
    const also = others.length === 0 ? "" : ` Other names: ${codes(others.map(([alias]) => alias))}.`;
    const must = required.includes(name) ? " **Required.**" : "";
    const fallback = schema.default === undefined ? "" : `\`${JSON.stringify(schema.default)}\``;
    return `| \`${name}\` | ${cell(typeText(schema))} | ${fallback} | ${cell(descriptionOf(schema))}${must}${also} |`;
  });
  return ["| parameter | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function outputTable(output: JsonObject): string {
  const rows = Object.entries(properties(output)).map(
    ([name, schema]) => `| \`${name}\` | ${cell(typeText(schema))} | ${cell(descriptionOf(schema))} |`,
  );
  return ["| output | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

function typeText(schema: JsonObject): string {
  if (Array.isArray(schema.enum))
    return (schema.enum as readonly Json[]).map((value) => JSON.stringify(value)).join(", ");
  if (Array.isArray(schema.oneOf)) return (schema.oneOf as readonly JsonObject[]).map(typeText).join(" or ");
  if (isObject(schema.properties)) return `{${Object.keys(schema.properties).join(", ")}}`;
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type;
  return `${typeof type === "string" ? type : "anything"}${rangeText(schema)}`;
}

function rangeText({ minimum, maximum }: JsonObject): string {
  if (typeof minimum !== "number") return "";
  return typeof maximum === "number" ? ` ${minimum} to ${maximum}` : ` from ${minimum}`;
}

function properties(schema: JsonObject): Readonly<Record<string, JsonObject>> {
  return isObject(schema.properties) ? (schema.properties as Readonly<Record<string, JsonObject>>) : {};
}

function descriptionOf({ description }: JsonObject): string {
  return typeof description === "string" ? description : "";
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

const text = document();
if (!process.argv.includes("--check")) {
  await writeFile(target, text);
} else if ((await readFile(target, "utf8").catch(() => "")) !== text) {
  console.error("docs/reference/actions.md is not what the registry says: run npm run generate");
  process.exitCode = 1;
}
