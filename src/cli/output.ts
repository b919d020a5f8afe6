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
      context.out(`${escaped(JSON.stringify(data, null, 2), jsonSteering)}\n`);
      break;
    case "yaml":
      context.out(escaped(stringify(data, { aliasDuplicateObjects: false }), yamlSteering));
      break;
    default:
      context.out(text());
  }
}

/** One more item of a list that is not at its end: a line of JSON, or an item of a YAML list. */
export function itemText(output: OutputOptions["output"], data: unknown): string {
  if (output === "yaml") return escaped(stringify([data], { aliasDuplicateObjects: false }), yamlSteering);
  return `${escaped(JSON.stringify(data), jsonSteering)}\n`;
}

const jsonSteering = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
/** What is not printable stands in double quotes there, where this is its escape. */
const yamlSteering = /[\u007f-\u009f]/g;

/** The same data, and nothing in it steers the terminal: JSON.stringify lets these through. */
function escaped(text: string, steering: RegExp): string {
  return text.replaceAll(steering, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export function viewOf(context: CliContext) {
  return { columns: context.columns, colours: context.colours, now: context.now() };
}

/** A command with its example, as `--help` shows it. */
export function withExample(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`).join("\n");
  return command.addHelpText("after", `\nExample:\n${lines}`);
}
