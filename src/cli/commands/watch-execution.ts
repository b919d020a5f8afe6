// `gitmend executions watch`: one line for each event as it becomes durable, until the execution ends. A controller that is
// restarted meanwhile is found again, and nothing is shown twice.
import { setTimeout as delay } from "node:timers/promises";
import type { ExecutionSummary } from "../../controller/ports.ts";
import type { Ended, RecordedEvent } from "../../domain/execution/events.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import { toProblem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { type ControllerClient, connect, type ServerOptions } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import type { OutputOptions } from "../output.ts";
import { itemText, viewOf } from "../output.ts";
import { eventLines, eventsBegan } from "../render-events.ts";

type Options = ServerOptions & OutputOptions;

/** Longer than a controller takes to start again or another replica to take over. */
const patienceSeconds = 60;

/** Leaves 1 when it ended badly. */
export async function watchExecution(id: string, options: Options, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const { summary } = await client.get<{ summary: ExecutionSummary }>(
    `/api/v1/executions/${executionId(id)}`,
  );
  const forPeople = options.output === "text";
  let first: RecordedEvent | null = null;
  let end: Ended | null = null;
  for await (const event of allEvents(summary.id, options, context)) {
    if (first === null && forPeople) context.out(eventsBegan(event, viewOf(context)));
    first ??= event;
    context.out(forPeople ? eventLines(event, first, viewOf(context)) : itemText(options.output, event));
    if (event.event.type === "Ended") end = event.event;
  }
  if (end === null) return;
  const well = end.outcome === "succeeded" || end.outcome === "observed";
  if (forPeople) context.out(`gitmend executions show ${shortId(summary.id)}\n`);
  if (!well) context.exitWith(1);
}

async function* allEvents(id: string, options: Options, context: CliContext): AsyncGenerator<RecordedEvent> {
  let last = "0";
  let lostAt: number | null = null;
  for (;;) {
    try {
      const client: ControllerClient = await connect(options, context);
      for await (const message of client.stream(`/api/v1/executions/${id}/stream`, last)) {
        lostAt = null;
        if (message.event === "end") return;
        last = message.id;
        yield JSON.parse(message.data) as RecordedEvent;
      }
    } catch (error) {
      const { code } = toProblem(error);
      if (code !== "CONTROLLER_UNREACHABLE" && code !== "OVERLOADED") throw error;
      if (lostAt !== null && performance.now() - lostAt > patienceSeconds * 1000) throw error;
      if (lostAt === null) context.err("the controller does not answer: waiting for it\n");
      lostAt ??= performance.now();
    }
    await delay(500);
  }
}
