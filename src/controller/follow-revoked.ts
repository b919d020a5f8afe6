// What runs with a template that `catalog.yaml` has revoked meanwhile stops at its next step and takes back what it changed.
import { planInUse } from "../domain/execution/execution.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { canBePaused } from "./follow-pauses.ts";
import type { Session } from "./session.ts";

/** Asked again whenever another revision of the catalog is in use. An undo that has begun goes on as it is. */
export async function followRevoked(
  session: Session,
  { revoked, log }: Pick<EnginePorts, "revoked" | "log">,
): Promise<void> {
  const state = session.state();
  if (!canBePaused(state) || state.plan === null || state.phase === "undoing" || state.cancel !== null)
    return;
  const reason = revoked(planInUse(state, state.plan).template);
  if (reason === null) return;
  await session.record([{ type: "CancelRequested", by: "gitmend", reason, keep: false, revoked: true }]);
  log.warn({ executionId: session.id, reason }, "an execution goes back");
}
