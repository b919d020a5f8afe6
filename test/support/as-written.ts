// The object that a patch leaves in a cluster where nobody else writes.
import { segmentsOf } from "../../src/actions/json-pointer.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { Json } from "../../src/domain/json.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";

/** null: no patch was sent, so nothing is known to be there. */
export function asWritten(effect: Effect | undefined): KubernetesObject | null {
  if (effect?.kind !== "patch") return null;
  const { object, uid, resourceVersion } = effect;
  const { apiVersion, kind, name } = object;
  const bare = { apiVersion, kind, metadata: { name, uid, resourceVersion } } as unknown as Json;
  return effect.changes.reduce(
    (now, { pointer, after }) => (after === undefined ? now : withValue(now, segmentsOf(pointer), after)),
    bare,
  ) as unknown as KubernetesObject;
}

function withValue(document: Json | undefined, [segment, ...rest]: readonly string[], value: Json): Json {
  if (segment === undefined) return value;
  const members = (document ?? {}) as Readonly<Record<string, Json>>;
  return { ...members, [segment]: withValue(members[segment], rest, value) };
}
