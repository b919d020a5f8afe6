// What a kustomization's patches set: strategic merge and JSON patches, in files and inline. A patch counts when it is certain whether
// it is the object's, and whether it sets the field; where that is not certain it is refused.
import { isMap, isScalar, isSeq, Scalar, visit } from "yaml";
import { isObject, type JsonObject } from "../json.ts";
import {
  groupOf,
  isNamed,
  type Manifest,
  type ManifestObject,
  namespaceOf,
  objectsOf,
} from "./edit-manifest.ts";
import {
  documentsOf,
  type FieldValue,
  type Found,
  findScalar,
  type ManifestFile,
  notEditable,
  onlyChange,
  type Place,
  placeOf,
  replaceScalar,
  type Step,
  stepsOf,
  unescaped,
  walk,
  type Yaml,
} from "./edit-value.ts";
import { lineEdit } from "./line-edit.ts";

/** Where a field is set. Of several the last one counts. */
export interface Setter {
  readonly place: Place;
  /** The file that changes. */
  readonly path: string;
  readonly scalar: Scalar | null;
  /** What it makes of the field. */
  readonly value: unknown;
  edit(value: FieldValue): ManifestFile;
}

export interface Patch {
  /** One for each document. JSON patches are lists. */
  readonly documents: readonly Yaml[];
  /** The text of the kustomization that holds it; null: it is a file. */
  readonly host: Found | null;
  readonly target: JsonObject | null;
  readonly place: Place;
}

/** @param documentsAt of a file; null: nothing that was read */
export function patchesOf(
  root: Manifest,
  said: JsonObject,
  documentsAt: (path: string) => readonly Yaml[] | null,
): readonly Patch[] {
  const old = listOf(said["patchesStrategicMerge"]).map((text, index) => {
    const steps = ["patchesStrategicMerge", index];
    const inline = typeof text === "string" && text.includes("\n");
    return patchOf(root, inline ? { patch: text } : { path: text }, { documentsAt, steps, inline: steps });
  });
  const patches = listOf(said["patches"]).map((entry, index) => {
    const steps = ["patches", index];
    return patchOf(root, entry, { documentsAt, steps, inline: [...steps, "patch"] });
  });
  return [...old, ...patches];
}

interface Spot {
  readonly documentsAt: (path: string) => readonly Yaml[] | null;
  readonly steps: readonly Step[];
  /** Where the text is when it is no file. */
  readonly inline: readonly Step[];
}

function patchOf(root: Manifest, entry: unknown, { documentsAt, steps, inline }: Spot): Patch {
  const { path, patch, target = null, ...more } = isObject(entry) ? entry : { more: true };
  const place = placeOf(root, walk(root, steps).node);
  const one = (typeof path === "string") !== (typeof patch === "string");
  if (Object.keys(more).length > 0 || !one || !(target === null || isObject(target)))
    throw notEditable("this patch is not understood: it may set the value", place);
  if (typeof path === "string") {
    const documents = documentsAt(path);
    if (documents === null)
      throw notEditable(`patch ${path} is not here: whether it sets the value is not known`, place);
    return { documents, host: null, target, place };
  }
  const host = findScalar(root, inline, "the patch");
  if (host === null || typeof host.scalar.value !== "string")
    throw notEditable("this patch is not understood: it may set the value", place);
  const file = { path: root.file.path, text: host.scalar.value };
  return { documents: patchDocuments(file, innerPlaces(host)), host, target, place };
}

export function patchDocuments(file: ManifestFile, at?: Yaml["at"]): readonly Yaml[] {
  const documents = documentsOf(file, at);
  return documents.every(({ node }) => isMap(node)) ? objectsOf(file, at) : documents;
}

/** Characters of a block of lines are where they stand in the file; of other texts only the start is known. */
function innerPlaces(host: Found): Yaml["at"] {
  const start = placeOf(host.yaml, host.scalar);
  const inner = String(host.scalar.value);
  return (offset) => {
    if (host.scalar.type !== Scalar.BLOCK_LITERAL) return start;
    const before = inner.slice(0, offset).split("\n");
    const column = indentOf(host).length + (before.at(-1)?.length ?? 0) + 1;
    return { path: start.path, line: start.line + before.length, column };
  };
}

