// What a person (or `gitmend approve`) has to know to approve an execution, taken from its state.
import type { Execution } from "../domain/execution/execution.ts";
import { approvalPath } from "../domain/gate/approval-file.ts";
import type { ApprovalDemand } from "../domain/gate/gate.ts";
import { demandsNow } from "../domain/gate/next-approvers.ts";
import { Problem } from "../domain/problem.ts";
import type { Teams } from "./api/api-ports.ts";

export interface ApprovalView {
  readonly executionId: string;
  /** Still to be decided. */
  readonly waiting: boolean;
  readonly repository: string;
  readonly branch: string;
  readonly base: string;
  readonly file: string;
  /** Commit that people approve. */
  readonly head: string;
  readonly digest: string;
  readonly demands: readonly ApprovalDemand[];
  /** Who is in the teams that the demands name: whoever approves can tell whether it is enough. */
  readonly teams: Readonly<Record<string, readonly string[]>>;
  /** Started it by hand: this person's approval does not count. */
  readonly notBy: string | null;
  readonly expiresAt: string;
}

/** @throws Problem NOT_FOUND: no approval is asked for; NOT_NOW: it will be in a moment. */
export function approvalView(
  executionId: string,
  { approval, added, byHand, gate, plan, phase }: Execution,
  teams: Teams,
): ApprovalView {
  if (approval === null && phase === "awaiting_approval") {
    const message = `execution ${executionId} is being brought before people: try again in a moment`;
    throw new Problem("NOT_NOW", message, { retryable: true });
  }
  if (approval === null || plan === null || gate?.kind !== "approval") {
    throw new Problem("NOT_FOUND", `execution ${executionId} asks for no approval (${phase})`);
  }
  const demands = demandsNow(gate.demands, added);
  const { repository, branch, base, head, expiresAt } = approval;
  return {
    executionId,
    waiting: phase === "awaiting_approval",
    repository,
    branch,
    base,
    file: approvalPath(executionId),
    head,
    digest: plan.digest,
    demands,
    teams: namedTeams(demands, teams),
    notBy: byHand?.by ?? null,
    expiresAt,
  };
}

function namedTeams(demands: readonly ApprovalDemand[], teams: Teams): ApprovalView["teams"] {
  const named = demands.flatMap(({ from }) => from).filter((entry) => entry.startsWith("team:"));
  const names = [...new Set(named.map((entry) => entry.slice("team:".length)))];
  return Object.fromEntries(names.map((name) => [name, teams.get(name) ?? []]));
}
