// Which files of a folder make up what is applied of it. With a kustomization only those that it names, and only when it does
// nothing that makes another value of what is written in them; what is generated or templated is refused.
import { LineCounter, parseDocument } from "yaml";
import { isObject, type JsonObject } from "../json.ts";
import { Problem } from "../problem.ts";
import type { ManifestFile } from "./edit-manifest.ts";

const kustomizationNames = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/** None of these changes a field that is written in a resource, but the namespace. */
const harmless: ReadonlySet<string> = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "namespace",
  "resources",
  "patches",
  "patchesStrategicMerge",
  "labels",
  "commonLabels",
  "commonAnnotations",
  "sortOptions",
  "buildMetadata",
]);

/** Those that set a field of every resource, or of one that they name: which fields that is. */
const setters: Readonly<Record<string, RegExp>> = {
  images: /\/image$/,
  replicas: /^\/spec\/replicas$/,
};

/**
 * @param all the files below `folder`, itself without a slash at its end ("" for the root)
 * @param fields that are to be changed
 * @throws Problem MANIFEST_NOT_EDITABLE
 */
export function kustomizedFiles(
  all: readonly ManifestFile[],
  folder: string,
  fields: readonly string[],
): readonly ManifestFile[] {
  const byPath = new Map(all.map((file) => [file.path, file]));
  const chart = byPath.get(joined(folder, "Chart.yaml"));
  if (chart !== undefined) throw notEditable(chart, 1, "a Helm chart makes the manifests here");
  const root = kustomizationIn(byPath, folder);
  if (root === null) return all.filter(({ path }) => !kustomizationNames.includes(baseName(path)));
  const files = new Map<string, ManifestFile>();
  collect(root, folder, { byPath, fields, files, seen: new Set() });
  return [...files.values()];
}

interface Collecting {
  readonly byPath: ReadonlyMap<string, ManifestFile>;
  readonly fields: readonly string[];
  readonly files: Map<string, ManifestFile>;
  readonly seen: Set<string>;
}

function collect(file: ManifestFile, folder: string, into: Collecting): void {
  if (into.seen.has(file.path)) return;
  into.seen.add(file.path);
  const { said, lineOf } = readKustomization(file);
  for (const key of Object.keys(said)) {
    const sets = setters[key];
    const touches = sets === undefined || into.fields.some((field) => sets.test(field));
    if (!harmless.has(key) && touches)
      throw notEditable(file, lineOf(key), `"${key}" may set the value: change it there`);
  }
  for (const path of textsIn(said["resources"])) addResource(path, file, folder, into);
  for (const path of patchFiles(said, file, lineOf)) addPatch(path, file, folder, into, lineOf("patches"));
}

/** What lies outside of the folder is shared with others, or another repository's: it is never changed from here. */
function addResource(path: string, from: ManifestFile, folder: string, into: Collecting): void {
  const place = resolved(folder, path);
  if (place === null) return;
  const file = into.byPath.get(place);
  const inner = kustomizationIn(into.byPath, place);
  if (inner !== null) collect(inner, place, into);
  else if (file !== undefined) into.files.set(file.path, file);
  else if (!path.includes("..") && !path.includes("://"))
    throw notEditable(from, 1, `it names ${path}, which is no YAML file here`);
}

function addPatch(path: string, from: ManifestFile, folder: string, into: Collecting, line: number): void {
  const file = into.byPath.get(resolved(folder, path) ?? "");
  if (file === undefined || /^\s*(-|\[)/.test(withoutComments(file.text)))
    throw notEditable(from, line, `patch ${path} is no object here: whether it sets the value is not known`);
  into.files.set(file.path, file);
}

function withoutComments(text: string): string {
  return text.replaceAll(/^(---.*|\s*#.*)?\r?\n/gm, "");
}

function patchFiles(
  said: JsonObject,
  file: ManifestFile,
  lineOf: (key: string) => number,
): readonly string[] {
  const patches = Array.isArray(said["patches"]) ? (said["patches"] as readonly unknown[]) : [];
  const old = textsIn(said["patchesStrategicMerge"]);
  const paths = patches.map((patch) => {
    const plain = isObject(patch) && patch.patch === undefined && patch.target === undefined;
    if (!plain || typeof patch.path !== "string")
      throw notEditable(file, lineOf("patches"), "an inline or targeted patch may set the value");
    return patch.path;
  });
  return [...paths, ...old];
}

function readKustomization(file: ManifestFile) {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, logLevel: "silent" });
  const said: unknown = document.errors.length > 0 ? null : document.toJS();
  if (!isObject(said)) throw notEditable(file, 1, "no kustomization that can be read");
  const lineOf = (key: string): number => {
    const at = file.text.search(new RegExp(`^["']?${key}["']?\\s*:`, "m"));
    return at === -1 ? 1 : lines.linePos(at).line;
  };
  return { said, lineOf };
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

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function notEditable({ path }: ManifestFile, line: number, why: string): Problem {
  return new Problem("MANIFEST_NOT_EDITABLE", `${path}:${line}:1: ${why}`, {
    details: { path, line, column: 1 },
  });
}
