// When a break-glass counts. Nothing but missing approvals is lifted: whatever refuses, holds or limits is weighed after it as always.
import { type LiftStatement, longestLiftSeconds } from "../gate/break-glass.ts";
import { plusSeconds } from "../instant.ts";
import type { Execution } from "./execution.ts";

/** Between two looks at the database's clock. */
const clockSlackSeconds = 60;

/** Why there is nothing that could be lifted now; null: there is. */
export function whyNoLift(state: Execution, now: string): string | null {
  const { phase, mode, gate, gateDecidedAt, plan, lift, approval } = state;
  if (lift !== null) return `its approvals were lifted before, by ${lift.by}: once is all there is`;
  if (phase === "ended") return `it has ended (${state.outcome})`;
  if (mode !== "live") return "it is only observed: nothing would run";
  if (gate?.kind === "refused") return "it is refused, which nobody lifts";
  if (phase !== "awaiting_approval" || gate?.kind !== "approval" || plan === null)
    return `it waits for no approval (${phase})`;
  if (state.cancel !== null) return `it is being cancelled by ${state.cancel.by}`;
  const expiresAt = approval?.expiresAt ?? plusSeconds(gateDecidedAt ?? now, gate.expiresSeconds);
  return now < expiresAt ? null : `its time to be approved was over at ${expiresAt}`;
}

/** Why this statement lifts nothing now; null: it does. Who signed it is checked elsewhere. */
export function whyNotLifted(state: Execution, statement: LiftStatement, now: string): string | null {
  const { digest, by, at, until } = statement;
  const nothing = whyNoLift(state, now);
  if (nothing !== null) return nothing;
  if (digest !== state.plan?.digest) return "the plan is another one by now: look at it and sign anew";
  if (plusSeconds(at, longestLiftSeconds) < until)
    return `it was signed for longer than ${longestLiftSeconds / 60} minutes`;
  if (at > plusSeconds(now, clockSlackSeconds)) return "it was signed for a time that has not come";
  if (until <= now) return `its time was over at ${until}: sign anew`;
  return hasAsked(by, state) ? `${by} has asked for this plan: somebody else has to lift it` : null;
}

/** Whoever started it by hand or has changed the plan: as for an approval, that is no second pair of eyes. */
function hasAsked(by: string, { byHand, edits }: Execution): boolean {
  const asked = [...(byHand === null ? [] : [byHand.by]), ...edits.flatMap((edit) => edit.by)];
  const name = (who: string) => who.trim().toLowerCase();
  return asked.some((who) => name(who) === name(by));
}
