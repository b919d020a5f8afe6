// What an effect leaves in one field of its object, whichever of the field's parents it writes.
import { valueAt } from "../../actions/json-pointer.ts";
import type { Json } from "../../domain/json.ts";
import type { Effect, FieldChange } from "../../domain/planning/effect.ts";

/** null: the effect does not write the field. Two undefined sides are a field that was absent and stays so. */
export function writtenValue(effect: Effect, pointer: string): Omit<FieldChange, "pointer"> | null {
  if (effect.kind !== "patch") return null;
  const change = effect.changes.findLast(
    (one) => pointer === one.pointer || pointer.startsWith(`${one.pointer}/`),
  );
  if (change === undefined) return null;
  const rest = pointer.slice(change.pointer.length);
  const [before, after] = [valueAt(change.before, rest), valueAt(change.after, rest)];
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** Replicas before and after; null: they are not written. An absent number is 1, as Kubernetes fills it in. */
export function writtenReplicas(effect: Effect): { readonly before: number; readonly after: number } | null {
  const written = writtenValue(effect, "/spec/replicas");
  if (written === null) return null;
  return { before: replicas(written.before), after: replicas(written.after) };
}

function replicas(value: Json | undefined): number {
  return typeof value === "number" ? value : 1;
}
