// Tells people of executions that need them, until somebody was reached: those that ended so, and those that wait for an approval.
// Each is a row in the database, so that no crash loses one; the key is the same in every attempt, so that a receiver that knows it
// takes the message once.
import { approvalMessage } from "../domain/audit/approval-message.ts";
import { type EscalationMessage, escalationMessage } from "../domain/audit/escalation-message.ts";
import { liftMessage } from "../domain/audit/lift-message.ts";
import { fold } from "../domain/execution/evolve.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import type {
  Asks,
  DueAsk,
  DueEscalation,
  DueLift,
  DueNextAsk,
  Escalations,
  Lifts,
  NextAsks,
} from "./escalation-ports.ts";
import type { Clusters, ExecutionStore, Log } from "./ports.ts";

export interface TellPorts {
  readonly asks: Asks;
  readonly nextAsks: NextAsks;
  readonly escalations: Escalations;
  readonly lifts: Lifts;
  readonly executions: Pick<ExecutionStore, "events" | "state">;
  readonly clusters: Pick<Clusters, "tools">;
  readonly log: Log;
  /** Whether messages that name no channel have one: without it nobody can be told, and lists show them first. */
  readonly hasChannel: boolean;
  /** All of them: a break-glass is told everywhere. */
  readonly channels: readonly string[];
}

const takeLimit = 20;
const claimSeconds = 60;
/** Below the claim: nobody else sends it meanwhile. */
const sendMilliseconds = 30_000;
const backoffSeconds = { first: 5, most: 600 };
/** Until the forge has the request that people are told of. */
const notYetSeconds = 2;

/** One round: everything that is due, side by side. */
export async function tellPeople(ports: TellPorts): Promise<void> {
  await Promise.all([tellOfLifts(ports), tellOfNeeds(ports)]);
}

async function tellOfLifts(ports: TellPorts): Promise<void> {
  if (ports.channels.length === 0) return;
  const due = await ports.lifts.takeDue(takeLimit, claimSeconds);
  await Promise.all(due.map((one) => trying(one, ports.lifts, ports, () => tellLift(one, ports))));
}

/** Each channel by itself: one that is away keeps no other from hearing it, and hears it later. */
async function tellLift(due: DueLift, ports: TellPorts): Promise<void> {
  const { executionId, told } = due;
  const message = liftMessage(executionId, await ports.executions.state(executionId));
  if (message === null) throw new Problem("INTERNAL", "its events do not say that anything was lifted");
  const left = ports.channels.filter((channel) => !told.includes(channel));
  const results = await Promise.allSettled(
    left.map(async (channel) => {
      await send(executionId, message, "break-glass", ports, channel);
      await ports.lifts.told(due, channel);
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw toProblem(failed.reason);
  await ports.lifts.putOff(due, null, null);
  ports.log.info({ executionId, channels: left }, "everybody was told of a break-glass");
}

async function tellOfNeeds(ports: TellPorts): Promise<void> {
  if (!ports.hasChannel) return;
  const { asks, escalations, nextAsks } = ports;
  const [ended, waiting, next] = await Promise.all([
    escalations.takeDue(takeLimit, claimSeconds),
    asks.takeDue(takeLimit, claimSeconds),
    nextAsks.takeDue(takeLimit, claimSeconds),
  ]);
  await Promise.all([
    ...ended.map((due) => trying(due, escalations, ports, () => tellEnd(due, ports))),
    ...waiting.map((due) => trying(due, asks, ports, () => tellOfRequest(due, ports))),
    ...next.map((due) => trying(due, nextAsks, ports, () => tellNext(due, ports))),
  ]);
}

async function tellEnd(due: DueEscalation, ports: TellPorts): Promise<void> {
  const { executionId } = due;
  const events = await ports.executions.events(executionId);
  const message = escalationMessage(executionId, fold(events), events);
  if (message === null) throw new Problem("INTERNAL", "its events do not say that people are needed");
  const channel = await send(executionId, message, "escalation", ports);
  await ports.escalations.told(due, channel);
  ports.log.info({ executionId, channel }, "people were told that they are needed");
}

async function tellOfRequest(due: DueAsk, ports: TellPorts): Promise<void> {
  const { executionId, told } = due;
  const state = await ports.executions.state(executionId);
  const message = approvalMessage(executionId, state, told);
  if (message === null) return ports.asks.putOff(due, "there is no request to approve yet", notYetSeconds);
  const channel = await send(executionId, message, `approval/${told}`, ports);
  const again = state.gate?.kind === "approval" ? state.gate.remindSeconds : undefined;
  await ports.asks.told(due, again ?? null);
  ports.log.info({ executionId, channel, told: told + 1 }, "people were told that a plan waits for them");
}

/** Once it is decided, nobody has to hear that they might have. */
async function tellNext(due: DueNextAsk, ports: TellPorts): Promise<void> {
  const { executionId, seq } = due;
  const events = await ports.executions.events(executionId);
  const event = events.find((one) => one.seq === seq)?.event;
  if (event?.type !== "ApproversAdded") throw new Problem("INTERNAL", "its events do not say who was added");
  const message = approvalMessage(executionId, fold(events), event.added);
  if (message !== null) {
    const channel = await send(executionId, message, `approval/next/${seq}`, ports);
    const from = event.added.flatMap((one) => one.from);
    ports.log.info({ executionId, channel, from }, "others were told that they may approve");
  }
  await ports.nextAsks.told(due);
}

/** Never rejects. */
async function trying<Due extends DueEscalation>(
  due: Due,
  rows: { putOff(due: Due, problem: string, seconds: number): Promise<void> },
  { log }: TellPorts,
  tell: () => Promise<void>,
): Promise<void> {
  const { executionId, attempts } = due;
  try {
    await tell();
  } catch (error) {
    const problem = toProblem(error);
    const { code, message } = problem;
    const seconds = waitSeconds(attempts, problem);
    const fields = { executionId, code, reason: message };
    if (code === "DATABASE_UNAVAILABLE") return log.error(fields, "an escalation failed");
    log.warn({ ...fields, seconds }, "people could not be told, trying again");
    await rows
      .putOff(due, message, seconds)
      .catch((late: unknown) =>
        log.error({ executionId, reason: toProblem(late).message }, "an escalation failed"),
      );
  }
}

async function send(
  executionId: string,
  message: EscalationMessage,
  about: string,
  { clusters }: TellPorts,
  channel: string | null = null,
): Promise<string> {
  const tools = clusters.tools(AbortSignal.timeout(sendMilliseconds), executionId);
  return (await tools.notify(channel, message, `${executionId}/${about}`)).channel;
}

/** Never sooner than the receiver asks for. */
function waitSeconds(attempts: number, { details }: Problem): number {
  const { first, most } = backoffSeconds;
  const asked = details["retryAfterSeconds"];
  return Math.max(Math.min(first * 2 ** attempts, most), typeof asked === "number" ? asked : 0);
}
