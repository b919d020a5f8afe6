// Who may approve when nobody has decided for a while. Time alone adds nobody: an event does, and what is asked here is which one is
// due and what the demands are after those that were recorded.
import { plusSeconds } from "../instant.ts";
import type { AddedApprovers, ApprovalDemand, Gate, NextApprovers } from "./gate.ts";

/** The demands as they are met now: those who were added count, and are no longer to come. */
export function demandsNow(
  demands: readonly ApprovalDemand[],
  added: readonly AddedApprovers[],
): readonly ApprovalDemand[] {
  return added.length === 0 ? demands : demands.map((demand, index) => withAdded(demand, index, added));
}

function withAdded(
  { from, approvals, next = [] }: ApprovalDemand,
  index: number,
  added: readonly AddedApprovers[],
): ApprovalDemand {
  const own = added.filter((one) => one.demand === index);
  const left = next.filter((one) => !isAdded(one, own));
  return {
    from: from.length === 0 ? from : [...new Set([...from, ...own.flatMap((one) => one.from)])],
    approvals,
    ...(left.length === 0 ? {} : { next: left }),
  };
}

function isAdded({ afterSeconds }: NextApprovers, own: readonly AddedApprovers[]): boolean {
  return own.some((one) => one.afterSeconds === afterSeconds);
}

/** Those whose time has come and whose demand is not met. @param unmet indices of demands @param since when the gate was decided */
export function dueApprovers(
  demands: readonly ApprovalDemand[],
  { added, unmet, since, now }: AskedSoFar & { readonly unmet: readonly number[]; readonly now: string },
): readonly AddedApprovers[] {
  return toCome(demands, added).filter(
    ({ demand, afterSeconds }) => unmet.includes(demand) && plusSeconds(since, afterSeconds) <= now,
  );
}

interface AskedSoFar {
  readonly added: readonly AddedApprovers[];
  /** ISO 8601, when the gate was decided. */
  readonly since: string;
}

/** When each of those who were not added yet has their time. */
export function nextTimes(
  demands: readonly ApprovalDemand[],
  { added, since }: AskedSoFar,
): readonly string[] {
  return toCome(demands, added).map(({ afterSeconds }) => plusSeconds(since, afterSeconds));
}

function toCome(
  demands: readonly ApprovalDemand[],
  added: readonly AddedApprovers[],
): readonly AddedApprovers[] {
  return demands.flatMap(({ next = [] }, demand) => {
    const own = added.filter((one) => one.demand === demand);
    return next.filter((one) => !isAdded(one, own)).map((one) => ({ ...one, demand }));
  });
}

/** The gate as it was passed: who was never added has no part in it. */
export function gateAsMet(gate: Gate, added: readonly AddedApprovers[]): Gate {
  if (gate.kind !== "approval") return gate;
  const demands = gate.demands.map(({ from, approvals, next = [] }, index): ApprovalDemand => {
    const own = added.filter((one) => one.demand === index);
    const used = next.filter((one) => isAdded(one, own));
    return { from, approvals, ...(used.length === 0 ? {} : { next: used }) };
  });
  return { ...gate, demands };
}

/** `a` and its `next` let nobody approve, and nobody earlier, whom `b` and its `next` do not. */
export function asksNoOther(
  a: Pick<ApprovalDemand, "from" | "next">,
  b: Pick<ApprovalDemand, "from" | "next">,
): boolean {
  if (b.from.length === 0) return true;
  if (a.from.length === 0) return false;
  const within = (who: readonly string[], afterSeconds: number) => {
    const others = (b.next ?? []).filter((one) => one.afterSeconds <= afterSeconds);
    const allowed = new Set([...b.from, ...others.flatMap(({ from }) => from)]);
    return who.every((one) => allowed.has(one));
  };
  const first = a.from.every((one) => b.from.includes(one));
  return first && (a.next ?? []).every(({ afterSeconds, from }) => within(from, afterSeconds));
}
