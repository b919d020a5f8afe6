// `gitmend executions retry|fork`: an ended execution once more, under the same guards as an alert would be.
import type { Command } from "commander";
import type { StartAnswer } from "../../controller/start-by-hand.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import { cleanAll } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { personOf } from "../person.ts";
import { answerText, collect, parameterOf } from "./start.ts";

interface Options extends ServerOptions, OutputOptions {
  readonly from?: string;
  readonly set: readonly string[];
  readonly reason?: string;
  readonly dryRun: boolean;
  readonly as?: string;
}

export function addStartAgain(executions: Command, context: CliContext): void {
  const again = (verb: "retry" | "fork", description: string) =>
    executions
      .command(`${verb} <id>`)
      .description(description)
      .option(
        "--set <name=value>",
        "a parameter in place of the one that it had; may be repeated",
        collect,
        [],
      )
      .option("--reason <text>", "why; it stands in the record")
      .option("--dry-run", "show plan, changes and gate, and start nothing", false)
      .option("--as <name>", "who asks: cannot approve it then (default: GITMEND_USER, else your user name)")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: Options) => startAgain(verb, id, options, context));
  withExample(
    again("retry", "start the template of an ended execution again for its target"),
    'gitmend executions retry 7c1e2a4b9d0f --reason "the quota was raised"',
  );
  withExample(
    again("fork", "the same from one of its steps on; what came before counts as done").requiredOption(
      "--from <step>",
      "the step of its template to begin with",
    ),
    "gitmend executions fork 7c1e2a4b9d0f --from restart-pod --set grace_seconds=5",
  );
}

async function startAgain(
  verb: "retry" | "fork",
  id: string,
  options: Options,
  context: CliContext,
): Promise<void> {
  const old = executionId(id);
  const by = personOf(options.as, context);
  const request = {
    ...(verb === "fork" ? { from: options.from } : {}),
    parameters: Object.fromEntries(options.set.map(parameterOf)),
    by,
    reason: options.reason ?? `${verb} of ${shortId(old)}`,
    dryRun: options.dryRun,
  };
  const client = await connect(options, context);
  const answer = await client.post<StartAnswer>(`/api/v1/executions/${old}/${verb}`, request);
  print(context, options, answer, () => answerText(cleanAll(answer), by, context));
  if (answer.gate.kind === "refused") context.exitWith(1);
}