function sourceOf({ yaml, scalar }: Found): string {
  const [start = 0, end = 0] = scalar.range ?? [];
  return yaml.file.text.slice(start, end);
}

function indentOf(host: Found): string {
  const lines = sourceOf(host).split(/\r?\n/).slice(1);
  const inner = String(host.scalar.value).split("\n");
  const index = inner.findIndex((line) => line.trim() !== "");
  const line = lines[index] ?? "";
  return line.slice(0, line.length - (inner[index] ?? "").length);
}

/** Only lines that differ are written; the rest of the block, and what stands behind its `|`, stays. */
function withPatchText(host: Found, edited: string): ManifestFile {
  const { file } = host.yaml;
  if (host.scalar.type !== Scalar.BLOCK_LITERAL) return replaceScalar(host, "the patch", edited);
  const [start = 0, end = 0] = host.scalar.range ?? [];
  const lines = sourceOf(host).split(/(?<=\n)/);
  const { line, before, after } = lineEdit(file.path, String(host.scalar.value), edited);
  const replaced = lines.slice(line, line + before.length);
  const eol = /\r?\n$/.exec(replaced.at(-1) ?? "")?.[0] ?? "\n";
  const indented = after.map((one) => `${indentOf(host)}${one.replace(/\n$/, "")}${eol}`);
  const block = [...lines.slice(0, line), ...indented, ...lines.slice(line + before.length)].join("");
  const ended = replaced.at(-1)?.endsWith("\n") === false ? block.replace(/\r?\n$/, "") : block;
  const text = file.text.slice(0, start) + ended + file.text.slice(end);
  if (!onlyChange(file.text, host.keys, edited)(text))
    throw notEditable("the patch cannot be written as it is laid out there", placeOf(host.yaml, host.scalar));
  return { path: file.path, text };
}

export interface Patched {
  readonly object: ManifestObject;
  /** As its manifest says it; null: it says none, or is not known. */
  readonly writtenNamespace: string | null;
  /** Something below may have renamed it: kustomize knows it by its old name, too. */
  readonly renamed: boolean;
  /** Nothing else below has its kind and name. */
  readonly alone: boolean;
}

type Certainty = "yes" | "no" | "maybe";

/** @throws Problem MANIFEST_NOT_EDITABLE: it is not certain that it sets the field, or that it does not */
export function patchSetters(patch: Patch, patched: Patched, field: string): readonly Setter[] {
  const steps = stepsOf(field);
  const isJson = patch.documents.some(({ node }) => isSeq(node));
  if (isJson && (patch.target === null || patch.documents.length > 1))
    throw notEditable("a JSON patch needs one target: whether it sets the value is not known", patch.place);
  if (patch.target !== null && patch.documents.length > 1)
    throw notEditable("a patch of several documents for a target may set the value", patch.place);
  return patch.documents.flatMap((yaml) => {
    const { node } = yaml;
    const certain =
      isMap(node) && patch.target === null ? isFor({ ...yaml, node }, patched) : targets(patch, patched);
    if (certain === "no") return [];
    const found = isMap(node)
      ? mergeSets({ ...yaml, node }, steps, field)
      : operationsSet(yaml, steps, field);
    if (found.length === 0) return [];
    if (certain === "maybe" || !patched.alone)
      throw notEditable(`it is not certain that this patch sets ${field} of one object alone`, patch.place);
    return found.map((one) => setterOf(one, patch.host, field));
  });
}

function setterOf(found: Found, host: Found | null, field: string): Setter {
  const { yaml, scalar } = found;
  return {
    place: placeOf(yaml, scalar),
    path: yaml.file.path,
    scalar,
    value: scalar.value,
    edit: (value) => {
      const edited = replaceScalar(found, field, value);
      return host === null ? edited : withPatchText(host, edited.text);
    },
  };
}

function isFor({ node }: Manifest, { object, writtenNamespace, renamed }: Patched): Certainty {
  const name: unknown = node.getIn(["metadata", "name"]);
  if (!isNamed(node, { ...object, name: String(name) })) return "no";
  const namespace = namespaceOf(node);
  const here = [null, object.namespace, writtenNamespace].includes(namespace);
  return here ? nameMatches(String(name), object.name, renamed) : "no";
}

