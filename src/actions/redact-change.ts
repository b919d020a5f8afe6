// A field change for people: secrets are taken out, but that there is a change stays visible.
import type { Json } from "../domain/json.ts";
import type { FieldChange } from "../domain/planning/effect.ts";
import { hidden, redactJson } from "../domain/redact.ts";
import { fieldChange, sameJson } from "./differences.ts";
import { segmentsOf } from "./json-pointer.ts";

export function redactChange({ pointer, before, after }: FieldChange): FieldChange {
  const shown = (value: Json | undefined) => redactField(pointer, value);
  const hides = before !== undefined && after !== undefined && sameJson(shown(before), shown(after));
  return fieldChange(pointer, shown(before), hides ? `${hidden}, changed` : shown(after));
}

/** The value as people may see it, judged by where it stands. */
export function redactField(pointer: string, value: Json | undefined): Json | undefined {
  return value === undefined ? undefined : redactJson(value, segmentsOf(pointer));
}
