// Snapshots of long streams, written by the owner beside its work: nobody waits for them, and one that is not written only costs
// whoever takes over the reading of more events.
import type { Execution } from "../domain/execution/execution.ts";
import { toProblem } from "../domain/problem.ts";
import type { ExecutionStore, Log } from "./ports.ts";

const eventsBetween = 200;

/** @returns called with each state whose events are durable */
export function snapshotKeeper(
  id: string,
  { executions, log }: { readonly executions: Pick<ExecutionStore, "saveSnapshot">; readonly log: Log },
): (state: Execution) => void {
  let last = 0;
  return (state) => {
    if (state.version - last < eventsBetween) return;
    last = state.version;
    executions.saveSnapshot(id, state).catch((error: unknown) => {
      log.warn({ executionId: id, reason: toProblem(error).message }, "a snapshot was not written");
    });
  };
}
