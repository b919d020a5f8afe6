// `gitmend validate`: everything that is wrong with templates, policies and gitmend.yaml, at once, with positions.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { actions } from "../../actions/registry.ts";
import { readConfig } from "../../config/read-config.ts";
import { type Finding, hasErrors } from "../../domain/finding.ts";
import { compileCatalog } from "../../domain/policies/compile-catalog.ts";
import { nothingThere, readCatalogFolder } from "../catalog-folder.ts";
import type { CliContext } from "../context.ts";
import { clean } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor } from "../paint.ts";

const configName = "gitmend.yaml";

export function addValidate(program: Command, context: CliContext): void {
  withExample(
    program
      .command("validate [path]")
      .description("all findings of templates, policies and gitmend.yaml; exit code 2 when one is an error")
      .addOption(outputOption("github"))
      .action((path: string | undefined, options: OutputOptions) => validate(path ?? ".", options, context)),
    "gitmend validate .",
    "gitmend validate config-repository -o github",
  );
}

async function validate(path: string, options: OutputOptions, context: CliContext): Promise<void> {
  const folder = resolve(context.workingFolder, path);
  const files = await readCatalogFolder(folder);
  const config = await readFile(join(folder, configName), "utf8").catch(() => null);
  if (files.length === 0 && config === null) throw nothingThere(folder);
  const found = [
    ...(config === null ? [] : readConfig(config, configName, context.environment).findings),
    ...compileCatalog(files, "files", actions).findings,
  ];
  const findings = found
    .map((finding) => ({ ...finding, file: join(path, finding.file) }))
    .toSorted(byPosition);
  const count = files.length + (config === null ? 0 : 1);
  if (options.output === "github") context.out(findings.map(githubLine).join(""));
  else print(context, options, { files: count, findings }, () => listText(findings, count, context));
  if (hasErrors(findings)) context.exitWith(2);
}

function byPosition(left: Finding, right: Finding): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line || left.column - right.column;
}

function listText(findings: readonly Finding[], files: number, { colours }: CliContext): string {
  const paint = paintFor(colours);
  const lines = findings.map(({ file, line, column, severity, code, message }) => {
    const tone = severity === "error" ? "bad" : "attention";
    return `${paint("strong", clean(`${file}:${line}:${column}`))} ${paint(tone, severity)} ${code} ${clean(message)}`;
  });
  return `${[...lines, summary(findings, files)].join("\n")}\n`;
}

function summary(findings: readonly Finding[], files: number): string {
  const where = `in ${counted(files, "file")}`;
  if (findings.length === 0) return `no findings ${where}`;
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return `${counted(errors, "error")}, ${counted(findings.length - errors, "warning")} ${where}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A workflow command of GitHub Actions: shown beside the line in the pull request. */
function githubLine({ file, line, column, severity, code, message }: Finding): string {
  const property = (text: string) => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
  return `::${severity} file=${property(file)},line=${line},col=${column},title=${property(code)}::${data(message)}\n`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
