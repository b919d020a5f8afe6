// Changes a field of an object where its kustomizations set it: of resources, patches, `replicas` and `images`, from the inside out,
// the last one that sets it is the one that counts.
import { toProblem } from "../problem.ts";
import { isNamed, type Manifest, type ManifestObject, namespaceOf } from "./edit-manifest.ts";
import {
  type FieldValue,
  findScalar,
  type ManifestFile,
  notEditable,
  placeOf,
  placeText,
  replaceScalar,
  stepsOf,
} from "./edit-value.ts";
import { imageSetter, replicasSetter } from "./kustomize-images.ts";
import { isBelow, isLayer, type Layer, layersFrom, leavesFrom, readLayers } from "./kustomize-layers.ts";
import { type Patched, patchSetters, type Setter } from "./kustomize-patches.ts";

interface Owner {
  readonly manifest: Manifest;
  /** The kustomizations that it goes through, the outermost first. */
  readonly chain: readonly Layer[];
}

/**
 * The file that changes, with its new text; null: the folder has no kustomization.
 * @throws Problem MANIFEST_NOT_EDITABLE with file:line:column: it is not certain what sets the field, or who else has it set there
 */
export function editKustomized(
  files: readonly ManifestFile[],
  folder: string,
  object: ManifestObject,
  field: string,
  value: FieldValue,
): ManifestFile | null {
  const root = readLayers(files, folder, field);
  if (root === null) return null;
  const last = lastSetter(root, folder, object, field);
  const edited = last.edit(value);
  const now = files.map((file) => (file.path === edited.path ? edited : file));
  if (!isMade(now, folder, object, field, value))
    throw notEditable(
      `with ${String(value)} here something else would set ${field}: change it by hand`,
      last.place,
    );
  return edited;
}

/** Another name may be that of another entry of `images`. */
function isMade(
  files: readonly ManifestFile[],
  folder: string,
  object: ManifestObject,
  field: string,
  value: FieldValue,
): boolean {
  try {
    const root = readLayers(files, folder, field);
    return root !== null && lastSetter(root, folder, object, field).value === value;
  } catch (error) {
    if (toProblem(error).code === "MANIFEST_NOT_EDITABLE") return false;
    throw error;
  }
}

function lastSetter(root: Layer, folder: string, object: ManifestObject, field: string): Setter {
  const owner = ownerOf(root, object);
  const last = settersOf(root, owner, object, field).at(-1);
  const name = `${object.kind} ${object.name}`;
  if (last === undefined && owner === null)
    throw notEditable(`no file of ${leavesFrom(root).length} here holds ${name}`);
  if (last === undefined)
    throw notEditable(
      `${name} does not write ${field} here: it is a default, or something else sets it`,
      owner === null ? undefined : placeOf(owner.manifest, owner.manifest.node),
    );
  if (!isBelow(last.path, folder))
    throw notEditable(
      `${field} of ${name} is set here, outside of ${folder}, where others may use it: write it in ${folder}, or change it by hand`,
      last.place,
    );
  const uses = filesOf(root).filter((path) => path === last.path).length;
  if (uses > 1)
    throw notEditable(`${last.path} is used in ${uses} places of ${folder}: change it by hand`, last.place);
  return last;
}

/** All that set the field, in the order of kustomize. */
function settersOf(
  root: Layer,
  owner: Owner | null,
  object: ManifestObject,
  field: string,
): readonly Setter[] {
  const setters: Setter[] = [];
  if (owner !== null) {
    const found = findScalar(owner.manifest, stepsOf(field), field);
    if (found !== null)
      setters.push({
        place: placeOf(found.yaml, found.scalar),
        path: found.yaml.file.path,
        scalar: found.scalar,
        value: found.scalar.value,
        edit: (value) => replaceScalar(found, field, value),
      });
  }
  for (const layer of owner?.chain.toReversed() ?? layersFrom(root)) {
    const patched = patchedIn(layer, owner, object);
    for (const patch of layer.patches) setters.push(...patchSetters(patch, patched, field));
    const replicas = replicasSetter(layer, object, field);
    const image = field.endsWith("/image") ? imageSetter(layer, setters, field) : null;
    setters.push(...[replicas, image].filter((one) => one !== null));
  }
  return setters;
}

function patchedIn(layer: Layer, owner: Owner | null, object: ManifestObject): Patched {
  const namesakes = leavesFrom(layer)
    .filter(({ file }) => file.text.includes(object.name))
    .flatMap(({ objects }) => objects())
    .filter(({ node }) => isNamed(node, object));
  return {
    object,
    writtenNamespace: owner === null ? null : namespaceOf(owner.manifest.node),
    renamed: layersFrom(layer).some(({ doubt }) => doubt !== null),
    alone: namesakes.length <= 1,
  };
}

/** A manifest without a namespace counts where none names the object's: whoever applies it adds the namespace. */
function ownerOf(root: Layer, object: ManifestObject): Owner | null {
  const owners = ownersBelow(root, [], object);
  const namespaceIn = ({ chain, manifest }: Owner): string | null =>
    chain.map(({ said }) => said["namespace"]).find((one) => typeof one === "string") ??
    namespaceOf(manifest.node);
  const exact = owners.filter((one) => namespaceIn(one) === object.namespace);
  const fits =
    exact.length > 0 ? exact : owners.filter(({ manifest }) => namespaceOf(manifest.node) === null);
  const [only, second] = fits;
  if (only !== undefined && second !== undefined)
    throw notEditable(
      `${object.kind} ${object.name} stands there and at ${placeText(placeOf(second.manifest, second.manifest.node))}`,
      placeOf(only.manifest, only.manifest.node),
    );
  return only ?? null;
}

function ownersBelow(layer: Layer, above: readonly Layer[], object: ManifestObject): readonly Owner[] {
  const chain = [...above, layer];
  return layer.below.flatMap((one) => {
    if (isLayer(one)) return ownersBelow(one, chain, object);
    if (!one.file.text.includes(object.name)) return [];
    return one
      .objects()
      .filter(({ node }) => isNamed(node, object))
      .map((manifest) => ({ manifest, chain }));
  });
}

/** Each as often as it is used. */
function filesOf(root: Layer): readonly string[] {
  return layersFrom(root).flatMap((layer) => [
    layer.root.file.path,
    ...layer.below.flatMap((one) => (isLayer(one) ? [] : [one.file.path])),
    ...layer.patches.flatMap(({ host, documents }) => (host === null ? (documents[0]?.file.path ?? []) : [])),
  ]);
}
