// `gitmend policies list`: the rules of a folder, or those that come with gitmend, in the order in which they are asked.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { demandsText } from "../../domain/gate/judge-approval.ts";
import { approversOf } from "../../domain/policies/approvers-of.ts";
import type { Buckets } from "../../domain/policies/catalog.ts";
import type { SelectTemplate } from "../../domain/policies/policy.generated.ts";
import type { GuardEvent, GuardRule, RuleBase, SelectionRule } from "../../domain/policies/rule.ts";
import { unreachable } from "../../domain/problem.ts";
import { compileFolder } from "../catalog-folder.ts";
import type { CliContext } from "../context.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor } from "../paint.ts";
import { renderTable } from "../table.ts";

interface Options extends OutputOptions {
  readonly path?: string;
}

const shipped = fileURLToPath(new URL("../../../", import.meta.url));

export function addPolicies(program: Command, context: CliContext): void {
  const command = program.command("policies").description("the rules that choose templates and guard plans");
  withExample(
    command
      .command("list")
      .description("all rules")
      .option("--path <folder>", "a folder with policies/ (default: this one, else what comes with gitmend)")
      .addOption(outputOption("wide"))
      .action((options: Options) => list(options, context)),
    "gitmend policies list --path .",
  );
}

async function list(options: Options, context: CliContext): Promise<void> {
  const { workingFolder } = context;
  const here = existsSync(join(workingFolder, "policies")) ? workingFolder : shipped;
  const catalog = await compileFolder(
    options.path === undefined ? here : resolve(workingFolder, options.path),
  );
  const selection = rulesOf(catalog.selection)
    .toSorted((left, right) => right.priority - left.priority)
    .map(selectionRow);
  const guards = rulesOf(catalog.guards).map(guardRow);
  print(context, options, { selection, guards }, () => {
    const paint = paintFor(context.colours);
    const view = { ...context, wide: options.output === "wide" };
    return [
      `${paint("strong", "CHOOSE A TEMPLATE")}\n`,
      table(["PRIORITY", "RULE", "ON", "DOES", "WHEN"], selection, view, "no selection rules\n"),
      `\n${paint("strong", "GUARD A PLAN")}\n`,
      table(["RULE", "ON", "DOES", "WHEN"], guards, view, "no guard rules\n"),
    ].join("");
  });
}

/** Each rule once, whatever alerts it names. */
function rulesOf<R extends RuleBase>({ byAlertName, always }: Buckets<R>): readonly R[] {
  const rules = [...byAlertName.values(), always].flatMap((set) => set.rules);
  return [...new Map(rules.map((rule) => [rule.name, rule])).values()];
}

function common({ name, alertNames, leaves, position }: RuleBase) {
  return {
    rule: name,
    on: alertNames ?? [],
    when: leaves.map(({ text }) => text),
    position: `${position.file}:${position.line}`,
  };
}

function selectionRow(rule: SelectionRule) {
  const { event, priority } = rule;
  const does = event.type === "select-template" ? choiceText(event) : "tells people";
  return { priority, ...common(rule), does };
}

/** `restart-workload, then raise-memory twice, then people`. */
function choiceText({ params: { template, ladder = [] } }: SelectTemplate): string {
  if (template !== undefined) return template;
  return ladder
    .map((rung) => (rung.template === undefined ? "people" : rungText(rung.template, rung.times)))
    .join(", then ");
}

function rungText(template: string, times = 1): string {
  return times === 1 ? template : `${template} (${times} times)`;
}

function guardRow(rule: GuardRule) {
  return { ...common(rule), does: effectText(rule.event) };
}

function effectText(event: GuardEvent): string {
  switch (event.type) {
    case "deny":
      return `denies: ${event.params.reason}`;
    case "require-approval":
      return `asks ${demandsText([approversOf(event.params)])}`;
    case "limit":
      return `limits each ${event.params.scope}: ${limitText(event.params)}`;
    case "set-mode":
      return `only ${event.params.mode}s`;
    case "set-repair":
      return `repairs what others apply: ${event.params.repair}`;
    case "waive-approval":
      return `waives the built-in approval up to ${event.params.max_risk} risk`;
    default:
      return unreachable(event);
  }
}

function limitText({
  running,
  starts,
  per,
  share,
}: Extract<GuardEvent, { type: "limit" }>["params"]): string {
  return [
    ...(running === undefined ? [] : [`${running} at a time`]),
    ...(share === undefined ? [] : [`${share} of its nodes or pods in ${per ?? "1h"}`]),
    ...(starts === undefined ? [] : [`${starts} starts${per === undefined ? "" : ` in ${per}`}`]),
  ].join(", ");
}

type Row = ReturnType<typeof guardRow> & { readonly priority?: number };

function table(
  header: readonly string[],
  rows: readonly Row[],
  view: CliContext & { readonly wide: boolean },
  none: string,
): string {
  if (rows.length === 0) return none;
  const cells = rows.map(({ priority, rule, on, does, when }) => [
    ...(priority === undefined ? [] : [String(priority)]),
    rule,
    on.length === 0 ? "every alert" : on.join(", "),
    does,
    when.length === 0 ? "always" : when.join("; "),
  ]);
  return renderTable(
    header,
    cells.map((row) => ({ cells: row })),
    view,
  );
}
