// Who a guard asks, first and later, as the gate holds it.
import { durationSeconds } from "../duration.ts";
import type { RequireApproval } from "./policy.generated.ts";

/** In order of their time. `team:owner` is left as it is written. */
export function approversOf({ from, approvals, next = [] }: RequireApproval["params"]) {
  const later = next
    .map((one) => ({ afterSeconds: durationSeconds(one.after), from: one.from }))
    .toSorted((one, other) => one.afterSeconds - other.afterSeconds);
  return { from, approvals, ...(later.length === 0 ? {} : { next: later }) };
}
