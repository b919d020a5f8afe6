// Plain data as block YAML. The record is written a thousand times a second, and the general writer of the yaml package takes
// longer for it than everything else together (docs/decisions/0014); test/domain/audit/yaml-text.test.ts holds this one to it.
import type { Json } from "../json.ts";

/** Reads back as the same data; `undefined` members are left out. Ends with a newline. */
export function yamlText(value: Json): string {
  const lines: string[] = [];
  write(value, "", "", lines);
  return `${lines.join("\n")}\n`;
}

/** `lead`: what stands before the value on its first line (`key:`, `-`), the indentation included. */
function write(value: Json, lead: string, indent: string, lines: string[]): void {
  if (Array.isArray(value)) return writeList(value as readonly Json[], lead, indent, lines);
  if (typeof value === "object" && value !== null) return writeMap(value as Members, lead, indent, lines);
  lines.push(joined(lead, scalar(value, indent)));
}

type Members = Readonly<Record<string, Json | undefined>>;

function writeMap(map: Members, lead: string, indent: string, lines: string[]): void {
  const members = Object.entries(map).filter(([, member]) => member !== undefined);
  if (members.length === 0) return void lines.push(joined(lead, "{}"));
  const inItem = lead.endsWith("-");
  if (lead !== "" && !inItem) lines.push(lead);
  for (const [index, [key, member]] of members.entries()) {
    const before = inItem && index === 0 ? `${lead} ` : indent;
    const long = key.length > longestKey;
    if (long) lines.push(`${before}? ${JSON.stringify(key)}`);
    write(member as Json, long ? `${indent}:` : `${before}${keyText(key)}:`, `${indent}  `, lines);
  }
}

function writeList(list: readonly Json[], lead: string, indent: string, lines: string[]): void {
  if (list.length === 0) return void lines.push(joined(lead, "[]"));
  const inItem = lead.endsWith("-");
  if (lead !== "" && !inItem) lines.push(lead);
  for (const [index, item] of list.entries()) {
    const before = inItem && index === 0 ? `${lead} ` : indent;
    write(item, `${before}-`, `${indent}  `, lines);
  }
}

function joined(lead: string, text: string): string {
  return lead === "" ? text : `${lead} ${text}`;
}

/** What YAML 1.1 readers, too, take for text: begins with a letter or underscore, has nothing in it that means something. */
const plain = /^[A-Za-z_][\w./-]*(?: [\w./-]+)*$/;
const notText = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
/** Lines that a literal block keeps as they are. */
const literal = /^[\x21-\x7e][\x20-\x7e\n]*[\x21-\x7e]$/;

/** In the text of a key; YAML wants longer ones announced. */
const longestKey = 400;

function keyText(key: string): string {
  return plain.test(key) && !notText.test(key) ? key : JSON.stringify(key);
}

function scalar(value: null | boolean | number | string, indent: string): string {
  if (typeof value !== "string") return JSON.stringify(value);
  if (plain.test(value) && !notText.test(value)) return value;
  if (value.includes("\n") && literal.test(value)) {
    const inner = indent === "" ? "  " : indent;
    return ["|-", ...value.split("\n").map((line) => (line === "" ? "" : inner + line))].join("\n");
  }
  return JSON.stringify(value);
}
