// The state of an execution as a text, so that a long stream need not be folded from its beginning. A snapshot is a cache: one of
// another shape, or one that cannot be read, counts as none, and the events are read instead.
import { Set as ImmutableSet, isSet as isImmutableSet, isOrderedMap, OrderedMap } from "immutable";
import { canonicalJson, isObject, sha256 } from "../json.ts";
import { knownEvents } from "./event-versions.ts";
import { type Execution, newExecution, newStep } from "./execution.ts";

/** Raised when `evolve` makes something else of the same events. New members of the state and new events count by themselves. */
const foldVersion = 2;

/** What a snapshot must have been made as to be used: the members of the state, and the events that it was folded from. */
export const snapshotShape = sha256(
  canonicalJson({
    foldVersion,
    members: [Object.keys(newExecution).toSorted(), Object.keys(newStep).toSorted()],
    events: knownEvents(),
  }),
).slice(0, 16);

/** Sets and maps as lists. */
export function snapshotText(state: Execution): string {
  return JSON.stringify(state, (_key, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value,
  );
}

/** null: it cannot be used. */
export function readSnapshot(text: string): Execution | null {
  try {
    const read: unknown = JSON.parse(text);
    if (!isObject(read) || !Object.keys(newExecution).every((key) => Object.hasOwn(read, key))) return null;
    const members = Object.entries(newExecution).map(([key, empty]) => [key, member(read[key], empty)]);
    return Object.fromEntries(members) as Execution;
  } catch {
    return null;
  }
}

/** As the same member of a new execution is. @throws TypeError where a list was expected */
function member(value: unknown, empty: unknown): unknown {
  if (isOrderedMap(empty)) return OrderedMap(value as Readonly<Record<string, unknown>>);
  if (isImmutableSet(empty)) return ImmutableSet(value as Iterable<unknown>);
  if (empty instanceof Map) return new Map(value as Iterable<[unknown, unknown]>);
  return empty instanceof Set ? new Set(value as Iterable<unknown>) : value;
}
