// Shows at once that the approvals of an execution were lifted: the log, a Kubernetes Event on its target, its request on the forge.
// In the background: an emergency waits for no forge. Again by whoever takes the execution over; each shows the same once. Channels
// are told by tell-people.ts, from a row that no crash loses.
import { liftText } from "../domain/gate/break-glass.ts";
import { noteOnLifted } from "../domain/gate/request-note.ts";
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";
import { tellRequest } from "./tell-request.ts";
import { tellBreakGlass } from "./tell-target.ts";

export function tellLift(session: Session, ports: EnginePorts): void {
  const { lift, phase } = session.state();
  if (lift === null || phase === "ended") return;
  const { by, reason, until } = lift;
  ports.log.warn({ executionId: session.id, by, reason, until }, "approvals were lifted: break-glass");
  Promise.all([
    tellBreakGlass(liftText(lift), session, ports),
    tellRequest(noteOnLifted(liftText(lift)), session, ports),
  ]).catch((error: unknown) =>
    ports.log.warn(
      { executionId: session.id, reason: toProblem(error).message },
      "a break-glass is not shown everywhere",
    ),
  );
}
