// What a person (or `gitmend approve`) has to know to approve an execution, taken from its events.
import type { RecordedEvent } from "../domain/execution/events.ts";
import { fold } from "../domain/execution/evolve.ts";
import type { ApprovalDemand } from "../domain/gate/gate.ts";
import { Problem } from "../domain/problem.ts";

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
  readonly expiresAt: string;
}

/** @throws Problem NOT_FOUND when no approval was ever asked for. */
export function approvalView(executionId: string, events: readonly RecordedEvent[]): ApprovalView {
  const { approval, gate, plan, phase } = fold(events);
  if (approval === null || plan === null || gate?.kind !== "approval") {
    throw new Problem("NOT_FOUND", `execution ${executionId} asks for no approval (${phase})`);
  }
  const { repository, branch, base, head, expiresAt } = approval;
  return {
    executionId,
    waiting: phase === "awaiting_approval",
    repository,
    branch,
    base,
    file: `approvals/${executionId}.yaml`,
    head,
    digest: plan.digest,
    demands: gate.demands,
    expiresAt,
  };
}
