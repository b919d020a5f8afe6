// Whether the approvals that count are enough for what the gate demands. Fails closed: nothing demanded is not nothing needed.
import { durationText } from "../duration.ts";
import { plusSeconds } from "../instant.ts";
import type { Approval, ApprovalDemand } from "./gate.ts";

export interface ApprovalJudgement {
  readonly enough: boolean;
  /** For people: `1 more of team:sre and 2 more of team:dba`; "" when it is enough. */
  readonly missing: string;
  /** Indices of the demands that are not met. */
  readonly unmet: readonly number[];
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
  if (demands.length === 0) return { enough: false, missing: "an approval that nobody may give", unmet: [] };
  const single = demands.length === 1 && demands[0]!.approvals <= 1;
  const counting = approvals.filter(({ by, verified }) => by !== bot && (verified || single));
  const people = new Set(counting.map(({ by }) => by));
  const missing = demands.flatMap((demand) => missingFor(demand, people, teams));
  const unmet = demands.flatMap((demand, index) =>
    missingFor(demand, people, teams).length === 0 ? [] : [index],
  );
  const unverified =
    approvals.length - counting.length > 0 && !single ? " (unverified approvals do not count here)" : "";
  return missing.length === 0
    ? { enough: true, missing: "", unmet }
    : { enough: false, missing: missing.join(" and ") + unverified, unmet };
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

/**
 * `2 of team:sre and 1 of ana or team:dba`: what a gate waits for; with those to come, `1 of team:sre (after 10m also of team:dba)`.
 * @param since when the gate was decided: the times of day are said instead
 */
export function demandsText(demands: readonly ApprovalDemand[], since: string | null = null): string {
  return demands.map((demand) => `${firstText(demand)}${nextText(demand, since)}`).join(" and ");
}

/** Without those who are to come. */
export function firstDemandsText(demands: readonly ApprovalDemand[]): string {
  return demands.map(firstText).join(" and ");
}

function firstText(demand: ApprovalDemand): string {
  return `${Math.max(1, demand.approvals)} of ${fromText(demand)}`;
}

function nextText({ next = [] }: ApprovalDemand, since: string | null): string {
  if (next.length === 0) return "";
  const parts = next.map(
    ({ afterSeconds, from }) => `${whenText(afterSeconds, since)} also of ${from.join(" or ")}`,
  );
  return ` (${parts.join(", ")})`;
}

function whenText(afterSeconds: number, since: string | null): string {
  if (since === null) return `after ${durationText(afterSeconds)}`;
  return `from ${plusSeconds(since, afterSeconds).slice(11, 16)} UTC on`;
}

function fromText({ from }: Pick<ApprovalDemand, "from">): string {
  return from.length === 0 ? "any approver" : from.join(" or ");
}
