// The end of an execution. What others see of it (the Kubernetes Event, the closed request for approval) is done before the
// end is durable: whoever takes over after a crash in between comes to the same end and does it again; each is idempotent.
import type { Ended, ExecutionEvent } from "../domain/execution/events.ts";
import { approvalBranch } from "../domain/gate/approval-file.ts";
import { liftText } from "../domain/gate/break-glass.ts";
import { noteOnEnd, noteOnLifted } from "../domain/gate/request-note.ts";
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { lookAtChanged } from "./look-at-changed.ts";
import { requestForge } from "./request-forge.ts";
import type { Session } from "./session.ts";
import { tellRequest } from "./tell-request.ts";
import { tellEnd } from "./tell-target.ts";

/** @param events the last of them is `Ended` */
export async function endExecution(
  events: readonly [...ExecutionEvent[], Ended],
  session: Session,
  ports: EnginePorts,
): Promise<void> {
  const end = await withFound(events.at(-1) as Ended, session, ports);
  await tellEnd(end, session, ports);
  await closeApproval(end, session, ports);
  await ports.faults.at("ended-before-append");
  await session.record([...events.slice(0, -1), end]);
  await ports.faults.at("ended-after-append");
  ports.log.info({ executionId: session.id, outcome: end.outcome }, "execution ended");
}

/** People go on from how things are: the state of what was changed is part of the end that calls them. */
async function withFound(end: Ended, session: Session, ports: EnginePorts): Promise<Ended> {
  const found = end.escalated ? await lookAtChanged(session, ports) : [];
  return found.length === 0 ? end : { ...end, found };
}

export function isEnd(events: readonly ExecutionEvent[]): events is readonly [...ExecutionEvent[], Ended] {
  return events.at(-1)?.type === "Ended";
}

/**
 * Closed by gitmend: no rejection. A merged request stays as it is; whoever has closed it themselves knows why. One that was opened
 * directly before a crash, or before an edit was asked about, is not written down and may be there all the same.
 */
async function closeApproval(
  { outcome, reason: why }: Ended,
  session: Session,
  ports: EnginePorts,
): Promise<void> {
  const { log } = ports;
  const { approved, cancel, gate, lift, mode } = session.state();
  const branch = requestBranch(session);
  if (gate?.kind !== "approval" || mode !== "live" || branch === null) return;
  if ((approved && lift === null) || outcome === "rejected") return;
  // What a break-glass has done is told by the record: "Nothing was changed" would be wrong here.
  const note = lift === null ? noteOnEnd(outcome, why) : noteOnLifted(liftText(lift));
  await tellRequest(note, session, ports);
  const stopped = cancel === null ? "resolved" : "cancelled";
  const own = ["expired", "outdated", "refused", "superseded"] as const;
  const reason = own.find((label) => label === outcome) ?? stopped;
  await requestForge(session, ports)
    .close(branch, reason)
    .catch((error: unknown) => {
      log.warn(
        { executionId: session.id, reason: toProblem(error).message },
        "the approval's branch could not be closed",
      );
    });
}

/** null: the branch is that of a step that may have proposed it by itself, after a break-glass. */
function requestBranch(session: Session): string | null {
  const { approval, lift, repair } = session.state();
  if (approval !== null) return approval.branch;
  if (repair === null) return approvalBranch(session.id);
  return lift === null ? repair.effect.branch : null;
}
