// What ended executions have left in place until their incident is over (domain/execution/follow-up.ts).
import type { FiringDecision } from "./ports.ts";
import type { Refused } from "./refused.ts";

export interface DueFollowUp {
  /** The execution that has ended. */
  readonly executionId: string;
  /** Fences the start: one under an older claim is stale. */
  readonly claim: number;
  /** Its incident has lasted longer than it may stay: people are told. */
  readonly expired: boolean;
  /** Key of its incident: what a start claims. */
  readonly incidentKey: string;
  /** Why it could not begin, the last time; null: it was not tried. */
  readonly problem: string | null;
}

/** Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then. */
export interface FollowUpStore {
  /**
   * Up to `limit` whose incident is over, or whose time is (skip locked); nobody else gets them for `claimSeconds`. An incident is
   * over when alerts belonged to it, all were resolved, it was closed (a quarter of an hour later), and no other is open for
   * the same target.
   */
  takeDue(limit: number, claimSeconds: number): Promise<readonly DueFollowUp[]>;
  /** It cannot begin yet: due again in `seconds`. */
  putOff(due: DueFollowUp, problem: string, seconds: number): Promise<void>;
  /**
   * One transaction: the execution, owned by this replica, and nothing is due any more. `stale`: somebody else has begun it, or
   * its incident is open again; nothing was written. @throws Problem LEASE_LOST (nothing was written)
   */
  start(
    due: DueFollowUp,
    alertName: string,
    decision: Extract<FiringDecision, { readonly kind: "execution" }>,
  ): Promise<{ readonly result: "committed" } | { readonly result: "stale" } | Refused>;
}
