// The values of charts that the map in gitmend.yaml says: an operator's word on which value in which file makes a field. What Helm
// makes of it is not known here.
import { globMatcher } from "../glob.ts";
import type { ManifestObject } from "./edit-manifest.ts";
import {
  documentsOf,
  type FieldValue,
  findScalar,
  type ManifestFile,
  notEditable,
  placeOf,
  placeText,
  replaceScalar,
  stepsOf,
} from "./edit-value.ts";
import { splitImage } from "./image-name.ts";

/** Where the parts of an image are. Paths as in fields. */
export interface ImageAt {
  readonly repository: string;
  readonly tag: string;
  /** null: the chart knows none. */
  readonly digest: string | null;
}

export interface MappedValue {
  /** Folder that the object's source names, without slashes around it. */
  readonly path: string;
  readonly kind: string;
  /** Glob. */
  readonly name: string;
  /** Globs; null: all. */
  readonly namespaces: readonly string[] | null;
  readonly field: string;
  /** Within the repository. */
  readonly file: string;
  readonly at: string | ImageAt;
}

/** null: none is for this field. @throws Problem MANIFEST_NOT_EDITABLE: two are */
export function mappedValue(
  values: readonly MappedValue[],
  folder: string,
  object: ManifestObject,
  field: string,
): MappedValue | null {
  const fits = values.filter(
    ({ path, kind, name, namespaces, field: own }) =>
      path === folder &&
      kind === object.kind &&
      own === field &&
      globMatcher([name])(object.name) &&
      (namespaces === null || (object.namespace !== null && globMatcher(namespaces)(object.namespace))),
  );
  const [only, second] = fits;
  if (second !== undefined)
    throw notEditable(
      `${fits.length} \`values\` of this source in gitmend.yaml are for ${field} of ${object.kind} ${object.name}`,
    );
  return only ?? null;
}

/** What an operator would add for a field. */
export function mapEntryFor(folder: string, { kind, name }: ManifestObject, field: string): string {
  const path = JSON.stringify(folder);
  const at = field.endsWith("/image") ? "{repository: <path in it>, tag: <path in it>}" : "<path in it>";
  return `values: [{path: ${path}, kind: ${kind}, name: ${name}, field: "${field}", file: <values file>, at: ${at}}]`;
}

/**
 * The file that changes, with its new text.
 * @throws Problem MANIFEST_NOT_EDITABLE with file:line:column
 */
export function editMapped(
  files: readonly ManifestFile[],
  mapped: MappedValue,
  value: FieldValue,
): ManifestFile {
  const file = files.find(({ path }) => path === mapped.file);
  if (file === undefined)
    throw notEditable(`${mapped.file}, which \`values\` in gitmend.yaml names, is no file of the repository`);
  const { at } = mapped;
  return typeof at === "string" ? editAt(file, at, value) : editImage(file, at, value);
}

function editImage(file: ManifestFile, at: ImageAt, value: FieldValue): ManifestFile {
  const { name, tag, digest } = splitImage(String(value));
  const start = { path: file.path, line: 1, column: 1 };
  if (tag === "") throw notEditable(`${String(value)} says no tag, and ${at.tag} needs one`, start);
  if (digest !== "" && at.digest === null)
    throw notEditable(
      `${String(value)} says a digest: say in gitmend.yaml where it is written (values: at.digest)`,
      start,
    );
  const now = at.digest === null ? null : writtenAt(file, at.digest);
  if (digest === "" && now !== null && ![null, ""].includes(now.scalar.value as string | null))
    throw notEditable(
      `the image is set by its digest here: say the digest of ${String(value)}, too`,
      placeOf(now.yaml, now.scalar),
    );
  const named = editAt(editAt(file, at.repository, name), at.tag, tag);
  return at.digest === null || digest === "" ? named : editAt(named, at.digest, digest);
}

function editAt(file: ManifestFile, at: string, value: FieldValue): ManifestFile {
  const found = writtenAt(file, at);
  if (found === null)
    throw notEditable(`${at}, which \`values\` in gitmend.yaml names, is not written here: write it first`, {
      path: file.path,
      line: 1,
      column: 1,
    });
  return replaceScalar(found, at, value);
}

function writtenAt(file: ManifestFile, at: string) {
  const found = documentsOf(file).flatMap((yaml) => findScalar(yaml, stepsOf(at), at) ?? []);
  const [only, second] = found;
  if (only !== undefined && second !== undefined)
    throw notEditable(
      `${at} is written twice, there and at ${placeText(placeOf(second.yaml, second.scalar))}`,
      placeOf(only.yaml, only.scalar),
    );
  return only ?? null;
}
