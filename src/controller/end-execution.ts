// The end of an execution. What others see of it (the Kubernetes Event, the closed request for approval) is done before the
// end is durable: whoever takes over after a crash in between comes to the same end and does it again; each is idempotent.
import type { Ended, ExecutionEvent } from "../domain/execution/events.ts";
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";
import { tellEnd } from "./tell-target.ts";

/** @param events the last of them is `Ended` */
export async function endExecution(
  events: readonly [...ExecutionEvent[], Ended],
  session: Session,
  ports: EnginePorts,
): Promise<void> {
  const end = events.at(-1) as Ended;
  await tellEnd(end, session, ports);
  await closeApproval(end, session, ports);
  await ports.faults.at("ended-before-append");
  await session.record(events);
  await ports.faults.at("ended-after-append");
  ports.log.info({ executionId: session.id, outcome: end.outcome }, "execution ended");
}

export function isEnd(events: readonly ExecutionEvent[]): events is readonly [...ExecutionEvent[], Ended] {
  return events.at(-1)?.type === "Ended";
}

/** Closed by gitmend: no rejection. A merged request stays as it is. */
async function closeApproval(
  { outcome }: Ended,
  session: Session,
  { forge, log }: EnginePorts,
): Promise<void> {
  const { approval, approved, cancel } = session.state();
  if (approval === null || approved || outcome === "rejected") return;
  const stopped = cancel === null ? "resolved" : "cancelled";
  const own = ["expired", "outdated", "refused", "superseded"] as const;
  const reason = own.find((label) => label === outcome) ?? stopped;
  await forge.close(approval.branch, reason).catch((error: unknown) => {
    log.warn(
      { executionId: session.id, reason: toProblem(error).message },
      "the approval's branch could not be closed",
    );
  });
}
