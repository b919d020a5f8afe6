// `gitmend audit log|show|report`: the record as Git alone tells it, from a folder or a URL, without a controller.
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { AuditCommit, AuditHistory } from "../../app.ts";
import { type Outcome, outcomes } from "../../domain/execution/events.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { executionId } from "../execution-id.ts";
import { clean } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { symbolOf, toneOf } from "../paint.ts";
import { plainReport } from "../plain-report.ts";
import { renderTable } from "../table.ts";

interface Options extends OutputOptions {
  readonly repository?: string;
  readonly branch: string;
}

export function addAudit(program: Command, context: CliContext): void {
  const audit = program.command("audit").description("the record in Git, read without a controller");
  const reading = (command: Command, ...formats: readonly string[]) =>
    command
      .option("--repository <folder or url>", "the audit repository (default: the data folder's audit.git)")
      .option("--branch <name>", "its branch", "audit")
      .addOption(outputOption(...formats));
  withExample(
    reading(
      audit.command("log").description("milestones of executions and acts of control, newest first"),
      "wide",
    )
      .option("--limit <count>", "how many", "30")
      .action((options: Options & { limit: string }) => log(options, context)),
    "gitmend audit log --repository https://git.example.org/platform/audit.git",
  );
  withExample(
    reading(
      audit
        .command("show <id>")
        .description("the whole record of an execution or an act of control, for looking up"),
    ).action((id: string, options: Options) => show(id, options, context)),
    "gitmend audit show 7c1e2a4b9d0f",
  );
  withExample(
    reading(audit.command("report <id>").description("REPORT.md: what happened, for people")).action(
      (id: string, options: Options) => report(id, options, context),
    ),
    "gitmend audit report 7c1e2a4b9d0f",
  );
}

async function withHistory<T>(
  { repository, branch }: Options,
  { environment, workingFolder }: CliContext,
  read: (history: AuditHistory) => Promise<T>,
): Promise<T> {
  const dataFolder = resolve(workingFolder, environment["GITMEND_DATA_DIR"] ?? ".gitmend");
  const isPath = repository !== undefined && !repository.includes(":");
  const where = isPath ? resolve(workingFolder, repository) : (repository ?? join(dataFolder, "audit.git"));
  const { openAuditHistory } = await import("../../app.ts");
  const history = await openAuditHistory(where, branch);
  try {
    return await read(history);
  } finally {
    await history.close();
  }
}

async function log(options: Options & { readonly limit: string }, context: CliContext): Promise<void> {
  const limit = /^[1-9]\d{0,4}$/.test(options.limit) ? Number(options.limit) : null;
  if (limit === null) throw new Problem("USAGE", "--limit is a whole number from 1 to 99999");
  const commits = await withHistory(options, context, (history) => history.commits(limit));
  print(context, options, commits, () => logText(commits, options.output === "wide", context));
}

function logText(commits: readonly AuditCommit[], wide: boolean, context: CliContext): string {
  if (commits.length === 0) return "nothing is on record yet\n";
  const header = [
    "",
    "ID",
    "AT",
    "STATE",
    "GATE",
    "TEMPLATE",
    wide ? "SUBJECT" : "TARGET",
    ...(wide ? ["COMMIT", "APPROVED BY"] : []),
  ];
  const rows = commits.map((commit) => {
    const state = stateOf(commit);
    const id = idOf(commit);
    return {
      tone: toneOf(state),
      cells: [
        symbolOf(state),
        wide ? id : shortId(id),
        commit.at.slice(0, 16).replace("T", " "),
        isControl(commit) ? "control" : milestoneText(commit, state.outcome),
        first(commit, "Gate"),
        first(commit, "Template"),
        wide ? commit.subject : targetOf(commit),
        ...(wide ? [commit.commit.slice(0, 12), (commit.trailers["Approved-By"] ?? []).join(", ")] : []),
      ],
    };
  });
  return renderTable(header, rows, { ...context, wide });
}

function stateOf(commit: AuditCommit): { phase: "ended" | "planning"; outcome: Outcome | null } {
  const outcome = outcomes.find((one) => one === first(commit, "Outcome")) ?? null;
  return { phase: outcome === null ? "planning" : "ended", outcome };
}

function milestoneText({ trailers }: AuditCommit, outcome: Outcome | null): string {
  const [assessment] = trailers["Assessment"] ?? [];
  return [outcome ?? "planned", ...(assessment === undefined ? [] : [assessment])].join(", ");
}

function first({ trailers }: AuditCommit, name: string): string {
  return trailers[name]?.[0] ?? "-";
}

function isControl({ trailers }: AuditCommit): boolean {
  return trailers["Gitmend-Control"] !== undefined;
}

function idOf(commit: AuditCommit): string {
  return first(commit, isControl(commit) ? "Gitmend-Control" : "Execution-Id");
}

/** `remediate(prod-eu/shop/api): …` -> the part in parentheses; of an act of control all that it says. */
function targetOf({ subject }: AuditCommit): string {
  return /^\w+\(([^)]*)\)/.exec(subject)?.[1] ?? /^control: (.*)$/.exec(subject)?.[1] ?? "-";
}

async function show(id: string, options: Options, context: CliContext): Promise<void> {
  const nameOf = (commit: AuditCommit) => (isControl(commit) ? `${idOf(commit)}.yaml` : "execution.yaml");
  const text = await newestFile(id, nameOf, options, context);
  const { parse } = await import("yaml");
  print(context, options, parse(text), () => cleanLines(text));
}

async function report(id: string, options: Options, context: CliContext): Promise<void> {
  const nameOf = (commit: AuditCommit) => {
    if (!isControl(commit)) return "REPORT.md";
    const command = `gitmend audit show ${shortId(idOf(commit))}`;
    throw new Problem(
      "NOT_FOUND",
      `${idOf(commit)} is an act of control, which has no report: \`${command}\``,
    );
  };
  const text = await newestFile(id, nameOf, options, context);
  print(context, options, { report: text }, () => plainReport(text, context));
}

/** As the newest milestone left it. */
async function newestFile(
  id: string,
  nameOf: (commit: AuditCommit) => string,
  options: Options,
  context: CliContext,
): Promise<string> {
  const part = executionId(id);
  return withHistory(options, context, async (history) => {
    const commits = await history.of(part);
    const ids = new Set(commits.map(idOf));
    const [newest] = commits;
    if (newest === undefined) throw new Problem("NOT_FOUND", `no execution ${part} is on record there`);
    if (ids.size > 1)
      throw new Problem("NOT_FOUND", `${part} is not clear: ${[...ids].slice(0, 3).join(", ")}`);
    return history.file(newest.commit, nameOf(newest));
  });
}

function cleanLines(text: string): string {
  return text.split("\n").map(clean).join("\n");
}
