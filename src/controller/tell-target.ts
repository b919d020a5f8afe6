// Kubernetes Events on the target, so that `kubectl describe` tells the story. Best effort: named from the execution,
// so a repeated one is the same one; a cluster that refuses them stops nothing.
import { endEvent, startEvent, type TargetEvent } from "../actions/target-events.ts";
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";

const timeoutMilliseconds = 5000;

export async function tellStart(session: Session, ports: EnginePorts): Promise<void> {
  await tell(startEvent(session.id, session.state()), session, ports);
}

export async function tellEnd(session: Session, ports: EnginePorts): Promise<void> {
  if (session.state().claimed) await tell(endEvent(session.id, session.state()), session, ports);
}

async function tell(event: TargetEvent, session: Session, { clusters, log }: EnginePorts): Promise<void> {
  const target = session.state().plan?.target ?? null;
  if (target === null || session.state().mode === "observe") return;
  try {
    await clusters.tools(AbortSignal.timeout(timeoutMilliseconds), session.id).cluster(target.cluster).event(target, event);
  } catch (error) {
    log.warn({ executionId: session.id, reason: toProblem(error).message }, "no Kubernetes Event could be written");
  }
}
