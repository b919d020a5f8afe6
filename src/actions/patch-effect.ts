// Builds the effect of an action that writes fields of one object: old values, missing parents and preconditions
// come from the object as it was read, so that the effect can be found again and taken back.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import type { Json } from "../domain/json.ts";
import type { FieldChange, PatchEffect } from "../domain/planning/effect.ts";
import type { JsonPatchOperation } from "./action.ts";
import { fieldChange } from "./differences.ts";
import { segmentsOf, toPointer, valueAt } from "./json-pointer.ts";

export interface FieldWrite {
  readonly pointer: string;
  /** undefined removes the field. */
  readonly value: Json | undefined;
}

/** A field to remove that is absent already is left out. Writing what stands there already is an effect like any other. */
export function patchEffect(
  ref: ObjectRef,
  object: KubernetesObject,
  writes: readonly FieldWrite[],
): PatchEffect {
  const changes = writes
    .map(({ pointer, value }) => fieldChange(pointer, valueAt(object, pointer), value))
    .filter((change) => change.before !== undefined || change.after !== undefined);
  // gitmend's annotations go with every patch.
  const written = [...changes.map(({ pointer }) => pointer), "/metadata/annotations/gitmend.dev~1effect"];
  return {
    kind: "patch",
    object: ref,
    uid: object.metadata.uid,
    resourceVersion: object.metadata.resourceVersion,
    changes,
    missingParents: missingParents(object, written),
  };
}

function missingParents(object: KubernetesObject, pointers: readonly string[]): readonly string[] {
  const parents = pointers.flatMap((pointer) => {
    const segments = segmentsOf(pointer);
    return segments.slice(0, -1).map((_, index) => toPointer(segments.slice(0, index + 1)));
  });
  return [...new Set(parents)].filter((parent) => valueAt(object, parent) === undefined);
}

/** The conditional patch that makes the effect, with these annotations. */
export function patchOperations(
  { resourceVersion, missingParents, changes }: PatchEffect,
  annotations: Readonly<Record<string, string>>,
): readonly JsonPatchOperation[] {
  return [
    { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
    ...missingParents.map((path) => ({ op: "add" as const, path, value: {} })),
    ...changes.map(operationOf),
    ...Object.entries(annotations).map(([name, value]) => ({
      op: "add" as const,
      path: toPointer(["metadata", "annotations", name]),
      value,
    })),
  ];
}

function operationOf({ pointer, before, after }: FieldChange): JsonPatchOperation {
  if (after === undefined) return { op: "remove", path: pointer };
  return { op: before === undefined ? "add" : "replace", path: pointer, value: after };
}
