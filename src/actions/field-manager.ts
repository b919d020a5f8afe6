// Who wrote a field, by the object's managedFields (FieldsV1: `f:name` is a field, `k:{…}` a list item by its keys).
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject, type Json } from "../domain/json.ts";
import { sameJson } from "./differences.ts";
import { segmentsOf, valueAt } from "./json-pointer.ts";

/** The fieldManager of gitmend's own writes. API servers (1.20 for one) may leave it a field that another has taken over. */
export const gitmendManager = "gitmend";

/**
 * The manager that owns the field most exactly, of several the latest that is not gitmend; null when nobody says so. Times have whole
 * seconds: those of one second are all named, `ana or kubectl`. A field that was removed has no owner: whoever owns its parent need
 * not be who removed it.
 */
export function fieldManager(object: KubernetesObject, pointer: string): string | null {
  if (valueAt(object, pointer) === undefined) return null;
  const path = segmentsOf(pointer);
  const owners = (object.metadata.managedFields ?? [])
    .map(({ manager, time = "", fieldsV1 }) => ({
      manager,
      time,
      depth: ownedDepth(fieldsV1, object as unknown as Json, path),
    }))
    .filter(({ depth }) => depth > 0)
    .toSorted(byCertainty);
  const last = owners.at(-1);
  if (last === undefined) return null;
  const alike = owners.filter((owner) => byCertainty(owner, last) === 0);
  const names = new Set(alike.flatMap(({ manager = "" }) => (manager === "" ? [] : [manager])));
  return names.size === 0 ? null : [...names].join(" or ");
}

interface Owner {
  readonly manager: string | undefined;
  readonly time: string;
  readonly depth: number;
}

function byCertainty(one: Owner, other: Owner): number {
  return (
    one.depth - other.depth ||
    Number(one.manager !== gitmendManager) - Number(other.manager !== gitmendManager) ||
    one.time.localeCompare(other.time)
  );
}

/**
 * How many segments of the path the set owns; 0: nothing of it. An empty set is a field that is owned whole, or a map
 * without its members, which look the same: so a set that goes deeper wins.
 */
function ownedDepth(fields: unknown, value: Json | undefined, path: readonly string[], depth = 0): number {
  if (!isObject(fields)) return 0;
  const [segment, ...rest] = path;
  const names = Object.keys(fields);
  if (segment === undefined || names.length === 0) return depth;
  const member = memberOf(value, segment);
  const next = Array.isArray(value) ? names.find((name) => namesItem(name, member)) : `f:${segment}`;
  return next === undefined ? 0 : ownedDepth(fields[next], member, rest, depth + 1);
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
