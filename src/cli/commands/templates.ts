// `gitmend templates list|show`: the templates of a folder, or those that come with gitmend.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { durationText } from "../../domain/duration.ts";
import { type Catalog, isRevoked } from "../../domain/policies/catalog.ts";
import { Problem } from "../../domain/problem.ts";
import type { AdaptBounds, Template, TemplateStep } from "../../domain/templates/template.ts";
import { compileFolder } from "../catalog-folder.ts";
import type { CliContext } from "../context.ts";
import { alignColumns, clean, cut, wrap } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor } from "../paint.ts";

interface Options extends OutputOptions {
  readonly path?: string;
}

const shipped = fileURLToPath(new URL("../../../", import.meta.url));

export function addTemplates(program: Command, context: CliContext): void {
  const command = program.command("templates").description("the workflows that policies choose from");
  const pathOption = "a folder with templates/ (default: this one, else what comes with gitmend)";
  withExample(
    command
      .command("list")
      .description("all templates")
      .option("--path <folder>", pathOption)
      .addOption(outputOption())
      .action((options: Options) => list(options, context)),
    "gitmend templates list",
  );
  withExample(
    command
      .command("show <template>")
      .description("steps, parameters and risk of one template")
      .option("--path <folder>", pathOption)
      .addOption(outputOption())
      .action((name: string, options: Options) => show(name, options, context)),
    "gitmend templates show pod-crash-recovery",
  );
}

async function read({ path }: Options, { workingFolder }: CliContext): Promise<Catalog> {
  const here = existsSync(join(workingFolder, "templates")) ? workingFolder : shipped;
  return compileFolder(path === undefined ? here : resolve(workingFolder, path));
}

async function list(options: Options, context: CliContext): Promise<void> {
  const catalog = await read(options, context);
  const templates = [...catalog.templates.values()]
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map((template): Listed => ({ ...template, revoked: isRevoked(template, catalog) }));
  print(context, options, templates, () => listText(templates, context));
}

type Listed = Template & { readonly revoked: boolean };

function listText(templates: readonly Listed[], { columns, colours }: CliContext): string {
  const paint = paintFor(colours);
  const rows = templates.map(({ name, version, risk, steps, description, revoked }) => {
    const does = revoked ? `REVOKED, never used. ${description}` : description;
    return [name, version ?? "-", risk, String(steps.length), does].map(clean);
  });
  const [header = [], ...others] = alignColumns([["NAME", "VERSION", "RISK", "STEPS", "DOES"], ...rows]);
  const lines = others.map((row) => cut(row.join(""), columns).trimEnd());
  return `${[paint("strong", header.join("")), ...lines].join("\n")}\n`;
}

async function show(name: string, options: Options, context: CliContext): Promise<void> {
  const catalog = await read(options, context);
  const template = catalog.templates.get(name);
  if (template === undefined) {
    throw new Problem("NOT_FOUND", `there is no template ${name}: \`gitmend templates list\` shows all`);
  }
  const listed: Listed = { ...template, revoked: isRevoked(template, catalog) };
  print(context, options, listed, () => showText(listed, context));
}

type Paint = ReturnType<typeof paintFor>;

