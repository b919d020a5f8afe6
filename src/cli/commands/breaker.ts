// `gitmend breaker list|reset`: remedies that are stopped because they did not help, and their reset by a person.
import type { Command } from "commander";
import { shortId } from "../../domain/gate/approval-file.ts";
import { type Breaker, breakerText } from "../../domain/gate/breaker.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { clean, cleanAll, dateText, wrap } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor } from "../paint.ts";
import { personOf } from "../person.ts";

interface Options extends ServerOptions, OutputOptions {
  readonly all?: boolean;
  readonly reason?: string;
  readonly as?: string;
}

export function addBreaker(program: Command, context: CliContext): void {
  const breakers = program
    .command("breaker")
    .description("remedies that are stopped because they did not help");
  withExample(
    breakers
      .command("list")
      .description("what is stopped, why, and since when")
      .option("--all", "those that were reset too")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((options: Options) => list(options, context)),
    "gitmend breaker list",
  );
  withExample(
    breakers
      .command("reset <id>")
      .description("let it start again; setbacks count from now on")
      .option("--reason <text>", "why; it is kept")
      .option("--as <name>", "who asks (default: GITMEND_USER, else your user name)")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: Options) => reset(id, options, context)),
    'gitmend breaker reset 3 --reason "the image is fixed"',
  );
}

async function list(options: Options, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const query = options.all === true ? "?all=true" : "";
  const page = await client.get<{ items: Breaker[] }>(`/api/v1/breakers${query}`);
  print(context, options, page, () => listText(cleanAll(page.items), context));
}

function listText(items: readonly Breaker[], { columns, colours }: CliContext): string {
  if (items.length === 0) return "no breaker is open: nothing is stopped\n";
  const paint = paintFor(colours);
  const lines = items.flatMap((breaker) => {
    const { reset: ended, trippedAt, lastExecution, id } = breaker;
    const [first = "", ...rest] = wrap(breakerText(breaker), Math.max(30, columns - 2));
    return [
      paint(ended === null ? "attention" : "quiet", first),
      ...rest.map((line) => `  ${line}`),
      paint(
        "quiet",
        `  since ${dateText(trippedAt)}; last: gitmend executions show ${shortId(lastExecution)}`,
      ),
      paint(
        "quiet",
        ended === null
          ? `  when that is mended: gitmend breaker reset ${id} --reason "…"`
          : `  reset ${dateText(ended.at)} by ${ended.by}: ${ended.reason}`,
      ),
    ];
  });
  return `${lines.join("\n")}\n`;
}

async function reset(id: string, options: Options, context: CliContext): Promise<void> {
  if (!/^[0-9]{1,18}$/.test(id))
    throw new Problem("USAGE", `"${clean(id)}" is no id of a breaker: \`gitmend breaker list\` has them`);
  const client = await connect(options, context);
  const { reason = "no reason was given", as } = options;
  const said = { by: personOf(as, context), reason };
  const breaker = await client.post<Breaker>(`/api/v1/breakers/${id}/reset`, said);
  print(context, options, breaker, () => `breaker ${id} is reset: what it stopped is decided again now\n`);
}
