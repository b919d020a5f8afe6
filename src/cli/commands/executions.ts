// `gitmend executions list|show|watch|events|cancel|acknowledge|retry|fork`: what runs and what ran, from a controller.
import type { Command } from "commander";
import type { ExecutionSummary } from "../../controller/ports.ts";
import type { RecordedEvent } from "../../domain/execution/events.ts";
import { objectText } from "../../domain/facts/objects.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import { ageText } from "../layout.ts";
import { type OutputOptions, outputOption, print, viewOf, withExample } from "../output.ts";
import { paintFor, symbolOf, toneOf } from "../paint.ts";
import { personOf } from "../person.ts";
import { renderEvents } from "../render-events.ts";
import { renderExecution } from "../render-execution.ts";
import { renderTable } from "../table.ts";
import { addAcknowledge } from "./acknowledge.ts";
import { addStartAgain } from "./start-again.ts";
import { watchExecution } from "./watch-execution.ts";

type Options = ServerOptions & OutputOptions;

export function addExecutions(program: Command, context: CliContext): void {
  const executions = program.command("executions").description("what runs and what ran");
  withExample(
    executions
      .command("list")
      .description("newest first; before them what needs a person of whom none was reached yet")
      .option("--live", "only those that have not ended")
      .option("--attention", "only those that somebody has to look at or to approve")
      .option("--template <name>", "only of this template")
      .option("--outcome <outcome>", "only with this outcome")
      .option("-n, --namespace <name>", "only for targets in this namespace")
      .option("--limit <count>", "how many", "20")
      .option("--before <id>", "older than this one")
      .addOption(outputOption("wide"))
      .addOption(serverOption())
      .action((options: ListOptions) => list(options, context)),
    "gitmend executions list --live",
  );
  withExample(
    executions
      .command("show <id>")
      .description("one execution on one screen: why, what it changed, how to undo it")
      .option("--at <time or event>", "as it was then: 2026-11-17T10:05:00Z, or after event 12")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: ShowOptions) => show(id, options, context)),
    "gitmend executions show 7c1e2a4b9d0f",
    "gitmend executions show 7c1e2a4b9d0f --at 2026-11-17T10:05:00Z",
  );
  withExample(
    executions
      .command("watch <id>")
      .description("what happens, as it happens, until it ends; exits with 1 when it ended badly")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: Options) => watchExecution(id, options, context)),
    "gitmend executions watch 7c1e2a4b9d0f",
  );
  withExample(
    executions
      .command("events <id>")
      .description("everything that happened, in order")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: Options) => events(id, options, context)),
    "gitmend executions events 7c1e2a4b9d0f -o json",
  );
  addCancel(executions, context);
  addAcknowledge(executions, context);
  addStartAgain(executions, context);
}

function addCancel(executions: Command, context: CliContext): void {
  withExample(
    executions
      .command("cancel <id>")
      .description("stop it and undo what it changed")
      .requiredOption("--reason <text>", "why; it stands in the record")
      .option("--keep", "leave what was done instead of undoing it", false)
      .option("--as <name>", "who asks (default: your user name)")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: CancelOptions) => cancel(id, options, context)),
    'gitmend executions cancel 7c1e2a4b9d0f --reason "wrong workload"',
  );
}

interface ListOptions extends Options {
  readonly live?: boolean;
  readonly attention?: boolean;
  readonly template?: string;
  readonly outcome?: string;
  readonly namespace?: string;
  readonly limit: string;
  readonly before?: string;
}

const filters = ["live", "attention", "template", "outcome", "namespace", "before"] as const;

interface Page {
  readonly items: readonly ExecutionSummary[];
}

const mostUntold = 20;

/** What nobody was told of and nobody has seen stands first, however old it is: here people find it. */
async function untoldOf(client: Awaited<ReturnType<typeof connect>>): Promise<readonly ExecutionSummary[]> {
  return (await client.get<Page>(`/api/v1/executions?untold=true&limit=${mostUntold}`)).items;
}

