// Who wrote a field, by the object's managedFields (FieldsV1: `f:name` is a field, `k:{…}` a list item by its keys).
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject, type Json } from "../domain/json.ts";
import { sameJson } from "./differences.ts";
import { segmentsOf } from "./json-pointer.ts";

/** The manager that owns the field, the latest when several do; null when nobody says so (a removed field has no owner). */
export function fieldManager(object: KubernetesObject, pointer: string): string | null {
  const owners = (object.metadata.managedFields ?? [])
    .filter((entry) => owns(entry.fieldsV1, object as unknown as Json, segmentsOf(pointer)))
    .toSorted((one, other) => (one.time ?? "").localeCompare(other.time ?? ""));
  return owners.at(-1)?.manager ?? null;
}

/** Whether the set holds the field, an atomic parent of it, or something below it. */
function owns(fields: unknown, value: Json | undefined, path: readonly string[]): boolean {
  if (!isObject(fields)) return false;
  const [segment, ...rest] = path;
  if (segment === undefined) return true;
  const names = Object.keys(fields);
  // An empty set is the whole field; `.` alone is the map without its members.
  if (names.length === 0) return true;
  const member = memberOf(value, segment);
  const next = Array.isArray(value) ? names.find((name) => namesItem(name, member)) : `f:${segment}`;
  return next !== undefined && owns(fields[next], member, rest);
}

function memberOf(value: Json | undefined, segment: string): Json | undefined {
  if (Array.isArray(value)) return (value as readonly Json[])[Number(segment)];
  return isObject(value) ? value[segment] : undefined;
}

function namesItem(name: string, item: Json | undefined): boolean {
  if (!name.startsWith("k:") || !isObject(item)) return false;
  const keys: unknown = JSON.parse(name.slice(2));
  return isObject(keys) && Object.entries(keys).every(([key, value]) => sameJson(item[key], value));
}
