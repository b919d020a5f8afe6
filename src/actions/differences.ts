// What differs between two JSON documents, as the smallest fields that people would name.
// A list of the same length is compared item by item; any other list, and every list of plain values, is one field,
// because an item of `args` means nothing without its neighbours.
import { canonicalJson, isObject, type Json } from "../domain/json.ts";
import type { FieldChange } from "../domain/planning/effect.ts";
import { toPointer } from "./json-pointer.ts";

/** In the order of keys; `undefined` means absent. */
export function differences(
  before: Json | undefined,
  after: Json | undefined,
  at: readonly string[] = [],
): readonly FieldChange[] {
  if (sameJson(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
    return keys.flatMap((key) => differences(before[key], after[key], [...at, key]));
  }
  if (isListOfObjects(before) && isListOfObjects(after) && before.length === after.length) {
    return before.flatMap((item, index) => differences(item, after[index], [...at, String(index)]));
  }
  return [fieldChange(toPointer(at), before, after)];
}

export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return canonicalJson(one) === canonicalJson(other);
}

/** A FieldChange in which what is absent is left out. */
export function fieldChange(pointer: string, before: Json | undefined, after: Json | undefined): FieldChange {
  return { pointer, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

function isListOfObjects(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value) && value.every(isObject);
}
