// Kubernetes Events on the target, so that `kubectl describe` tells the story. Best effort: named from the execution,
// so a repeated one is the same one; a cluster that refuses them stops nothing.

import { type TargetEventReason, targetEvent } from "../actions/target-events.ts";
import type { Ended, Outcome } from "../domain/execution/events.ts";
import { changesSomething } from "../domain/planning/plan.ts";
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";
import { stepTools } from "./step-tools.ts";

const timeoutMilliseconds = 5000;

export async function tellStart(session: Session, ports: EnginePorts): Promise<void> {
  await tell("RemediationStarted", "", session, ports);
}

export async function tellBreakGlass(detail: string, session: Session, ports: EnginePorts): Promise<void> {
  await tell("RemediationBreakGlass", detail, session, ports);
}

export async function tellEnd(
  { outcome, reason }: Ended,
  session: Session,
  ports: EnginePorts,
): Promise<void> {
  if (session.state().claimed) await tell(reasonOf(outcome), reason, session, ports);
}

function reasonOf(outcome: Outcome): TargetEventReason {
  if (outcome === "succeeded") return "RemediationSucceeded";
  return outcome === "rolled_back" || outcome === "cancelled" ? "RemediationRolledBack" : "RemediationFailed";
}

async function tell(
  reason: TargetEventReason,
  detail: string,
  session: Session,
  { clusters, log }: EnginePorts,
): Promise<void> {
  const { plan, mode, alert } = session.state();
  const target = plan?.target ?? null;
  // A plan that changes nothing leaves no mark on its target either.
  if (plan === null || target === null || mode === "observe" || !changesSomething(plan)) return;
  const facts = {
    executionId: session.id,
    template: plan.template.name,
    alertName: alert?.name ?? "",
    detail,
  };
  try {
    const tools = stepTools(plan, clusters, AbortSignal.timeout(timeoutMilliseconds), session.id);
    await tools.cluster(target.cluster).event(target, targetEvent(reason, facts));
  } catch (error) {
    log.warn(
      { executionId: session.id, reason: toProblem(error).message },
      "no Kubernetes Event could be written",
    );
  }
}