function showText(template: Listed, { columns, colours }: CliContext): string {
  const paint = paintFor(colours);
  const { name, version, description, parameters, alertTypes, steps } = template;
  const inputs = Object.entries(parameters).map(
    ([key, schema]) => `  ${clean(key)}  ${clean(JSON.stringify(schema))}`,
  );
  const last = template.finally;
  const lines = [
    `${paint("strong", clean(name))}${version === null ? "" : ` ${clean(version)}`}  ${paint("quiet", aboutText(template))}`,
    ...(description === "" ? [] : wrap(clean(description), columns - 2).map((line) => `  ${line}`)),
    ...(alertTypes.length === 0 ? [] : [paint("quiet", `  for ${alertTypes.map(clean).join(", ")}`)]),
    ...(inputs.length === 0 ? [] : ["", paint("strong", "PARAMETERS"), ...inputs]),
    "",
    paint("strong", "STEPS"),
    ...wholeLines("before the first step", "needs", template.validation.preconditions, columns, paint),
    ...steps.flatMap((step) => paintDetails(stepLines(step, [failureText(step)], columns), paint)),
    ...wholeLines("after the last step", "proves", template.validation.success, columns, paint),
    ...(last.length === 0 ? [] : ["", paint("strong", "FINALLY, however it ends")]),
    ...last.flatMap((step) => paintDetails(stepLines(step, [], columns), paint)),
    ...(template.whenResolved.length === 0 ? [] : ["", paint("strong", "WHEN THE INCIDENT IS OVER")]),
    ...template.whenResolved.flatMap((step) =>
      paintDetails(stepLines(step, [`within ${durationText(step.keepSeconds)}`], columns), paint),
    ),
    "",
    ...endLines(template, columns, paint),
  ];
  return `${lines.join("\n")}\n`;
}

function aboutText({ risk, timeoutSeconds, cooldownSeconds, manual, revoked }: Listed): string {
  const about = `${risk} risk, at most ${durationText(timeoutSeconds)}, cool-down ${durationText(cooldownSeconds)}`;
  if (revoked) return `REVOKED in catalog.yaml: never used; ${about}`;
  return manual ? `${about}, may be started by hand` : about;
}

/** What comes when the steps are done, or have failed. */
function endLines(
  { fallback, stopWhenHealthy, effectiveness: { delaySeconds, checks } }: Template,
  columns: number,
  paint: Paint,
): readonly string[] {
  const tried =
    fallback === null ? [] : [`  ${clean(fallback)} is tried once if this has failed and was undone`];
  const unneeded =
    stopWhenHealthy === true ? ["  nothing is changed if the target is healthy before the first change"] : [];
  const answers = checks.map(({ promql, expect }) => `${expect}, where value is ${promql}`);
  return [
    paint("strong", "AFTERWARDS"),
    ...unneeded,
    ...tried,
    `  judged ${durationText(delaySeconds)} after its end: the alert is silent and the target healthy`,
    ...paintDetails(["", ...indented(answers, columns)], paint).slice(1),
  ];
}

function wholeLines(
  when: string,
  verb: string,
  conditions: readonly string[],
  columns: number,
  paint: Paint,
): readonly string[] {
  const details = conditions.map((condition) => `${verb} ${condition}`);
  return details.length === 0 ? [] : paintDetails([`  ${when}`, ...indented(details, columns)], paint);
}

function paintDetails([first = "", ...details]: readonly string[], paint: Paint): readonly string[] {
  return [first, ...details.map((line) => paint("quiet", line))];
}

function indented(texts: readonly string[], columns: number): readonly string[] {
  return texts.flatMap((text) => wrap(clean(text), columns - 6).map((line) => `      ${line}`));
}

function failureText({ onFailure, approvalRequired }: TemplateStep): string {
  return `on failure ${onFailure}${approvalRequired ? ", asks for an approval" : ""}`;
}

function boundsText([parameter, { minimum, maximum, measure }]: readonly [string, AdaptBounds]): string {
  const how = measure === null ? "" : `, so that ${measure.promql} comes to ${measure.target}`;
  return `${parameter} between ${minimum} and ${maximum}${how}`;
}

function stepLines(step: TemplateStep, more: readonly string[], columns: number): readonly string[] {
  const after = step.dependsOn.length === 0 ? "" : `, after ${step.dependsOn.join(", ")}`;
  const each = step.forEach === null ? "" : ", for each subject";
  const details = [
    `${step.call.action} ${JSON.stringify(step.call.parameters)}`,
    ...step.conditions.map((text) => `only if ${text}`),
    ...step.preconditions.map((text) => `needs ${text}`),
    ...step.postconditions.map((text) => `proves ${text}`),
    ...step.alternatives.map(({ action }) => `else ${action}`),
    ...Object.entries(step.adapt ?? {}).map(boundsText),
    ...more,
  ];
  return [`  ${clean(step.name)}${after}${each}`, ...indented(details, columns)];
}
