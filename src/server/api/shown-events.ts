// Events as they leave gitmend. Snapshots hold what stood in the cluster, secrets of a container's environment too: those
// stay in the database.
import type { RecordedEvent } from "../../domain/execution/events.ts";
import type { Json } from "../../domain/json.ts";
import { redactJson } from "../../domain/redact.ts";

export function shownEvents(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  return redactJson(JSON.parse(JSON.stringify(events)) as Json) as unknown as readonly RecordedEvent[];
}
