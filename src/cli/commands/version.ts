// `gitmend version`.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { ownVersion } from "../own-version.ts";

export function addVersion(program: Command, context: CliContext): void {
  withExample(
    program
      .command("version")
      .description("the version of gitmend and of Node")
      .addOption(outputOption())
      .action(async (options: OutputOptions) => {
        const data = { gitmend: await ownVersion(), node: process.version.slice(1) };
        print(context, options, data, () => `gitmend ${data.gitmend} (Node ${data.node})\n`);
      }),
    "gitmend version -o json",
  );
}
