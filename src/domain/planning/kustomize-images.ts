// `images` and `replicas` of a kustomization: which entry sets a field of an object, and changing it there. An entry belongs to
// everything that its name fits: it is only changed when that is this one value alone.
import { isAlias, isMap, isScalar, isSeq, type Scalar, visit } from "yaml";
import type { JsonObject } from "../json.ts";
import { isNamed, type ManifestObject } from "./edit-manifest.ts";
import {
  documentsOf,
  type FieldValue,
  findScalar,
  type ManifestFile,
  notEditable,
  type Place,
  placeOf,
  placeText,
  replaceScalar,
  type Yaml,
} from "./edit-value.ts";
import { imageText, splitImage } from "./image-name.ts";
import { entriesOf, type Layer, layersFrom, leavesFrom } from "./kustomize-layers.ts";
import type { Setter } from "./kustomize-patches.ts";

interface ImageEntry {
  readonly index: number;
  readonly name: string;
  readonly newName: string | null;
  readonly newTag: string | null;
  readonly digest: string | null;
  readonly place: Place;
}

const imageKeys: ReadonlySet<string> = new Set(["name", "newName", "newTag", "digest"]);
const replicaKeys: ReadonlySet<string> = new Set(["name", "count"]);
const mostImages = 1_000;
/** What kustomize's `replicas` looks at. */
const replicated: ReadonlySet<string> = new Set([
  "Deployment",
  "StatefulSet",
  "ReplicaSet",
  "ReplicationController",
]);

/**
 * The entry of `images` that sets the image of a container; null: none fits it.
 * @param before the setters of the value until here, in order
 * @throws Problem MANIFEST_NOT_EDITABLE: which one fits is not known
 */
export function imageSetter(layer: Layer, before: readonly Setter[], field: string): Setter | null {
  const entries = imagesOf(layer);
  const written = before.at(-1)?.value;
  const [first] = entries;
  if (first === undefined) return null;
  const unsure = layersFrom(layer).find(({ doubt }) => doubt !== null)?.doubt ?? null;
  if (unsure !== null) throw unsure;
  if (typeof written !== "string")
    throw notEditable(
      `"images" may set ${field}: the image that stands in the resource is not known`,
      first.place,
    );
  let image = written;
  const fits: ImageEntry[] = [];
  for (const entry of entries) {
    if (!isFor(entry, image)) continue;
    image = withEntry(entry, image);
    fits.push(entry);
  }
  const [only, second] = fits;
  if (only === undefined) return null;
  if (second !== undefined)
    throw notEditable(`${field} is set here and at ${placeText(second.place)}`, only.place);
  return {
    place: only.place,
    path: layer.root.file.path,
    scalar: null,
    value: image,
    edit: (value) => {
      assertAlone(layer, only, new Set(before.flatMap(({ scalar }) => scalar ?? [])));
      return editEntry(layer, only, written, value);
    },
  };
}

function imagesOf(layer: Layer): readonly ImageEntry[] {
  return entriesOf(layer, "images", imageKeys).map(({ said, place }, index) => {
    const { name } = said;
    // kustomize takes the name as a pattern: with any other character it fits more than it says.
    if (typeof name !== "string" || !/^[\w./:@-]+$/.test(name))
      throw notEditable("this image has no name that is understood", place);
    const read = (key: string): string | null => textOf(layer, said, index, key);
    return { index, name, place, newName: read("newName"), newTag: read("newTag"), digest: read("digest") };
  });
}

/** As it is written: `1.10` without quotes is a number, and kustomize refuses it. null: it is left out. */
function textOf({ root }: Layer, said: JsonObject, index: number, key: string): string | null {
  const value = said[key];
  if (value === undefined || value === null || typeof value === "object") return null;
  const source = findScalar(root, ["images", index, key], key)?.scalar.source;
  return typeof value === "string" ? value : (source ?? String(value));
}

/** As kustomize does it, a dot of the name fits any character. */
function isFor({ name }: ImageEntry, image: string): boolean {
  return new RegExp(`^${name}(:[\\w.{}-]*)?(@sha256:[\\w.{}-]*)?$`).test(image);
}

function withEntry({ newName, newTag, digest }: ImageEntry, image: string): string {
  const now = splitImage(image);
  const name = newName === null || newName === "" ? now.name : newName;
  if ((newTag ?? "") === "" && (digest ?? "") === "") return imageText({ ...now, name });
  return imageText({ name, tag: newTag ?? "", digest: digest ?? "" });
}

function editEntry({ root }: Layer, entry: ImageEntry, written: string, value: FieldValue): ManifestFile {
  const wanted = splitImage(String(value));
  const { newName, newTag, digest } = entry;
  if (digest !== null && digest !== "" && wanted.digest === "")
    throw notEditable(
      `this image is set by its digest: say the digest of ${String(value)}, too`,
      entry.place,
    );
  const changed: ImageEntry = {
    ...entry,
    newName: newName === null ? null : wanted.name,
    newTag: newTag === null ? null : wanted.tag,
    digest: digest === null ? null : wanted.digest,
  };
  const made = withEntry(changed, written);
  const emptied = (newTag ?? "") !== "" && wanted.tag === "";
  if (made !== String(value) || emptied) {
    const keys = ["newName", "newTag", "digest"] as const;
    const there = keys.filter((key) => entry[key] !== null).join(" and ") || "nothing";
    throw notEditable(
      `this image sets ${there}, which does not make ${String(value)} of ${written}: change it by hand`,
      entry.place,
    );
  }
  let file = root.file;
  for (const key of ["newName", "newTag", "digest"] as const) {
    const text = changed[key];
    if (text === null || text === entry[key]) continue;
    file = editAt(root, file, ["images", entry.index, key], text);
  }
  return file;
}

