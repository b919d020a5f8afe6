// What writes the old values back. A map that gitmend had to make for its fields goes with the last of them, unless somebody
// has put something into it since: undo leaves nothing behind.
import type { KubernetesObject } from "../domain/facts/objects.ts";
import { isObject } from "../domain/json.ts";
import type { FieldChange, PatchEffect } from "../domain/planning/effect.ts";
import { toPointer, valueAt } from "./json-pointer.ts";
import type { FieldWrite } from "./patch-effect.ts";

/** @param ours the changes of the effect that still stand in the object as it is now */
export function restoreWrites(
  { missingParents }: PatchEffect,
  object: KubernetesObject,
  ours: readonly FieldChange[],
): readonly FieldWrite[] {
  const removed = new Set(ours.filter(({ before }) => before === undefined).map(({ pointer }) => pointer));
  const isEmptied = (parent: string): boolean => {
    const map = valueAt(object, parent);
    return (
      isObject(map) &&
      Object.keys(map).every((key) => {
        const pointer = `${parent}${toPointer([key])}`;
        return removed.has(pointer) || (missingParents.includes(pointer) && isEmptied(pointer));
      })
    );
  };
  const emptied = missingParents.filter(isEmptied);
  const outermost = emptied.filter((parent) => !emptied.some((other) => isBelow(parent, other)));
  const others = ours.filter(({ pointer }) => !outermost.some((parent) => isBelow(pointer, parent)));
  return [
    ...others.map(({ pointer, before }) => ({ pointer, value: before })),
    ...outermost.map((pointer) => ({ pointer, value: undefined })),
  ];
}

function isBelow(pointer: string, parent: string): boolean {
  return pointer.startsWith(`${parent}/`);
}
