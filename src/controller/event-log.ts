// The events of all executions in one order that never changes: by transaction, execution and seq. Nothing is in it before every
// older transaction is over, so that what a slow one writes is not passed by. Within one execution it is the order of seq,
// because who appends has been told of the event before.
import type { RecordedEvent } from "../domain/execution/events.ts";
import type { LogPosition } from "../domain/execution/log-position.ts";

export interface LoggedEvent {
  readonly position: LogPosition;
  /** What this version does not know is left as it was stored. */
  readonly event: RecordedEvent;
}

/** Every method throws Problem DATABASE_UNAVAILABLE. */
export interface EventLog {
  /** Before all that is not in it yet. */
  end(): Promise<LogPosition>;
  /** `gone`: events after it were let go. `unknown`: it is not a position of this database. */
  examine(position: LogPosition): Promise<"known" | "unknown" | "gone">;
  /** The next ones. */
  after(position: LogPosition, limit: number): Promise<readonly LoggedEvent[]>;
}
