// Versions of stored events. A stored event is never rewritten: what an older version of gitmend wrote is brought into the
// present shape when it is read, and what a newer one wrote is refused, so that nobody acts on half of a history.
import type { JsonObject } from "../json.ts";
import { Problem } from "../problem.ts";
import type { ExecutionEvent, RecordedEvent } from "./events.ts";
import { legalPhases } from "./transitions.ts";

type EventType = ExecutionEvent["type"];

/** One version of an event's shape into the next; `type` stays. */
export type Upcaster = (event: JsonObject) => JsonObject;

/** By event type; the first entry turns version 1 into version 2. A type without an entry has version 1 alone. */
export type Upcasters = Readonly<Partial<Record<EventType, readonly Upcaster[]>>>;

const upcasters: Upcasters = {};

/** The version in which a new event of this type is written. */
export function versionOf(type: EventType, registry: Upcasters = upcasters): number {
  return 1 + (registry[type]?.length ?? 0);
}

/** Every event type that this version of gitmend can read, with its newest version: what a stream may hold to be driven here. */
export function knownEvents(): Readonly<Record<string, number>> {
  return Object.fromEntries((Object.keys(legalPhases) as EventType[]).map((type) => [type, versionOf(type)]));
}

/** The event in its present shape. @throws Problem EVENT_UNKNOWN: a newer version of gitmend wrote it */
export function upcast(recorded: RecordedEvent, registry: Upcasters = upcasters): RecordedEvent {
  const { type } = recorded.event;
  const newest = Object.hasOwn(legalPhases, type) ? versionOf(type, registry) : 0;
  if (recorded.version === newest) return recorded;
  if (!(recorded.version >= 1 && recorded.version < newest)) throw unknown(recorded);
  const steps = (registry[type] ?? []).slice(recorded.version - 1);
  const event = steps.reduce<JsonObject>(
    (older, step) => ({ ...step(older), type }),
    recorded.event as unknown as JsonObject,
  );
  return { ...recorded, version: newest, event: event as unknown as ExecutionEvent };
}

function unknown({ seq, version, event: { type } }: RecordedEvent): Problem {
  return new Problem(
    "EVENT_UNKNOWN",
    `event ${seq} is a ${type} of version ${version}, which this version of gitmend does not know`,
    { details: { seq, type, version } },
  );
}
