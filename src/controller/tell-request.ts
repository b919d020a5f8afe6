// Shows people how their request for an approval stands. What cannot be shown stops nothing: the record has it all.
import type { RequestNote } from "../domain/gate/request-note.ts";
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import { requestForge } from "./request-forge.ts";
import type { Session } from "./session.ts";

export async function tellRequest(note: RequestNote, session: Session, ports: EnginePorts): Promise<void> {
  const { faults, log } = ports;
  const { approval } = session.state();
  if (approval === null) return;
  const show = () => requestForge(session, ports).tell(approval, note);
  await session.inTurn(show).catch((error: unknown) => {
    const { code, message } = toProblem(error);
    log.warn({ executionId: session.id, code, reason: message }, "the request does not show how it stands");
  });
  await faults.at("approval-after-tell");
}
