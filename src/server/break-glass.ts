// Lifting the approvals of one execution from outside. Who it is, is proven by a signature and by nothing that a caller says; the
// owner of the execution, on whatever replica, judges the statement once more against its state and records it.
import type { ExecutionStore, ExecutionSummary, Log } from "../controller/ports.ts";
import type { Execution } from "../domain/execution/execution.ts";
import { whyNoLift, whyNotLifted } from "../domain/execution/why-not-lifted.ts";
import { objectText } from "../domain/facts/objects.ts";
import { stepText } from "../domain/gate/approval-file.ts";
import { type LiftStatement, longestLiftSeconds, statementText } from "../domain/gate/break-glass.ts";
import { firstDemandsText } from "../domain/gate/judge-approval.ts";
import { demandsNow } from "../domain/gate/next-approvers.ts";
import { plusSeconds } from "../domain/instant.ts";
import { changeLines } from "../domain/planning/change-text.ts";
import { Problem } from "../domain/problem.ts";

export interface BreakGlassPorts {
  readonly executions: Pick<ExecutionStore, "find" | "send" | "state">;
  readonly log: Log;
  readonly emergency: Emergency;
}

export interface Emergency {
  /** ISO 8601, by the database's clock. */
  now(): string;
  /** Why this is not the signature of one of the emergency people; null: it is. */
  whyNotSigned(by: string, text: string, signature: string): Promise<string | null>;
}

export interface SignedLift {
  readonly statement: LiftStatement;
  /** Armored. */
  readonly signature: string;
}

export interface LiftAnswer {
  /** The owner has recorded it; false: it will, it was not at it within the time. */
  readonly lifted: boolean;
  readonly execution: ExecutionSummary;
}

/** A dead owner's lease has ended by then, and the next one is at it; so has a request to a forge that hangs, mostly. */
const ownerSeconds = 15;

/** What a person has to see before signing, and what they sign; `refused`: why there is nothing to lift. @throws Problem NOT_FOUND */
export function liftView(executionId: string, state: Execution, now: string) {
  const { plan, gate, added, previews, alert } = state;
  if (plan === null) throw new Problem("NOT_FOUND", `execution ${executionId} has no plan`);
  const changes = previews.flatMap((preview) => changeLines(preview.changes, 20));
  return {
    execution: executionId,
    refused: whyNoLift(state, now),
    digest: plan.digest,
    at: now,
    until: plusSeconds(now, longestLiftSeconds),
    template: plan.template.name,
    risk: plan.risk,
    alert: alert?.name ?? "",
    target: plan.target === null ? "" : objectText(plan.target),
    missing: gate?.kind === "approval" ? firstDemandsText(demandsNow(gate.demands, added)) : "",
    reasons: (gate?.reasons ?? []).map(({ rule, reason }) => `${rule}: ${reason}`),
    steps: plan.steps.map((step) => stepText(step, previews)),
    changes,
    fallback: plan.fallback?.template.name ?? null,
  };
}

/** @throws Problem NOT_FOUND, APPROVAL_INVALID: why it lifts nothing */
export async function liftApprovals(
  id: string,
  { statement, signature }: SignedLift,
  ports: BreakGlassPorts,
): Promise<LiftAnswer> {
  const { executions, emergency, log } = ports;
  const why =
    statement.execution === id
      ? ((await emergency.whyNotSigned(statement.by, statementText(statement), signature)) ??
        whyNotLifted(await executions.state(id), statement, emergency.now()))
      : "it was signed for another execution";
  if (why !== null) {
    log.warn({ executionId: id, by: statement.by, reason: why }, "a break-glass was refused");
    throw refused(why);
  }
  // From here on no crash loses it: the command stands until the owner has answered it.
  await executions.send(id, { type: "break-glass", ...statement, signature });
  return await answered(id, { statement, signature }, ports);
}

async function answered(
  id: string,
  { statement, signature }: SignedLift,
  { executions, emergency }: BreakGlassPorts,
): Promise<LiftAnswer> {
  const deadline = performance.now() + ownerSeconds * 1000;
  for (;;) {
    const state = await executions.state(id);
    const lifted = state.lift?.signature === signature;
    const why = lifted ? null : whyNotLifted(state, statement, emergency.now());
    if (why !== null) throw refused(why);
    const execution = lifted || performance.now() >= deadline ? await executions.find(id) : null;
    if (execution !== null) return { lifted, execution };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function refused(why: string): Problem {
  return new Problem("APPROVAL_INVALID", `no break-glass here: ${why}`);
}
