// `gitmend dead-letters list|show|replay|drop`: alerts that could not be read, with the reason.
import type { Command } from "commander";
import type { DeadLetter } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { clean, cleanAll, cut, dateText } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor } from "../paint.ts";

type Options = ServerOptions & OutputOptions;

interface ListOptions extends Options {
  readonly limit: string;
  readonly before?: string;
}

export function addDeadLetters(program: Command, context: CliContext): void {
  const letters = program.command("dead-letters").description("alerts that could not be read");
  withExample(
    letters
      .command("list")
      .description("newest first, each with its reason and the beginning of its body")
      .option("--limit <count>", "how many", "20")
      .option("--before <id>", "older than this one")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((options: ListOptions) => list(options, context)),
    "gitmend dead-letters list -o json",
  );
  const one = (name: string, about: string, act: (id: string, options: Options) => Promise<void>) =>
    withExample(
      letters
        .command(`${name} <id>`)
        .description(about)
        .addOption(outputOption())
        .addOption(serverOption())
        .action((id: string, options: Options) => act(id, options)),
      `gitmend dead-letters ${name} 17`,
    );
  one("show", "one of them with its whole body", (id, options) => show(id, options, context));
  one("replay", "read it once more, as if it had just been delivered", (id, options) =>
    replay(id, options, context),
  );
  one("drop", "throw it away", (id, options) => drop(id, options, context));
}

async function list(options: ListOptions, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const query = new URLSearchParams({ limit: options.limit });
  if (options.before !== undefined) query.set("before", options.before);
  const page = await client.get<{ items: DeadLetter[] }>(`/api/v1/dead-letters?${query.toString()}`);
  print(context, options, page, () => listText(page.items, context));
}

function listText(items: readonly DeadLetter[], { columns, colours }: CliContext): string {
  if (items.length === 0) return "no dead letters\n";
  const paint = paintFor(colours);
  const lines = items.flatMap(({ id, receivedAt, source, reason, body }) => [
    `${paint("strong", clean(id))}  ${paint("quiet", dateText(receivedAt))}  ${clean(source)}  ${paint("attention", clean(reason))}`,
    paint("quiet", `  ${cut(clean(body), Math.max(20, columns - 2))}`),
  ]);
  return `${lines.join("\n")}\n`;
}

async function show(id: string, options: Options, context: CliContext): Promise<void> {
  const path = pathOf(id);
  const client = await connect(options, context);
  const letter = await client.get<DeadLetter>(path);
  const paint = paintFor(context.colours);
  print(context, options, letter, () => {
    const about = `${dateText(letter.receivedAt)}  ${clean(letter.source)}  ${clean(letter.reason)}`;
    return `${paint("attention", about)}\n${bodyText(letter.body)}\n`;
  });
}

/** JSON on many lines; whatever else it is on one. */
function bodyText(body: string): string {
  try {
    return JSON.stringify(cleanAll(JSON.parse(body)), null, 2);
  } catch {
    return clean(body);
  }
}

async function replay(id: string, options: Options, context: CliContext): Promise<void> {
  const path = pathOf(id);
  const client = await connect(options, context);
  const answer = await client.post<object>(`${path}/replay`, {});
  print(context, options, answer, () => `dead letter ${id} was read: it is an alert like any other now\n`);
}

async function drop(id: string, options: Options, context: CliContext): Promise<void> {
  const path = pathOf(id);
  const client = await connect(options, context);
  const answer = await client.delete<object>(path);
  print(context, options, answer, () => `dead letter ${id} was thrown away\n`);
}

function pathOf(id: string): string {
  if (/^[0-9]{1,18}$/.test(id)) return `/api/v1/dead-letters/${id}`;
  throw new Problem(
    "USAGE",
    `"${clean(id)}" is no id of a dead letter: \`gitmend dead-letters list\` has them`,
  );
}
