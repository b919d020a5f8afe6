// Output for people by default, for programs with -o json|yaml: the same data, without decoration.
import { type Command, Option } from "commander";
import { stringify } from "yaml";
import type { CliContext } from "./context.ts";

export interface OutputOptions {
  readonly output?: "text" | "json" | "yaml" | "wide" | "github" | "sarif";
}

export function outputOption(...more: readonly string[]): Option {
  const choices = ["text", "json", "yaml", ...more];
  return new Option("-o, --output <format>", "for people (text) or for programs")
    .choices(choices)
    .default("text");
}

/** @param text made only when people read it */
export function print(context: CliContext, options: OutputOptions, data: unknown, text: () => string): void {
  switch (options.output) {
    case "json":
      context.out(`${JSON.stringify(data, null, 2)}\n`);
      break;
    case "yaml":
      context.out(stringify(data, { aliasDuplicateObjects: false }));
      break;
    default:
      context.out(text());
  }
}

export function viewOf(context: CliContext) {
  return { columns: context.columns, colours: context.colours, now: context.now() };
}

/** A command with its example, as `--help` shows it. */
export function withExample(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`).join("\n");
  return command.addHelpText("after", `\nExample:\n${lines}`);
}
