// Right before an approved plan runs: what people silenced meanwhile, or what its Alertmanager no longer has, is not touched.
// The plan keeps its approval and waits; its expiry is over, and a resolve that is found cancels it as any other.
import { toProblem } from "../domain/problem.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { Session } from "./session.ts";

/** An Alertmanager that is away holds nothing: whoever approved at night is not kept waiting for it. */
export async function isHeld(
  session: Session,
  { alertmanagers, log }: Pick<EnginePorts, "alertmanagers" | "log">,
): Promise<boolean> {
  const { alert, approved, follows } = session.state();
  if (alert === null || !approved || follows !== null) return false;
  try {
    const found = await alertmanagers.look(alert);
    const why = found.state === "held" ? found.why : found.state === "absent" ? gone : null;
    if (why !== null) log.info({ executionId: session.id, reason: why }, "the approved plan is held");
    return why !== null;
  } catch (error) {
    const { code, message } = toProblem(error);
    log.warn({ executionId: session.id, code, reason: message }, "nobody can say whether the alert is held");
    return false;
  }
}

const gone = "its Alertmanager no longer has the alert";
