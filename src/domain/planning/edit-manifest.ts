// Changes single values in the text of Kubernetes manifests as a careful person would: nothing else in the file moves, neither
// comments nor order, quotes, anchors or line ends. What cannot be changed for sure is refused, with the place.
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
} from "yaml";
import { isObject, type Json } from "../json.ts";
import { Problem } from "../problem.ts";

export interface ManifestFile {
  /** Within the repository. */
  readonly path: string;
  readonly text: string;
}

export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

export type FieldValue = string | number | boolean;

/** Values by path: `/spec/template/spec/containers[name=app]/image`; `~1` is a slash and `~0` a tilde in a key, as in JSON pointers. */
export type FieldValues = Readonly<Record<string, FieldValue>>;

interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

interface Manifest {
  readonly file: ManifestFile;
  readonly lines: LineCounter;
  readonly document: Document;
  readonly node: YAMLMap;
  /** Of the object within all documents of the file. */
  readonly keys: readonly (string | number)[];
}

interface Found {
  readonly manifest: Manifest;
  readonly scalar: Scalar;
  readonly keys: readonly (string | number)[];
}

/**
 * The files that change, with their new text. Every field must be written as a value of its own in exactly one place.
 * @throws Problem MANIFEST_NOT_EDITABLE with file:line:column
 */
export function editManifests(
  files: readonly ManifestFile[],
  object: ManifestObject,
  fields: FieldValues,
): readonly ManifestFile[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  for (const [field, value] of Object.entries(fields)) {
    const current = files.map(({ path }) => ({ path, text: texts.get(path) ?? "" }));
    const edited = editField(current, object, field, value);
    texts.set(edited.path, edited.text);
  }
  return files.flatMap(({ path, text }) => {
    const edited = texts.get(path) ?? text;
    return edited === text ? [] : [{ path, text: edited }];
  });
}

function editField(
  files: readonly ManifestFile[],
  object: ManifestObject,
  field: string,
  value: FieldValue,
): ManifestFile {
  const manifests = manifestsOf(files, object);
  const [any] = manifests;
  const name = `${object.kind} ${object.name}`;
  if (any === undefined) throw notEditable(`no file of ${files.length} here holds ${name}`);
  const found = manifests.flatMap((manifest) => findField(manifest, field));
  const [only, second] = found;
  if (only === undefined)
    throw notEditable(
      `${name} does not write ${field} here: it is a default, or something else sets it`,
      placeOf(any, any.node),
    );
  if (second !== undefined)
    throw notEditable(
      `${field} of ${name} is written twice, there and at ${placeText(placeOf(second.manifest, second.scalar))}`,
      placeOf(only.manifest, only.scalar),
    );
  return replaceScalar(only, field, value);
}

/** A manifest without a namespace counts where none names the object's: whoever applies it adds the namespace. */
function manifestsOf(files: readonly ManifestFile[], object: ManifestObject): readonly Manifest[] {
  const mentioned = files.filter(({ text }) => text.includes(object.name));
  const named = mentioned.flatMap((file) => objectsOf(file)).filter(({ node }) => isNamed(node, object));
  const exact = named.filter(({ node }) => namespaceOf(node) === object.namespace);
  return exact.length > 0 ? exact : named.filter(({ node }) => namespaceOf(node) === null);
}

function isNamed(node: YAMLMap, { apiVersion, kind, name }: ManifestObject): boolean {
  const version = node.get("apiVersion");
  return (
    node.get("kind") === kind &&
    node.getIn(["metadata", "name"]) === name &&
    typeof version === "string" &&
    groupOf(version) === groupOf(apiVersion)
  );
}

function namespaceOf(node: YAMLMap): string | null {
  const namespace = node.getIn(["metadata", "namespace"]);
  return typeof namespace === "string" ? namespace : null;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

function objectsOf(file: ManifestFile): readonly Manifest[] {
  const lines = new LineCounter();
  const documents = parsed(file.text, lines);
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    const why = broken.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? "";
    throw notEditable(`no YAML that can be read: ${why}`, { path: file.path, line, column: col });
  }
  return documents.flatMap((document, index) => {
    const root = document.contents;
    if (!isMap(root)) return [];
    const whole = { file, lines, document, node: root, keys: [index] };
    const items = root.get("items");
    if (!String(root.get("kind")).endsWith("List") || !isSeq(items)) return [whole];
    return items.items.flatMap((item, position) =>
      isMap(item) ? [{ ...whole, node: item, keys: [index, "items", position] }] : [],
    );
  });
}

