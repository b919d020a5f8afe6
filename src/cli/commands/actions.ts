// `gitmend actions list|show`: the catalogue of what templates may do.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { runJob } from "../../actions/engines/run-job.ts";
import { actions } from "../../actions/registry.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionDescription } from "../../domain/templates/action-description.ts";
import { describeCustom } from "../../domain/templates/custom-action.ts";
import { compileFolder } from "../catalog-folder.ts";
import type { CliContext } from "../context.ts";
import { alignColumns, cut, wrap } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { type Paint, paintFor } from "../paint.ts";

interface Options extends OutputOptions {
  readonly path?: string;
}

export function addActions(program: Command, context: CliContext): void {
  const command = program.command("actions").description("what templates may do");
  const pathOption = "a folder with actions/ of your own (default: this one)";
  withExample(
    command
      .command("list")
      .description("all actions, your own included")
      .option("--path <folder>", pathOption)
      .addOption(outputOption())
      .action((options: Options) => list(options, context)),
    "gitmend actions list",
  );
  withExample(
    command
      .command("show <action>")
      .description("parameters, risk, permissions and way back of one action")
      .option("--path <folder>", pathOption)
      .addOption(outputOption())
      .action((name: string, options: Options) => show(name, options, context)),
    "gitmend actions show scale_deployment",
  );
}

/** The built-in ones, then those of the folder's `actions/`. */
async function known(
  { path }: Options,
  { workingFolder }: CliContext,
): Promise<readonly ActionDescription[]> {
  const folder = path === undefined ? workingFolder : resolve(workingFolder, path);
  if (path === undefined && !existsSync(join(folder, "actions"))) return actions;
  const { actions: own } = await compileFolder(folder);
  return [...actions, ...[...own.values()].flatMap((custom) => describeCustom(custom, runJob).slice(0, 1))];
}

async function list(options: Options, context: CliContext): Promise<void> {
  const all = await known(options, context);
  print(context, options, all.map(describe), () => listText(all, context));
}

/** What is data of an action; its functions are not for people. */
function describe(action: ActionDescription) {
  const {
    name,
    aliases,
    type,
    summary,
    risk,
    changes,
    idempotent,
    input,
    output,
    rbac,
    undo,
    timeoutSeconds,
  } = action;
  return {
    name,
    aliases,
    type,
    summary,
    risk,
    changes,
    idempotent,
    input,
    output,
    rbac,
    undo,
    timeoutSeconds,
  };
}

function listText(all: readonly ActionDescription[], { columns, colours }: CliContext): string {
  const paint = paintFor(colours);
  const rows = all.map(({ name, type, risk, summary }) => [name, type, risk, summary]);
  const [header = [], ...others] = alignColumns([["NAME", "TYPE", "RISK", "DOES"], ...rows]);
  const lines = others.map((row) => cut(row.join(""), columns));
  return `${[paint("strong", header.join("")), ...lines].join("\n")}\n`;
}

async function show(name: string, options: Options, context: CliContext): Promise<void> {
  const all = await known(options, context);
  const action = all.find((one) => one.name === name || one.aliases.includes(name));
  if (action === undefined) {
    throw new Problem("NOT_FOUND", `there is no action ${name}: \`gitmend actions list\` shows all`);
  }
  print(context, options, describe(action), () => showText(action, context));
}

function showText(action: ActionDescription, { columns, colours }: CliContext): string {
  const paint = paintFor(colours);
  const aliases = action.aliases.length === 0 ? "" : `, also ${action.aliases.join(", ")}`;
  const lines = [
    `${paint("strong", action.name)}  ${action.type}, ${action.risk} risk${aliases}`,
    ...wrap(action.summary, columns - 2).map((line) => `  ${line}`),
    "",
    paint("strong", "PARAMETERS"),
    ...parameters(action.input, columns, paint),
    "",
    `${paint("strong", "CHANGES")}      ${action.changes ? "yes" : "nothing"}`,
    `${paint("strong", "WAY BACK")}     ${undoText(action.undo)}`,
    `${paint("strong", "PERMISSIONS")}  ${action.rbac.length === 0 ? "none" : ""}`,
    ...action.rbac.map(
      ({ apiGroup, resource, verbs }) =>
        `  ${resource}${apiGroup === "" ? "" : `.${apiGroup}`}: ${verbs.join(", ")}`,
    ),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function parameters(schema: JsonObject, columns: number, paint: Paint): readonly string[] {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return Object.entries(properties).flatMap(([name, property]) => {
    const { type, description, default: fallback } = isObject(property) ? property : {};
    const kind = Array.isArray(type) ? type.join(" or ") : typeof type === "string" ? type : "";
    const given = fallback === undefined ? "" : `default ${JSON.stringify(fallback)}`;
    const about = [kind, required.includes(name) ? "required" : given]
      .filter((part) => part !== "")
      .join(", ");
    const text = typeof description === "string" ? wrap(description, columns - 6) : [];
    return [`  ${paint("strong", name)}  ${paint("quiet", about)}`, ...text.map((line) => `      ${line}`)];
  });
}

function undoText(undo: ActionDescription["undo"]): string {
  switch (undo.how) {
    case "restore":
      return "the old values are written back";
    case "action":
      return `the action ${undo.action}`;
    case "stop":
      return `it is stopped while it runs; ${undo.why}`;
    default:
      return `none: ${undo.why}`;
  }
}
