// Whether the gate of now asks for more than the one that was passed. Pure; a laxer gate changes nothing.
import type { ApprovalDemand, Gate } from "./gate.ts";
import { asksNoOther } from "./next-approvers.ts";

const ranks: Readonly<Record<Gate["kind"], number>> = { open: 0, approval: 1, refused: 2 };

/** Between two approvals: whether something is demanded that meeting `before` would not have met. */
export function isStricter(before: Gate, now: Gate): boolean {
  if (before.kind === "approval" && now.kind === "approval")
    return !now.demands.every((demand) => before.demands.some((met) => implies(met, demand)));
  return ranks[now.kind] > ranks[before.kind];
}

function implies(met: ApprovalDemand, demand: ApprovalDemand): boolean {
  return asksNoOther(met, demand) && met.approvals >= demand.approvals;
}
