// Changes values of an object in what a folder of a repository applies: in the value file that gitmend.yaml maps, where a kustomization
// sets them, or in the manifest itself. What is generated or templated is refused.
import { editKustomized } from "./edit-kustomized.ts";
import { editField, type FieldValues, type ManifestObject } from "./edit-manifest.ts";
import { type FieldValue, type ManifestFile, notEditable } from "./edit-value.ts";
import { baseName, isBelow, joined, kustomizationNames, kustomizedFolders } from "./kustomize-layers.ts";
import { editMapped, type MappedValue, mapEntryFor, mappedValue } from "./mapped-values.ts";

export interface SourceFolder {
  /** Without slashes around it; "" is the repository's root. */
  readonly path: string;
  /** What is below it, and what its kustomizations and the map name elsewhere. */
  readonly files: readonly ManifestFile[];
  readonly values: readonly MappedValue[];
}

/**
 * The files that change, with their new text. Each field is changed in one place, where it is certain that it is set there.
 * @throws Problem MANIFEST_NOT_EDITABLE with file:line:column
 */
export function editFolder(
  folder: SourceFolder,
  object: ManifestObject,
  fields: FieldValues,
): readonly ManifestFile[] {
  let files = folder.files;
  for (const [field, value] of Object.entries(fields)) {
    const edited = editOne({ ...folder, files }, object, field, value);
    files = files.map((file) => (file.path === edited.path ? edited : file));
  }
  return files.filter(({ text }, index) => text !== folder.files[index]?.text);
}

function editOne(
  { path, files, values }: SourceFolder,
  object: ManifestObject,
  field: string,
  value: FieldValue,
): ManifestFile {
  const mapped = mappedValue(values, path, object, field);
  if (mapped !== null) return editMapped(files, mapped, value);
  const chart = files.find((file) => file.path === joined(path, "Chart.yaml"));
  if (chart !== undefined)
    throw notEditable(
      `a Helm chart makes the manifests here: say which value it is, in \`sources\` of gitmend.yaml: ${mapEntryFor(path, object, field)}`,
      { path: chart.path, line: 1, column: 1 },
    );
  const kustomized = editKustomized(files, path, object, field, value);
  if (kustomized !== null) return kustomized;
  const manifests = files.filter(
    (file) => isBelow(file.path, path) && !kustomizationNames.includes(baseName(file.path)),
  );
  const edited = editField(manifests, object, field, value);
  // Flux builds such a folder on its own, as if the one above named it.
  const own = kustomizedFolders(files, path).find((folder) => isBelow(edited.path, folder));
  return (own === undefined ? null : editKustomized(files, own, object, field, value)) ?? edited;
}
