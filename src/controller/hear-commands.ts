// What people say to gitmend beside a request for approval. Nothing that is said approves: `hold` stops, and `help` is answered in the
// request's comment.
import type { ExecutionEvent } from "../domain/execution/events.ts";
import type { RequestCommand } from "../domain/gate/judge-request.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";

/** A comment stays where it is, and is heard once: whoever resumes is not held again by it. @throws Problem DATABASE_UNAVAILABLE */
export async function hearCommands(
  commands: readonly RequestCommand[],
  session: Session,
  { pauseStore }: Pick<EnginePorts, "pauseStore">,
): Promise<void> {
  const heard = new Set(session.state().holds);
  const holds = commands.filter(({ command, by, at }) => command === "hold" && !heard.has(`${by} ${at}`));
  const [first] = holds;
  if (first === undefined) return;
  const said = { by: first.by, reason: "held beside the request for approval" };
  await pauseStore.pause({ kind: "execution", execution: session.id }, said, null);
  await session.record(holds.map(({ by, at }): ExecutionEvent => ({ type: "HoldRequested", by, at })));
}
