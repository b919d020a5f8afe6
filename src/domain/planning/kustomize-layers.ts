// The kustomizations that make up what is applied of a folder: each with what it names and patches, in the order in which kustomize
// takes it. What lies outside of the folder is read to know what is set there, and never changed.
import { isMap, isScalar, visit, type YAMLMap } from "yaml";
import { isObject, type JsonObject } from "../json.ts";
import { Problem, toProblem } from "../problem.ts";
import { type Manifest, objectsOf } from "./edit-manifest.ts";
import { type ManifestFile, notEditable, type Place, placeOf, type Yaml } from "./edit-value.ts";
import { type Patch, patchDocuments, patchesOf } from "./kustomize-patches.ts";

export interface Layer {
  readonly folder: string;
  readonly root: Manifest;
  readonly said: JsonObject;
  readonly below: readonly (Layer | Leaf)[];
  readonly patches: readonly Patch[];
  /** What it names and is not in what was read: another repository, or a file that is no YAML. */
  readonly unread: readonly string[];
  /** What it does that is not understood. Inside of the folder it is thrown at once. */
  readonly doubt: Problem | null;
}

export interface Leaf {
  readonly file: ManifestFile;
  readonly objects: () => readonly Manifest[];
}

export const kustomizationNames = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
const mostLayers = 200;
const mostEntries = 2_000;

/** None of these changes a field that is written in a resource, but `setters`. */
const harmless: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "namespace",
  "resources",
  "patches",
  "patchesStrategicMerge",
  "images",
  "replicas",
  "labels",
  "commonLabels",
  "commonAnnotations",
  "sortOptions",
  "buildMetadata",
]);

const containerImage = /\/(containers|initContainers)\[[^\]]*\]\/image$/;
const labels = /\/(labels|matchLabels|selector)\//;
/** Fields that they may set in ways that nothing here works out. */
const setters: Readonly<Record<string, (field: string) => boolean>> = {
  images: (field) => /\/(image|image\/reference)$/.test(field) && !containerImage.test(field),
  labels: (field) => labels.test(field),
  commonLabels: (field) => labels.test(field),
  commonAnnotations: (field) => field.includes("/annotations/"),
  namespace: (field) => field === "/metadata/namespace",
};

interface Reading {
  readonly byPath: ReadonlyMap<string, ManifestFile>;
  readonly folder: string;
  readonly field: string;
  /** By path: each text is parsed once, however often it is named. */
  readonly leaves: Map<string, Leaf>;
  readonly contents: Map<string, Content>;
  readonly patches: Map<string, readonly Yaml[]>;
  readonly unreadable: Set<string>;
  count: number;
}

/** What does not depend on who names it. */
type Content = Pick<Layer, "root" | "said" | "patches" | "doubt">;

/** null: the folder has no kustomization. @throws Problem MANIFEST_NOT_EDITABLE */
export function readLayers(files: readonly ManifestFile[], folder: string, field: string): Layer | null {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const root = kustomizationIn(byPath, folder);
  const reading: Reading = {
    byPath,
    folder,
    field,
    leaves: new Map(),
    contents: new Map(),
    patches: new Map(),
    unreadable: new Set(),
    count: 0,
  };
  return root === null ? null : layerOf(root, folder, reading, new Set());
}

function layerOf(file: ManifestFile, folder: string, into: Reading, above: ReadonlySet<string>): Layer {
  into.count += 1;
  if (into.count > mostLayers)
    throw notEditable(`more than ${mostLayers} kustomizations name each other`, placeAt(file));
  const content = into.contents.get(file.path) ?? contentOf(file, folder, into);
  into.contents.set(file.path, content);
  const { root, said } = content;
  const within = new Set([...above, file.path]);
  const below: (Layer | Leaf)[] = [];
  const unread: string[] = [];
  for (const path of textsIn(said["resources"]).slice(0, mostEntries)) {
    const found = resourceAt(resolved(folder, path), path, into, within);
    if (found !== null && found !== "itself") below.push(found);
    if (found === null && isBelow(file.path, into.folder) && !path.includes("..") && !path.includes("://"))
      throw notEditable(`it names ${path}, which is no YAML file here`, placeOfKey(root, "resources"));
    if (found === null) unread.push(path);
  }
  return { folder, ...content, below, unread };
}