function nameMatches(said: string, name: string, renamed: boolean): Certainty {
  if (said === name) return "yes";
  return renamed && name.includes(said) ? "maybe" : "no";
}

/** All texts of a target are patterns for kustomize: only those that can be nothing else are taken as names. */
function targets({ target }: Patch, { object, renamed }: Patched): Certainty {
  const { kind, name, group, version, ...more } = target ?? {};
  const isPlain = (value: unknown): value is string => typeof value === "string" && /^[\w-]+$/.test(value);
  if (isPlain(kind) && kind !== object.kind) return "no";
  const called = isPlain(name) ? nameMatches(name, object.name, renamed) : "maybe";
  if (called === "no") return "no";
  const isGroup = group === undefined || group === groupOf(object.apiVersion);
  const isVersion = version === undefined || version === object.apiVersion.split("/").at(-1);
  return isPlain(kind) && isGroup && isVersion && Object.keys(more).length === 0 ? called : "maybe";
}

/** Lists that a strategic merge joins by this key; any other list is replaced by the patch's. */
const mergedBy: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  volumes: "name",
  env: "name",
  imagePullSecrets: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  hostAliases: "ip",
};

function mergeSets(yaml: Manifest, steps: readonly Step[], field: string): readonly Found[] {
  visit(yaml.node, {
    Pair: (_index, { key }) => {
      if (isScalar(key) && String(key.value).startsWith("$"))
        throw notEditable(`${String(key.value)} may take away what sets the value`, placeOf(yaml, key));
    },
  });
  const found = findScalar(yaml, steps, field);
  if (found !== null) return [found];
  const { node, keys, missing } = walk(yaml, steps);
  const list = keys.at(-1);
  const joins = typeof missing === "object" && missing !== null && mergedBy[String(list)] === missing.field;
  if ((isScalar(node) && node.value === null) || (isSeq(node) && !joins))
    throw notEditable(`this patch may take ${field} away`, placeOf(yaml, node));
  return [];
}

function operationsSet(yaml: Yaml, steps: readonly Step[], field: string): readonly Found[] {
  const operations: readonly unknown[] = isSeq(yaml.node) ? yaml.node.items : [];
  return operations.flatMap((node, index) => {
    const place = isMap(node) ? placeOf(yaml, node) : placeOf(yaml, yaml.node);
    const said: unknown = isMap(node) ? node.toJS(yaml.document) : null;
    if (!isObject(said) || typeof said.path !== "string")
      throw notEditable("this operation is not understood: it may set the value", place);
    const from = typeof said.from === "string" ? overlap(said.from, steps) : "none";
    const at = overlap(said.path, steps);
    if (from === "none" && (at === "none" || isAnotherItem(said, steps))) return [];
    const sets = from === "none" && at === "same" && (said.op === "replace" || said.op === "add");
    const found = sets ? findScalar(yaml, [index, "value"], field) : null;
    if (found === null)
      throw notEditable(`this operation may set ${field}: only replace and add of it are understood`, place);
    return [found];
  });
}

/** `unclear`: a part of it, or an item of a list by its number. */
function overlap(pointer: string, steps: readonly Step[]): "none" | "same" | "unclear" {
  const parts = pointer.split("/").slice(1).map(unescaped);
  let clear = parts.length === steps.length;
  for (const [index, part] of parts.entries()) {
    const step = steps[index];
    if (step === undefined) break;
    const isItem = typeof step === "object";
    if (isItem ? !/^(\d+|-)$/.test(part) : part !== step) return "none";
    if (isItem) clear = false;
  }
  return clear ? "same" : "unclear";
}

/** Something else is put at the end of the list. */
function isAnotherItem({ op, path, value }: JsonObject, steps: readonly Step[]): boolean {
  const parts = typeof path === "string" ? path.split("/").slice(1) : [];
  const step = steps[parts.length - 1];
  const appends = op === "add" && parts.at(-1) === "-" && typeof step === "object";
  return appends && isObject(value) && value[step.field] !== step.is;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
