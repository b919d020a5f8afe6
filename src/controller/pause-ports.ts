// What pausing and resuming needs from outside.
import type { Pause, PauseScope } from "../domain/facts/pause.ts";

/** Who said it and why; both are recorded. */
export interface Said {
  readonly by: string;
  readonly reason: string;
}

/** Live executions that a scope is about, and how many of them have recorded that they are paused. */
export interface PausedCounts {
  readonly live: number;
  readonly paused: number;
}

/** The pauses of commands. Times are the database's. Every method throws Problem DATABASE_UNAVAILABLE. */
export interface PauseStore {
  /** Those that hold now. */
  active(): Promise<readonly Pause[]>;
  /** In place of the one of the same scope; firings that wait for it are decided again. `seconds`: null until it is resumed. */
  pause(scope: PauseScope, said: Said, seconds: number | null): Promise<Pause>;
  /** @returns what was paused; null: nothing of exactly this scope was. Firings that waited for it are due. */
  resume(scope: PauseScope, said: Said): Promise<Pause | null>;
  /** How the last pause of this scope was ended by somebody; null: by its time. */
  endOf(scope: PauseScope): Promise<Said | null>;
  counts(scope: PauseScope): Promise<PausedCounts>;
}
