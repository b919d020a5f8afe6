// Changes one scalar in the text of a YAML file as a careful person would: nothing else in the file moves, neither comments nor
// order, quotes, anchors or line ends. The result is taken only when readers of YAML 1.1 and 1.2 find nothing else changed.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  Scalar,
  stringify,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { isObject, type Json } from "../json.ts";
import { Problem } from "../problem.ts";

export interface ManifestFile {
  /** Within the repository. */
  readonly path: string;
  readonly text: string;
}

export type FieldValue = string | number | boolean;

export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** A map or list within a file: one document of it, or one object of a List. */
export interface Yaml {
  readonly file: ManifestFile;
  readonly document: Document;
  readonly node: YAMLMap | YAMLSeq;
  /** Of the node within all documents of the file. */
  readonly keys: readonly (string | number)[];
  /** Where people find a character of `file.text`. */
  at(offset: number): Place;
}

export interface Found {
  readonly yaml: Yaml;
  readonly scalar: Scalar;
  readonly keys: readonly (string | number)[];
}

/** `[name=app]`: the item of the list whose field is that. */
export interface ItemStep {
  readonly field: string;
  readonly is: string;
}

/** A key of a map, an index of a list, or a search in a list. */
export type Step = string | number | ItemStep;

/** All documents of a file. `at`: where an offset in its text is for people. @throws Problem MANIFEST_NOT_EDITABLE: no YAML */
export function documentsOf(file: ManifestFile, at?: Yaml["at"]): readonly Yaml[] {
  const lines = new LineCounter();
  const documents = parsed(file.text, lines);
  const placed =
    at ??
    ((offset: number): Place => {
      const { line, col } = lines.linePos(offset);
      return { path: file.path, line, column: col };
    });
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined) {
    const why = broken.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? "";
    throw notEditable(`no YAML that can be read: ${why}`, placed(broken.pos[0]));
  }
  const twice = documents.flatMap((document) => repeatedKey(document) ?? [])[0];
  if (twice !== undefined)
    throw notEditable("no YAML that can be read: keys of a map must be unique", placed(twice));
  return documents.flatMap((document, index) => {
    const node = document.contents;
    return isMap(node) || isSeq(node) ? [{ file, document, node, keys: [index], at: placed }] : [];
  });
}

function parsed(text: string, lines?: LineCounter, version: "1.1" | "1.2" = "1.2"): readonly Document[] {
  const options = {
    version,
    logLevel: "silent" as const,
    // The parser compares each key with all before it: a large map would take hours.
    uniqueKeys: false,
    ...(lines === undefined ? {} : { lineCounter: lines }),
  };
  const documents = parseAllDocuments(text, options);
  return "empty" in documents ? [] : documents;
}

/** Where a key stands that its map has already; null: there is none. */
function repeatedKey(document: Document): number | null {
  let at: number | null = null;
  visit(document, {
    Map: (_index, { items }) => {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) {
          at = key.range?.[0] ?? 0;
          return visit.BREAK;
        }
        seen.add(name);
      }
      return undefined;
    },
  });
  return at;
}

/** @throws Problem PARAMETER_INVALID */
export function stepsOf(field: string): readonly Step[] {
  const steps = field
    .split("/")
    .slice(1)
    .flatMap((segment): readonly Step[] => {
      const [, name = segment, key, is] = /^([^[\]]+)\[([\w.-]+)=([^[\]]+)\]$/.exec(segment) ?? [];
      return key === undefined || is === undefined
        ? [unescaped(name)]
        : [unescaped(name), { field: key, is: unescaped(is) }];
    });
  if (!field.startsWith("/") || steps.length === 0)
    throw new Problem("PARAMETER_INVALID", `"${field}" is no path of a field: write /spec/replicas`);
  return steps;
}

export function unescaped(text: string): string {
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** null: it is not written there. @throws Problem MANIFEST_NOT_EDITABLE: it cannot be changed alone */
export function findScalar(yaml: Yaml, steps: readonly Step[], label: string): Found | null {
  const { passed, keys, node, missing } = walk(yaml, steps);
  const last = passed.at(-1);
  if (isAlias(node)) throw shared(yaml, node, label);
  if (missing !== null) {
    if (isMap(node) && node.has("<<")) throw shared(yaml, node, label);
    return null;
  }
  if (!isScalar(node))
    throw notEditable(`${label} is no single value: name the values below it`, placeOf(yaml, last));
  const anchors = new Set(passed.flatMap((one) => ("anchor" in one && one.anchor ? [one.anchor] : [])));
  if (anchors.size > 0 && aliasesIn(yaml.document).some((source) => anchors.has(source)))
    throw shared(yaml, node, label);
  return { yaml, scalar: node, keys };
}

interface Walk {
  readonly passed: readonly Node[];
  readonly keys: readonly (string | number)[];
  /** The last one that is there. */
  readonly node: Node;
  /** The step that leads nowhere; null: the way is there. */
  readonly missing: Step | null;
}

export function walk(yaml: Yaml, steps: readonly Step[]): Walk {
  let node: Node = yaml.node;
  const keys = [...yaml.keys];
  const passed: Node[] = [];
  for (const step of steps) {
    const next: Stepped | null = isAlias(node) ? null : stepInto(node, step);
    if (next === null) return { passed, keys, node, missing: step };
    node = next.node;
    passed.push(next.node);
    keys.push(next.key);
  }
  return { passed, keys, node, missing: null };
}

interface Stepped {
  readonly node: Node;
  readonly key: string | number;
}

function stepInto(node: Node, step: Step): Stepped | null {
  if (typeof step === "object") {
    const items: readonly unknown[] = isSeq(node) ? node.items : [];
    const index = items.findIndex((one) => isMap(one) && String(one.get(step.field)) === step.is);
    const found = items[index];
    return isMap(found) ? { node: found, key: index } : null;
  }
  if (typeof step === "number") {
    const item = isSeq(node) ? nodeOf(node.items[step]) : null;
    return item === null ? null : { node: item, key: step };
  }
  const pair = isMap(node)
    ? node.items.find(({ key }) => isScalar(key) && String(key.value) === step)
    : undefined;
  const value = nodeOf(pair?.value);
  return value === null ? null : { node: value, key: step };
}

function nodeOf(value: unknown): Node | null {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value) ? value : null;
}