function parsed(text: string, lines?: LineCounter, version: "1.1" | "1.2" = "1.2"): readonly Document[] {
  const options = {
    version,
    logLevel: "silent" as const,
    ...(lines === undefined ? {} : { lineCounter: lines }),
  };
  const documents = parseAllDocuments(text, options);
  return "empty" in documents ? [] : documents;
}

function findField(manifest: Manifest, field: string): readonly Found[] {
  let node: unknown = manifest.node;
  const keys = [...manifest.keys];
  const passed: Node[] = [];
  const { document } = manifest;
  for (const step of stepsOf(field)) {
    const next = stepInto(node, step);
    if (isAlias(next?.node)) throw shared(manifest, next.node, field);
    if (next === null) {
      if (isMap(node) && node.has("<<")) throw shared(manifest, node, field);
      return [];
    }
    node = next.node;
    passed.push(next.node);
    keys.push(next.key);
  }
  if (!isScalar(node))
    throw notEditable(
      `${field} is no single value: name the values below it`,
      placeOf(manifest, passed.at(-1)),
    );
  const anchors = new Set(passed.flatMap((one) => ("anchor" in one && one.anchor ? [one.anchor] : [])));
  if (anchors.size > 0 && aliasesIn(document).some((source) => anchors.has(source)))
    throw shared(manifest, node, field);
  return [{ manifest, scalar: node, keys }];
}

interface Step {
  readonly name: string;
  /** `[name=app]`: the item of the list whose field is that. */
  readonly item: { readonly field: string; readonly is: string } | null;
}

function stepsOf(field: string): readonly Step[] {
  const steps = field
    .split("/")
    .slice(1)
    .flatMap((segment) => {
      const [, name = segment, key, is] = /^([^[\]]+)\[([\w.-]+)=([^[\]]+)\]$/.exec(segment) ?? [];
      const plain: Step = { name: unescaped(name), item: null };
      return key === undefined || is === undefined
        ? [plain]
        : [plain, { name: "", item: { field: key, is: unescaped(is) } }];
    });
  if (!field.startsWith("/") || steps.length === 0)
    throw new Problem("PARAMETER_INVALID", `"${field}" is no path of a field: write /spec/replicas`);
  return steps;
}

function unescaped(text: string): string {
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

function stepInto(
  node: unknown,
  { name, item }: Step,
): { readonly node: Node; readonly key: string | number } | null {
  if (item !== null) {
    const items: readonly unknown[] = isSeq(node) ? node.items : [];
    const index = items.findIndex((one) => isMap(one) && String(one.get(item.field)) === item.is);
    const found = items[index];
    return isMap(found) ? { node: found, key: index } : null;
  }
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
  const value: unknown = pair?.value;
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value)
    ? { node: value, key: name }
    : null;
}

function aliasesIn(document: Document): readonly string[] {
  const sources: string[] = [];
  visit(document, { Alias: (_key, { source }) => void sources.push(source) });
  return sources;
}

/** Tries the spelling that stands there first; the first one that changes this value and nothing else is taken. */
function replaceScalar(found: Found, field: string, value: FieldValue): ManifestFile {
  const { manifest, scalar, keys } = found;
  const { file } = manifest;
  const place = placeOf(manifest, scalar);
  if (typeof scalar.value === "string" && scalar.value.includes("${"))
    throw notEditable(`${field} is filled in from a variable (${scalar.value.slice(0, 60)})`, place);
  if (scalar.value === value) return file;
  const [start = 0, end = 0] = scalar.range ?? [];
  const wanted = new Map(
    (["1.1", "1.2"] as const).map((version) => [version, withValue(file.text, version, keys, value)]),
  );
  for (const spelling of spellings(scalar, value, file.text, start)) {
    const text = file.text.slice(0, start) + spelling + file.text.slice(end);
    if ([...wanted].every(([version, data]) => data === dataOf(text, version)))
      return { path: file.path, text };
  }
  throw notEditable(`${field} cannot be written as it is laid out there`, place);
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

function shared(manifest: Manifest, node: Node, field: string): Problem {
  return notEditable(`${field} comes from an anchor that other places use too`, placeOf(manifest, node));
}

function placeOf({ file, lines }: Manifest, node: Node | undefined): Place {
  const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
  return { path: file.path, line, column: col };
}

function placeText({ path, line, column }: Place): string {
  return `${path}:${line}:${column}`;
}

function notEditable(why: string, place?: Place): Problem {
  return new Problem(
    "MANIFEST_NOT_EDITABLE",
    place === undefined ? why : `${placeText(place)}: ${why}`,
    place === undefined ? {} : { details: { ...place } },
  );
}