function contentOf(file: ManifestFile, folder: string, into: Reading): Content {
  const { root, said } = readKustomization(file);
  const documentsAt = (path: string): readonly Yaml[] | null => {
    const patch = into.byPath.get(resolved(folder, path) ?? "");
    if (patch === undefined) return null;
    const documents = into.patches.get(patch.path) ?? patchDocuments(patch);
    into.patches.set(patch.path, documents);
    return documents;
  };
  try {
    const doubt = doubtOf(root, said, into.field);
    if (doubt !== null) throw doubt;
    return { root, said, patches: patchesOf(root, said, documentsAt), doubt: null };
  } catch (error) {
    if (isBelow(file.path, into.folder)) throw error;
    return { root, said, patches: [], doubt: toProblem(error) };
  }
}

function resourceAt(
  place: string | null,
  path: string,
  into: Reading,
  above: ReadonlySet<string>,
): Layer | Leaf | "itself" | null {
  if (place === null || path.includes("://")) return null;
  const inner = kustomizationIn(into.byPath, place);
  if (inner !== null && above.has(inner.path)) return "itself";
  if (inner !== null) {
    const isInside = isBelow(inner.path, into.folder);
    const isKnown = into.contents.has(inner.path) || into.unreadable.has(inner.path);
    if (!isInside && !isKnown && !isReadable(inner)) into.unreadable.add(inner.path);
    return into.unreadable.has(inner.path) ? null : layerOf(inner, place, into, above);
  }
  const file = into.byPath.get(place);
  return file === undefined ? null : leafOf(file, into.leaves);
}

function isReadable(file: ManifestFile): boolean {
  try {
    readKustomization(file);
    return true;
  } catch {
    return false;
  }
}

/** Parsed once, and only when it is asked for. */
function leafOf(file: ManifestFile, leaves: Map<string, Leaf>): Leaf {
  const known = leaves.get(file.path);
  if (known !== undefined) return known;
  let parsed: readonly Manifest[] | null = null;
  const leaf: Leaf = {
    file,
    objects: () => {
      parsed ??= objectsOf(file);
      return parsed;
    },
  };
  leaves.set(file.path, leaf);
  return leaf;
}

/** A list that is longer than people write is not worked through. YAML 1.1, which kustomize reads, merges `<<`: what such a map says is not what is written in it. */
function doubtOf(root: Manifest, said: JsonObject, field: string): Problem | null {
  for (const key of Object.keys(said)) {
    if (harmless.has(key) && setters[key]?.(field) !== true) continue;
    return notEditable(`"${key}" may set the value: change it there`, placeOfKey(root, key));
  }
  for (const [key, value] of Object.entries(said))
    if (Array.isArray(value) && value.length > mostEntries)
      return notEditable(`"${key}" has more than ${mostEntries} entries`, placeOfKey(root, key));
  let merged: Place | null = null;
  visit(root.node, {
    Pair: (_index, { key }) => {
      if (isScalar(key) && key.value === "<<") merged = placeOf(root, key);
    },
  });
  return merged === null ? null : notEditable("a merge of anchors (<<) may set the value", merged);
}

function readKustomization(file: ManifestFile): { readonly root: Manifest; readonly said: JsonObject } {
  const [root, second] = objectsOf(file);
  let said: unknown = null;
  try {
    said = root?.document.toJS();
  } catch {
    // More aliases than anybody means.
  }
  if (root === undefined || second !== undefined || !isObject(said))
    throw notEditable("no kustomization that can be read", placeAt(file));
  return { root, said };
}

export function placeOfKey({ node, ...yaml }: Manifest, key: string): Place {
  const pair = node.items.find((one) => isScalar(one.key) && one.key.value === key);
  return placeOf({ node, ...yaml }, isScalar(pair?.key) ? pair.key : node);
}

