// Cancelling from outside: the owner of the execution is asked, and the answer is the state that came of it.
import type { ExecutionStore, ExecutionSummary } from "../controller/ports.ts";
import { Problem } from "../domain/problem.ts";

export interface CancelAnswer {
  /** false: it had ended already, nothing was asked. */
  readonly accepted: boolean;
  /** The owner has recorded the request; false: it will, it was not at it within the time. */
  readonly acted: boolean;
  readonly execution: ExecutionSummary;
}

export interface CancelRequest {
  readonly by: string;
  readonly reason: string;
  /** Leave what was done instead of undoing it. */
  readonly keep: boolean;
}

/** A dead owner's lease has ended by then, and the next one is at it. */
const ownerSeconds = 10;
/** An execution that can end at once (nothing was changed) is given the time to. */
const endSeconds = 1;

/** @throws Problem NOT_FOUND */
export async function cancelExecution(
  id: string,
  { by, reason, keep }: CancelRequest,
  executions: Pick<ExecutionStore, "find" | "send" | "events">,
): Promise<CancelAnswer> {
  const { id: executionId } = await found(id, executions);
  if (!(await executions.send(executionId, { type: "cancel", by, reason, keep }))) {
    return { accepted: false, acted: false, execution: await found(executionId, executions) };
  }
  let deadline = performance.now() + ownerSeconds * 1000;
  let acted = false;
  for (;;) {
    const execution = await found(executionId, executions);
    if (execution.phase === "ended") return { accepted: true, acted: true, execution };
    if (!acted && (await isRecorded(executionId, executions))) {
      acted = true;
      deadline = Math.min(deadline, performance.now() + endSeconds * 1000);
    }
    if (performance.now() >= deadline) return { accepted: true, acted, execution };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function found(id: string, executions: Pick<ExecutionStore, "find">): Promise<ExecutionSummary> {
  const execution = await executions.find(id);
  if (execution === null)
    throw new Problem("NOT_FOUND", `no execution ${id}, or more than one begins or ends so`);
  return execution;
}

async function isRecorded(id: string, executions: Pick<ExecutionStore, "events">): Promise<boolean> {
  const events = await executions.events(id);
  return events.some(({ event }) => event.type === "CancelRequested");
}
