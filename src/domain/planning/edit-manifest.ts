// Which documents of some files are an object's manifest, and changing the values that are written in them.
import { isMap, isSeq, type YAMLMap } from "yaml";
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
  type Yaml,
} from "./edit-value.ts";

export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

/** Values by path: `/spec/template/spec/containers[name=app]/image`; `~1` is a slash and `~0` a tilde in a key, as in JSON pointers. */
export type FieldValues = Readonly<Record<string, FieldValue>>;

/** The document that an object is written in. */
export interface Manifest extends Yaml {
  readonly node: YAMLMap;
}

/**
 * The file that changes, with its new text. The field must be written as a value of its own in exactly one place.
 * @throws Problem MANIFEST_NOT_EDITABLE with file:line:column
 */
export function editField(
  files: readonly ManifestFile[],
  object: ManifestObject,
  field: string,
  value: FieldValue,
): ManifestFile {
  return editIn(manifestsOf(files, object), files.length, object, field, value);
}

/** @param among how many files the manifests were looked for */
export function editIn(
  manifests: readonly Manifest[],
  among: number,
  object: ManifestObject,
  field: string,
  value: FieldValue,
): ManifestFile {
  const [any] = manifests;
  const name = `${object.kind} ${object.name}`;
  if (any === undefined) throw notEditable(`no file of ${among} here holds ${name}`);
  const steps = stepsOf(field);
  const found = manifests.flatMap((manifest) => findScalar(manifest, steps, field) ?? []);
  const [only, second] = found;
  if (only === undefined)
    throw notEditable(
      `${name} does not write ${field} here: it is a default, or something else sets it`,
      placeOf(any, any.node),
    );
  if (second !== undefined)
    throw notEditable(
      `${field} of ${name} is written twice, there and at ${placeText(placeOf(second.yaml, second.scalar))}`,
      placeOf(only.yaml, only.scalar),
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

export function isNamed(node: YAMLMap, { apiVersion, kind, name }: ManifestObject): boolean {
  const version = node.get("apiVersion");
  return (
    node.get("kind") === kind &&
    node.getIn(["metadata", "name"]) === name &&
    typeof version === "string" &&
    groupOf(version) === groupOf(apiVersion)
  );
}

export function namespaceOf(node: YAMLMap): string | null {
  const namespace = node.getIn(["metadata", "namespace"]);
  return typeof namespace === "string" ? namespace : null;
}

export function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

/** The objects of a file, those of Lists too. */
export function objectsOf(file: ManifestFile, at?: Yaml["at"]): readonly Manifest[] {
  return documentsOf(file, at).flatMap((yaml) => {
    const { node } = yaml;
    if (!isMap(node)) return [];
    const whole: Manifest = { ...yaml, node };
    const items = node.get("items");
    if (!String(node.get("kind")).endsWith("List") || !isSeq(items)) return [whole];
    return items.items.flatMap((item, position) =>
      isMap(item) ? [{ ...yaml, node: item, keys: [...yaml.keys, "items", position] }] : [],
    );
  });
}
