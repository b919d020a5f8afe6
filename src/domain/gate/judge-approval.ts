// Whether the approvals that count are enough for what the gate demands. Fails closed: nothing demanded is not nothing needed.
import type { Approval, ApprovalDemand } from "./gate.ts";

export interface ApprovalJudgement {
  readonly enough: boolean;
  /** For people: `1 more of team:sre and 2 more of team:dba`; "" when it is enough. */
  readonly missing: string;
}

type Teams = ReadonlyMap<string, readonly string[]>;

/**
 * Every demand must be met. A person counts once for each demand, whatever number of approvals or keys; so one person may
 * count for two teams. The bot never counts. Approvals that nobody could verify are enough only where a single one is demanded.
 */
export function judgeApproval(
  demands: readonly ApprovalDemand[],
  approvals: readonly Approval[],
  teams: Teams,
  bot = "gitmend",
): ApprovalJudgement {
  if (demands.length === 0) return { enough: false, missing: "an approval that nobody may give" };
  const single = demands.length === 1 && demands[0]!.approvals <= 1;
  const counting = approvals.filter(({ by, verified }) => by !== bot && (verified || single));
  const people = new Set(counting.map(({ by }) => by));
  const missing = demands.flatMap((demand) => missingFor(demand, people, teams));
  const unverified =
    approvals.length - counting.length > 0 && !single ? " (unverified approvals do not count here)" : "";
  return missing.length === 0
    ? { enough: true, missing: "" }
    : { enough: false, missing: missing.join(" and ") + unverified };
}

function missingFor(demand: ApprovalDemand, people: ReadonlySet<string>, teams: Teams): readonly string[] {
  const allowed = [...people].filter((person) => isAllowed(person, demand.from, teams));
  const more = Math.max(1, demand.approvals) - allowed.length;
  return more <= 0 ? [] : [`${more} more of ${fromText(demand)}`];
}

function isAllowed(person: string, from: readonly string[], teams: Teams): boolean {
  if (from.length === 0) return true;
  return from.some((entry) =>
    entry.startsWith("team:") ? (teams.get(entry.slice(5))?.includes(person) ?? false) : entry === person,
  );
}

/** `2 of team:sre and 1 of ana or team:dba`: what a gate waits for. */
export function demandsText(demands: readonly ApprovalDemand[]): string {
  return demands.map((demand) => `${Math.max(1, demand.approvals)} of ${fromText(demand)}`).join(" and ");
}

function fromText({ from }: ApprovalDemand): string {
  return from.length === 0 ? "any approver" : from.join(" or ");
}
