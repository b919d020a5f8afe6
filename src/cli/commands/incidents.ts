// `gitmend incidents list|show`: everything that fired for one target, and what was done about it.
import type { Command } from "commander";
import type { Incident, IncidentSummary } from "../../controller/views.ts";
import { objectText } from "../../domain/facts/objects.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import { ageText, cleanAll, dateText, wrap } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor, symbolOf, toneOf } from "../paint.ts";
import { renderTable } from "../table.ts";

type Options = ServerOptions & OutputOptions;

interface ListOptions extends Options {
  readonly open?: boolean;
  readonly limit: string;
  readonly before?: string;
}

export function addIncidents(program: Command, context: CliContext): void {
  const incidents = program.command("incidents").description("what fired for one target, and what was done");
  withExample(
    incidents
      .command("list")
      .description("newest first")
      .option("--open", "only those that are open")
      .option("--limit <count>", "how many", "20")
      .option("--before <id>", "older than this one")
      .addOption(outputOption("wide"))
      .addOption(serverOption())
      .action((options: ListOptions) => list(options, context)),
    "gitmend incidents list --open",
  );
  withExample(
    incidents
      .command("show <id>")
      .description("alerts, executions and decisions of one incident")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((id: string, options: Options) => show(id, options, context)),
    "gitmend incidents show 7c1e2a4b9d0f",
  );
}

async function list(options: ListOptions, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const query = new URLSearchParams({ limit: options.limit });
  if (options.open === true) query.set("open", "true");
  if (options.before !== undefined) query.set("before", options.before);
  const page = await client.get<{ items: IncidentSummary[]; next: string | null }>(
    `/api/v1/incidents?${query.toString()}`,
  );
  print(context, options, page, () => listText(page.items, options, context));
}

function listText(items: readonly IncidentSummary[], options: ListOptions, context: CliContext): string {
  if (items.length === 0) return options.open === true ? "no open incidents\n" : "no incidents\n";
  const wide = options.output === "wide";
  const rows = items.map((one) => ({
    tone:
      one.closedAt === null ? (one.escalated ? ("bad" as const) : ("strong" as const)) : ("plain" as const),
    cells: [
      wide ? one.id : shortId(one.id),
      `${one.closedAt === null ? "open" : "closed"}${one.escalated ? " !" : ""}`,
      incidentTarget(one.key),
      one.alertNames.join(", "),
      `${one.firing}/${one.alerts}`,
      lastText(one),
      ageText(one.openedAt, context.now()),
    ],
  }));
  const header = ["ID", "STATE", "TARGET", "ALERTS", "FIRING", "LAST EXECUTION", "AGE"];
  return renderTable(header, rows, { ...context, wide });
}

function lastText({ lastExecution }: IncidentSummary): string {
  if (lastExecution === null) return "-";
  return `${lastExecution.template}: ${lastExecution.outcome ?? lastExecution.phase}`;
}

/** `cluster/group/kind/namespace/name` and `cluster/alertname/<name>` as people write them. */
function incidentTarget(key: string): string {
  const [cluster = "", group, kind = "", namespace, ...name] = key.split("/");
  if (group === "alertname") return `${cluster}: ${key.slice(`${cluster}/alertname/`.length)}`;
  return objectText({
    cluster,
    kind,
    namespace: namespace === "" ? null : (namespace ?? null),
    name: name.join("/"),
  });
}

async function show(id: string, options: Options, context: CliContext): Promise<void> {
  const path = `/api/v1/incidents/${executionId(id)}`;
  const client = await connect(options, context);
  const incident = await client.get<Incident>(path);
  print(context, options, incident, () => showText(cleanAll(incident), context));
}

function showText(incident: Incident, context: CliContext): string {
  const paint = paintFor(context.colours);
  const { id, key, openedAt, closedAt, alertList, executionList, decisions } = incident;
  const since = ageText(openedAt, context.now());
  const state = closedAt === null ? `open for ${since}` : `closed ${dateText(closedAt)}`;
  const alerts = alertList.map(({ name, severity, status, fingerprint, openedAt: from }) => ({
    cells: [name, severity === "" ? "-" : severity, status, fingerprint, ageText(from, context.now())],
    tone: status === "open" ? ("attention" as const) : ("quiet" as const),
  }));
  const executions = executionList.map((one) => ({
    cells: [
      symbolOf(one),
      shortId(one.id),
      `${one.outcome ?? one.phase}${one.escalated ? " !" : ""}`,
      one.template,
      ageText(one.createdAt, context.now()),
    ],
    tone: toneOf(one),
  }));
  const part = (title: string, text: string) => `\n${paint("strong", title)}\n${text}`;
  const decided = decisions
    .slice(0, 10)
    .flatMap(({ at, alert, kind, reasons }) =>
      wrap(`${dateText(at)} ${alert}: ${kind}; ${reasons.join("; ")}`, context.columns - 2).map(
        (line, index) => `${index === 0 ? "" : "  "}${line}`,
      ),
    );
  return [
    `${paint("strong", incidentTarget(key))}  ${state}\n${paint("quiet", `incident ${id}, opened ${dateText(openedAt)}`)}\n`,
    alerts.length === 0
      ? ""
      : part("ALERTS", renderTable(["NAME", "SEVERITY", "STATUS", "FINGERPRINT", "AGE"], alerts, context)),
    executions.length === 0
      ? ""
      : part("EXECUTIONS", renderTable(["", "ID", "STATE", "TEMPLATE", "AGE"], executions, context)),
    decided.length === 0 ? "" : part("DECISIONS", `${decided.join("\n")}\n`),
  ].join("");
}
