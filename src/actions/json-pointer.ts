// JSON pointers (RFC 6901): how fields are named in effects, diffs and patches.
import { isObject, type Json } from "../domain/json.ts";

/** `["metadata", "annotations", "gitmend.dev/effect"]` -> `/metadata/annotations/gitmend.dev~1effect`. */
export function toPointer(segments: readonly string[]): string {
  return segments.map((segment) => `/${segment.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The inverse of toPointer; "" is the whole document. */
export function segmentsOf(pointer: string): readonly string[] {
  if (pointer === "") return [];
  return pointer
    .slice(1)
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** undefined where there is nothing; only own members count. */
export function valueAt(document: unknown, pointer: string): Json | undefined {
  let value = document;
  for (const segment of segmentsOf(pointer)) {
    if (Array.isArray(value)) value = /^\d+$/.test(segment) ? value[Number(segment)] : undefined;
    else value = isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
  }
  return value as Json | undefined;
}
