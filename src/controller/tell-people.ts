// Tells people of executions that need them, until somebody was reached. Each is a row written with the end itself, so that no crash
// loses one; the key is the same in every attempt, so that a receiver that knows it takes the message once.
import { escalationMessage } from "../domain/audit/escalation-message.ts";
import { fold } from "../domain/execution/evolve.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import type { DueEscalation, Escalations } from "./escalation-ports.ts";
import type { Clusters, ExecutionStore, Log } from "./ports.ts";

export interface TellPorts {
  readonly escalations: Escalations;
  readonly executions: Pick<ExecutionStore, "events">;
  readonly clusters: Pick<Clusters, "tools">;
  readonly log: Log;
  /** Whether messages that name no channel have one: without it nobody can be told, and lists show them first. */
  readonly hasChannel: boolean;
}

const takeLimit = 20;
const claimSeconds = 60;
/** Below the claim: nobody else sends it meanwhile. */
const sendMilliseconds = 30_000;
const backoffSeconds = { first: 5, most: 600 };

/** One round: everything that is due, side by side. */
export async function tellPeople(ports: TellPorts): Promise<void> {
  if (!ports.hasChannel) return;
  const due = await ports.escalations.takeDue(takeLimit, claimSeconds);
  await Promise.all(
    due.map((one) =>
      tell(one, ports).catch((error: unknown) => {
        const { code, message } = toProblem(error);
        ports.log.error({ executionId: one.executionId, code, reason: message }, "an escalation failed");
      }),
    ),
  );
}

async function tell(due: DueEscalation, ports: TellPorts): Promise<void> {
  const { executionId, attempts } = due;
  try {
    const channel = await send(executionId, ports);
    await ports.escalations.told(due, channel);
    ports.log.info({ executionId, channel }, "people were told that they are needed");
  } catch (error) {
    const problem = toProblem(error);
    const { code, message } = problem;
    if (code === "DATABASE_UNAVAILABLE") throw problem;
    const seconds = waitSeconds(attempts, problem);
    ports.log.warn({ executionId, code, reason: message, seconds }, "people could not be told, trying again");
    await ports.escalations.putOff(due, message, seconds);
  }
}

async function send(executionId: string, { executions, clusters }: TellPorts): Promise<string> {
  const events = await executions.events(executionId);
  const message = escalationMessage(executionId, fold(events), events);
  if (message === null) throw new Problem("INTERNAL", "its events do not say that people are needed");
  const tools = clusters.tools(AbortSignal.timeout(sendMilliseconds), executionId);
  return (await tools.notify(null, message, `${executionId}/escalation`)).channel;
}

/** Never sooner than the receiver asks for. */
function waitSeconds(attempts: number, { details }: Problem): number {
  const { first, most } = backoffSeconds;
  const asked = details["retryAfterSeconds"];
  return Math.max(Math.min(first * 2 ** attempts, most), typeof asked === "number" ? asked : 0);
}