/** The folder itself when it has a kustomization; otherwise those below it that have one, and are below no other. */
export function kustomizedFolders(files: readonly ManifestFile[], folder: string): readonly string[] {
  const folders = files
    .filter(({ path }) => isBelow(path, folder) && kustomizationNames.includes(baseName(path)))
    .map(({ path }) => path.slice(0, -baseName(path).length - 1));
  const all = new Set(folders);
  return [...all].filter((one) => {
    for (let at = parentOf(one); at !== null && isBelow(`${at}/x`, folder); at = parentOf(at))
      if (all.has(at)) return false;
    return true;
  });
}

function parentOf(folder: string): string | null {
  if (folder === "") return null;
  return folder.includes("/") ? folder.slice(0, folder.lastIndexOf("/")) : "";
}

/** What has to be read beside the folder to know what its kustomizations set. */
export function filesNamed(files: readonly ManifestFile[], folder: string): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const named = new Set<string>();
  const waiting = [...kustomizedFolders(files, folder)];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const file = kustomizationIn(byPath, at);
    if (file === null || seen.has(file.path) || seen.size >= mostLayers) continue;
    seen.add(file.path);
    if (!isReadable(file)) continue;
    const { said } = readKustomization(file);
    const patches: readonly unknown[] = Array.isArray(said["patches"]) ? said["patches"] : [];
    const patchFiles = textsIn(patches.map((one) => (isObject(one) ? one.path : null)));
    const others = [...textsIn(said["resources"]), ...patchFiles, ...textsIn(said["patchesStrategicMerge"])];
    for (const path of others) {
      const place = /:\/\/|\n/.test(path) ? null : resolved(at, path);
      if (place === null) continue;
      waiting.push(place);
      for (const one of [place, ...kustomizationNames.map((name) => joined(place, name))])
        if (one !== "" && !isBelow(one, folder)) named.add(one);
    }
  }
  return [...named];
}

function kustomizationIn(byPath: ReadonlyMap<string, ManifestFile>, folder: string): ManifestFile | null {
  for (const name of kustomizationNames) {
    const file = byPath.get(joined(folder, name));
    if (file !== undefined) return file;
  }
  return null;
}

function resolved(folder: string, path: string): string | null {
  const parts = folder === "" ? [] : folder.split("/");
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join("/");
}

export function isLayer(one: Layer | Leaf): one is Layer {
  return "below" in one;
}

/** Itself last, as kustomize goes: what is named is made before what names it. */
export function layersFrom(layer: Layer): readonly Layer[] {
  return [...layer.below.filter(isLayer).flatMap(layersFrom), layer];
}

export function leavesFrom(layer: Layer): readonly Leaf[] {
  return layer.below.flatMap((one) => (isLayer(one) ? leavesFrom(one) : [one]));
}

export function isBelow(path: string, folder: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}

export function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

function placeAt({ path }: ManifestFile): Place {
  return { path, line: 1, column: 1 };
}

/** The maps of a list that a kustomization holds. @throws Problem MANIFEST_NOT_EDITABLE: it holds something else there */
export function entriesOf(
  { root, said }: Layer,
  key: string,
  known: ReadonlySet<string>,
): readonly { readonly said: JsonObject; readonly node: YAMLMap; readonly place: Place }[] {
  if (said[key] === undefined || said[key] === null) return [];
  const list: unknown = root.node.get(key);
  const data = said[key];
  const nodes: readonly unknown[] =
    typeof list === "object" && list !== null && "items" in list && Array.isArray(list.items)
      ? (list.items as readonly unknown[])
      : [];
  if (!Array.isArray(data) || nodes.length !== data.length)
    throw notEditable(`"${key}" is no list that is understood`, placeOfKey(root, key));
  return data.map((entry: unknown, index) => {
    const node = nodes[index];
    const place = isMap(node) ? placeOf(root, node) : placeOfKey(root, key);
    if (!isMap(node) || !isObject(entry) || Object.keys(entry).some((one) => !known.has(one)))
      throw notEditable(`this entry of "${key}" is not understood`, place);
    return { said: entry, node, place };
  });
}