async function list(options: ListOptions, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const query = new URLSearchParams({ limit: options.limit });
  for (const filter of filters) {
    if (options[filter] !== undefined) query.set(filter, String(options[filter]));
  }
  const page = await client.get<Page>(`/api/v1/executions?${query.toString()}`);
  const forPeople = options.output === "text" || options.output === "wide";
  const whole = filters.every((filter) => options[filter] === undefined);
  const untold = forPeople && whole ? await untoldOf(client) : [];
  const first = new Set(untold.map(({ id }) => id));
  const items = [...untold, ...page.items.filter(({ id }) => !first.has(id))];
  print(context, options, page, () => listText(items, options.output === "wide", context));
}

function listText(items: readonly ExecutionSummary[], wide: boolean, context: CliContext): string {
  if (items.length === 0) return "no executions\n";
  const header = [
    "",
    "ID",
    "STATE",
    "TARGET",
    "TEMPLATE",
    "ALERT",
    "AGE",
    ...(wide ? ["MODE", "INCIDENT"] : []),
  ];
  const rows = items.map((item) => ({
    tone: toneOf(item),
    cells: [
      symbolOf(item),
      wide ? item.id : shortId(item.id),
      `${item.outcome ?? item.phase}${needsPerson(item) ? " !" : ""}`,
      item.target === null ? "-" : objectText(item.target),
      item.template,
      item.alertName,
      ageText(item.createdAt, context.now()),
      ...(wide ? [item.mode, item.incidentId] : []),
    ],
  }));
  return renderTable(header, rows, { ...context, wide });
}

function needsPerson({ escalated, escalation }: ExecutionSummary): boolean {
  return escalated && (escalation?.seen ?? null) === null;
}

interface ShowOptions extends Options {
  readonly at?: string;
}

interface ShownExecution {
  readonly summary: ExecutionSummary;
  readonly events: readonly RecordedEvent[];
  readonly past: { readonly at: string; readonly seq: number; readonly lastSeq: number } | null;
}

async function show(id: string, options: ShowOptions, context: CliContext): Promise<void> {
  const path = pathOf(id);
  const client = await connect(options, context);
  const point = options.at === undefined ? "" : `?${new URLSearchParams({ at: options.at }).toString()}`;
  const shown = await client.get<ShownExecution>(`${path}${point}`);
  print(context, options, shown, () => shownText(shown, context));
}

/** What was is told as of then: ages and times that ran count to that moment. */
function shownText({ summary, events, past }: ShownExecution, context: CliContext): string {
  if (past === null) return renderExecution(summary, events, viewOf(context));
  const head = `AS IT WAS at ${past.at}, after event ${past.seq} of ${past.lastSeq}`;
  const screen = renderExecution(summary, events, { ...viewOf(context), now: past.at });
  return `${paintFor(context.colours)("attention", head)}\n\n${screen}`;
}

async function events(id: string, options: Options, context: CliContext): Promise<void> {
  const path = pathOf(id);
  const client = await connect(options, context);
  const { items } = await client.get<{ items: RecordedEvent[] }>(`${path}/events`);
  print(context, options, items, () => renderEvents(items, viewOf(context)));
}

interface CancelOptions extends Options {
  readonly reason: string;
  readonly keep: boolean;
  readonly as?: string;
}

interface CancelAnswer {
  readonly accepted: boolean;
  readonly acted: boolean;
  readonly execution: ExecutionSummary;
}

async function cancel(id: string, options: CancelOptions, context: CliContext): Promise<void> {
  const path = pathOf(id);
  const client = await connect(options, context);
  const by = personOf(options.as, context);
  const { reason, keep } = options;
  const answer = await client.post<CancelAnswer>(`${path}/cancel`, { reason, keep, by });
  print(context, options, answer, () => cancelText(answer));
  if (!answer.accepted) context.exitWith(1);
}

function cancelText({ accepted, acted, execution }: CancelAnswer): string {
  const state = execution.outcome ?? execution.phase;
  const id = shortId(execution.id);
  if (!accepted) return `${id} had ended already: ${state}; nothing was cancelled\n`;
  if (!acted) return `${id} will be cancelled; its owner has not answered yet (${state})\n`;
  return execution.phase === "ended" ? `${id} ended: ${state}\n` : `${id} is being cancelled: ${state}\n`;
}

function pathOf(id: string): string {
  return `/api/v1/executions/${executionId(id)}`;
}
