// `gitmend executions acknowledge`: a person has seen that an execution needs one.
import type { Command } from "commander";
import type { ExecutionSummary } from "../../controller/ports.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import { cleanAll, dateText } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { personOf } from "../person.ts";

interface Options extends ServerOptions, OutputOptions {
  readonly reason: string;
  readonly as?: string;
}

interface Answer {
  readonly accepted: boolean;
  readonly execution: ExecutionSummary;
}

export function addAcknowledge(executions: Command, context: CliContext): void {
  withExample(
    executions
      .command("acknowledge <id>")
      .description("say that you have seen it: nobody is told of it any more")
      .option("--reason <text>", "what you make of it; it is kept", "")
      .option("--as <name>", "who says so (default: GITMEND_USER, else your user name)")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: Options) => acknowledge(id, options, context)),
    "gitmend executions acknowledge 7c1e2a4b9d0f",
  );
}

async function acknowledge(id: string, options: Options, context: CliContext): Promise<void> {
  const path = `/api/v1/executions/${executionId(id)}/acknowledge`;
  const client = await connect(options, context);
  const said = { by: personOf(options.as, context), reason: options.reason };
  const answer = await client.post<Answer>(path, said);
  print(context, options, answer, () => answerText(cleanAll(answer), said.by));
  if (!answer.accepted) context.exitWith(1);
}

function answerText({ accepted, execution }: Answer, by: string): string {
  const id = shortId(execution.id);
  if (!accepted) return `${id} needs nobody: ${execution.outcome ?? `${execution.phase} still`}\n`;
  const seen = execution.escalation?.seen ?? null;
  if (seen !== null && seen.by !== by) return `${id} was seen by ${seen.by} already, ${dateText(seen.at)}\n`;
  return `${id} is seen by ${by}\n`;
}