/** In the text as the last edit left it: places have moved. */
function editAt(
  { keys }: Yaml,
  file: ManifestFile,
  steps: readonly (string | number)[],
  value: FieldValue,
): ManifestFile {
  const root = documentsOf(file).find((one) => one.keys[0] === keys[0]);
  const found = root === undefined ? null : findScalar(root, steps, String(steps.at(-1)));
  if (found === null) throw notEditable(`${steps.join(".")} of ${file.path} is no single value`);
  return replaceScalar(found, String(steps.at(-1)), value);
}

/** @param own what sets the image of this container */
function assertAlone(layer: Layer, entry: ImageEntry, own: ReadonlySet<Scalar>): void {
  assertAllRead(layer, entry.place);
  const layers = layersFrom(layer);
  const earlier = [
    ...layers.slice(0, -1).flatMap(imagesOf),
    ...imagesOf(layer).filter(({ index }) => index < entry.index),
  ];
  const documents = [
    ...leavesFrom(layer).flatMap(({ objects }) => objects()),
    ...layers.flatMap(({ patches }) => patches.flatMap((patch) => patch.documents)),
  ];
  const images = documents.flatMap(imagesIn);
  if (images.length > mostImages || earlier.length > mostImages)
    throw notEditable(`more than ${mostImages} images may be set here, too`, entry.place);
  const seen = new Set<Scalar>();
  for (const { yaml, scalar, image } of images) {
    // What is named twice is made twice.
    const isOwn = own.has(scalar) && !seen.has(scalar);
    seen.add(scalar);
    if (!isOwn && reaches(image, earlier, entry))
      throw notEditable(
        `this image is set for ${whoseText(yaml)} at ${placeText(placeOf(yaml, scalar))}, too: change it by hand`,
        entry.place,
      );
  }
}

interface ImageUse {
  readonly yaml: Yaml;
  readonly scalar: Scalar;
  readonly image: string;
}

function reaches(image: string, earlier: readonly ImageEntry[], entry: ImageEntry): boolean {
  const may = new Set([image]);
  for (const one of earlier)
    for (const text of may) if (isFor(one, text) && may.size < 100) may.add(withEntry(one, text));
  return [...may].some((text) => isFor(entry, text));
}

/** Whatever may be an image: rather one too many. */
function imagesIn(yaml: Yaml): readonly ImageUse[] {
  const found: ImageUse[] = [];
  const isPatch = isSeq(yaml.node);
  visit(yaml.node, {
    Pair: (_index, { key, value }) => {
      const scalar = isAlias(value) ? value.resolve(yaml.document) : value;
      const names = isPatch ? ["image", "reference", "value"] : ["image", "reference"];
      if (
        isScalar(key) &&
        names.includes(String(key.value)) &&
        isScalar(scalar) &&
        typeof scalar.value === "string"
      )
        found.push({ yaml, scalar, image: scalar.value });
    },
  });
  return found;
}

function whoseText({ node }: Yaml): string {
  if (!isMap(node)) return "what a patch changes";
  return `${String(node.get("kind"))} ${String(node.getIn(["metadata", "name"]))}`;
}

/** @throws Problem MANIFEST_NOT_EDITABLE: what it names is not all known */
function assertAllRead(layer: Layer, place: Place): void {
  for (const { unread, doubt } of layersFrom(layer)) {
    if (doubt !== null) throw doubt;
    if (unread[0] !== undefined)
      throw notEditable(`what else this sets is not known: ${unread[0]} is not in this repository`, place);
  }
}

/** The entry of `replicas` that sets the object's; null: none does. @throws Problem MANIFEST_NOT_EDITABLE */
export function replicasSetter(layer: Layer, object: ManifestObject, field: string): Setter | null {
  if (field !== "/spec/replicas" || !replicated.has(object.kind)) return null;
  const renamed = layersFrom(layer).some(({ doubt, unread }) => doubt !== null || unread.length > 0);
  const fits = entriesOf(layer, "replicas", replicaKeys).flatMap(({ said, place }, index) => {
    const { name, count } = said;
    if (typeof name !== "string" || typeof count !== "number")
      throw notEditable('this entry of "replicas" needs a name and a count', place);
    const known = name === object.name;
    if (!known && renamed && object.name.includes(name))
      throw notEditable(`"${name}" may be ${object.name}: its name may be changed below`, place);
    return known ? [{ index, place, count }] : [];
  });
  const [only, second] = fits;
  if (only === undefined) return null;
  if (second !== undefined)
    throw notEditable(`${field} is set twice, there and at ${placeText(second.place)}`, only.place);
  return {
    place: only.place,
    path: layer.root.file.path,
    scalar: null,
    value: only.count,
    edit: (value) => {
      if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
        throw notEditable(`${String(value)} is no count of replicas`, only.place);
      assertOne(layer, object, only.place);
      return editAt(layer.root, layer.root.file, ["replicas", only.index, "count"], value);
    },
  };
}

function assertOne(layer: Layer, object: ManifestObject, place: Place): void {
  assertAllRead(layer, place);
  const named = leavesFrom(layer)
    .filter(({ file }) => file.text.includes(object.name))
    .flatMap(({ objects }) => objects())
    .filter(({ node }) => replicated.has(String(node.get("kind"))))
    .filter(({ node }) => node.getIn(["metadata", "name"]) === object.name);
  const other = named.find(({ node }) => !isNamed(node, object)) ?? named[1];
  if (named.length === 1 && other === undefined) return;
  if (other === undefined) throw notEditable(`which objects this sets is not known`, place);
  throw notEditable(
    `these replicas are those of ${whoseText(other)} at ${placeText(placeOf(other, other.node))}, too: change it by hand`,
    place,
  );
}
