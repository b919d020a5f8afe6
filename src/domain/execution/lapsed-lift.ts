// A break-glass counts for its minutes: what has changed nothing by then, because it was paused, held or queued, ends.
// Once the first change is under way it runs to its own end: half a repair is worse than a late one.
import type { Execution } from "./execution.ts";
import type { End, Work } from "./work.ts";

/** null: nothing was lifted, it was used, or its time is not over. */
export function lapsedLift({ lift, changes }: Execution, now: string): End | null {
  if (lift === null || changes.length > 0 || now < lift.until) return null;
  const reason = `the break-glass by ${lift.by} was not used by ${`${lift.until.slice(11, 16)} UTC`} and is void`;
  return { outcome: "expired", reason, escalated: true };
}

/** Whoever waits looks again when it lapses. */
export function untilLapse({ lift, changes }: Execution, now: string): readonly Work[] {
  return lift === null || changes.length > 0 || now >= lift.until
    ? []
    : [{ type: "wait", until: lift.until }];
}