function aliasesIn(document: Document): readonly string[] {
  const sources: string[] = [];
  visit(document, { Alias: (_key, { source }) => void sources.push(source) });
  return sources;
}

/** Tries the spelling that stands there first; the first one that changes this value and nothing else is taken. */
export function replaceScalar(found: Found, label: string, value: FieldValue): ManifestFile {
  const { yaml, scalar, keys } = found;
  const { file } = yaml;
  const place = placeOf(yaml, scalar);
  if (typeof scalar.value === "string" && scalar.value.includes("${"))
    throw notEditable(`${label} is filled in from a variable (${scalar.value.slice(0, 60)})`, place);
  if (scalar.value === value) return file;
  const [start = 0, end = 0] = scalar.range ?? [];
  const isWanted = onlyChange(file.text, keys, value);
  for (const spelling of spellings(scalar, value, file.text, start)) {
    const text = file.text.slice(0, start) + spelling + file.text.slice(end);
    if (isWanted(text)) return { path: file.path, text };
  }
  throw notEditable(`${label} cannot be written as it is laid out there`, place);
}

/** Whether a text says the same as this one but for one value, to readers of YAML 1.1 and of 1.2. */
export function onlyChange(
  from: string,
  keys: readonly (string | number)[],
  value: FieldValue,
): (text: string) => boolean {
  const versions = ["1.1", "1.2"] as const;
  const wanted = versions.map((version) => withValue(from, version, keys, value));
  return (text) =>
    versions.every((version, index) => wanted[index] !== null && wanted[index] === dataOf(text, version));
}

function spellings(scalar: Scalar, value: FieldValue, text: string, start: number): readonly string[] {
  if (typeof value !== "string") return [stringify(value).trimEnd()];
  const double = JSON.stringify(value);
  const single = /[\n\r]/.test(value) ? [] : [`'${value.replaceAll("'", "''")}'`];
  const block = value.includes("\n") ? [blockOf(value, text, start)] : [];
  if (scalar.type === Scalar.QUOTE_DOUBLE) return [double];
  if (scalar.type === Scalar.QUOTE_SINGLE) return [...single, double];
  if (scalar.type === Scalar.BLOCK_LITERAL || scalar.type === Scalar.BLOCK_FOLDED)
    return [blockOf(value, text, start), `${double}${eolOf(text)}`];
  const plain = value === "" || /[\n\r]/.test(value) ? [] : [value];
  return [...plain, double, ...block];
}

/** A literal block, indented as the one that stands there. */
function blockOf(value: string, text: string, start: number): string {
  const eol = eolOf(text);
  const rest = text.slice(start).split(/\r?\n/).slice(1);
  const indent = /^ */.exec(rest.find((line) => line.trim() !== "") ?? "")?.[0] ?? "";
  const lines = value.replace(/\n$/, "").split("\n");
  const header = value.endsWith("\n") ? "|" : "|-";
  return [header, ...lines.map((line) => (line === "" ? "" : `${indent}${line}`)), ""].join(eol);
}

function eolOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** All that the file says, as text to compare; null: it cannot be read. */
function dataOf(text: string, version: "1.1" | "1.2"): string | null {
  const data = readData(text, version);
  return data === null ? null : JSON.stringify(data);
}

function readData(text: string, version: "1.1" | "1.2"): Json | null {
  const documents = parsed(text, undefined, version);
  if (documents.some(({ errors }) => errors.length > 0)) return null;
  try {
    return JSON.parse(JSON.stringify(documents.map((document): unknown => document.toJS()))) as Json;
  } catch {
    return null;
  }
}

function withValue(
  text: string,
  version: "1.1" | "1.2",
  keys: readonly (string | number)[],
  value: FieldValue,
): string | null {
  const data = readData(text, version);
  let parent: unknown = data;
  for (const key of keys.slice(0, -1)) parent = memberOf(parent, key);
  const last = keys.at(-1);
  if (last === undefined || typeof parent !== "object" || parent === null) return null;
  Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
  return JSON.stringify(data);
}

function memberOf(parent: unknown, key: string | number): unknown {
  if (Array.isArray(parent)) return parent[Number(key)] as unknown;
  return isObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function shared(yaml: Yaml, node: Node, label: string): Problem {
  return notEditable(`${label} comes from an anchor that other places use too`, placeOf(yaml, node));
}

export function placeOf(yaml: Yaml, node: Node | undefined): Place {
  return yaml.at(node?.range?.[0] ?? 0);
}

export function placeText({ path, line, column }: Place): string {
  return `${path}:${line}:${column}`;
}

export function notEditable(why: string, place?: Place): Problem {
  return new Problem(
    "MANIFEST_NOT_EDITABLE",
    place === undefined ? why : `${placeText(place)}: ${why}`,
    place === undefined ? {} : { details: { ...place } },
  );
}
