// `gitmend now`: what is going on, on one screen.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { type OutputOptions, outputOption, print, viewOf, withExample } from "../output.ts";
import { type Now, renderNow } from "../render-now.ts";

type Options = ServerOptions & OutputOptions;

export function addNow(program: Command, context: CliContext): void {
  withExample(
    program
      .command("now")
      .description("what needs a person, what waits, runs and fires: the first thing at 3 a.m.")
      .addOption(outputOption())
      .addOption(serverOption())
      .action(async (options: Options) => {
        const client = await connect(options, context);
        const now = await client.get<Now>("/api/v1/now");
        print(context, options, now, () => renderNow(now, viewOf(context)));
      }),
    "gitmend now",
  );
}
