// `gitmend dead-letters list`: alerts that could not be read, with the reason.
import type { Command } from "commander";
import type { DeadLetter } from "../../controller/ports.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { clean, cut, dateText } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor } from "../paint.ts";

type Options = ServerOptions & OutputOptions & { readonly limit: string };

export function addDeadLetters(program: Command, context: CliContext): void {
  const letters = program.command("dead-letters").description("alerts that could not be read");
  withExample(
    letters
      .command("list")
      .description("newest first, each with its reason and body")
      .option("--limit <count>", "how many", "20")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((options: Options) => list(options, context)),
    "gitmend dead-letters list -o json",
  );
}

async function list(options: Options, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const query = new URLSearchParams({ limit: options.limit });
  const { items } = await client.get<{ items: DeadLetter[] }>(`/api/v1/dead-letters?${query.toString()}`);
  print(context, options, { items }, () => listText(items, context));
}

function listText(items: readonly DeadLetter[], { columns, colours }: CliContext): string {
  if (items.length === 0) return "no dead letters\n";
  const paint = paintFor(colours);
  const lines = items.flatMap(({ receivedAt, source, reason, body }) => [
    `${paint("quiet", dateText(receivedAt))}  ${paint("strong", clean(source))}  ${paint("attention", clean(reason))}`,
    paint("quiet", `  ${cut(clean(body), Math.max(20, columns - 2))}`),
  ]);
  return `${lines.join("\n")}\n`;
}
