// `gitmend simulate`: what gitmend would do about an alert, from files alone. No cluster is asked and nothing is changed:
// what only a cluster knows is assumed from the alert and the options, and the screen says so.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Alert } from "../../domain/facts/alert.ts";
import { readAlerts } from "../../domain/intake/read-alerts.ts";
import { isObject } from "../../domain/json.ts";
import type { Catalog } from "../../domain/policies/catalog.ts";
import { Problem } from "../../domain/problem.ts";
import type { Scope } from "../../domain/templates/scope.ts";
import { compileFiles, compileFolder } from "../catalog-folder.ts";
import type { CliContext } from "../context.ts";
import { scopesFor } from "../load-config.ts";
import { type OutputOptions, outputOption, print, viewOf, withExample } from "../output.ts";
import { renderSimulation } from "../render-simulation.ts";
import { type Simulation, simulateAlert } from "../simulate-alert.ts";

interface Options extends OutputOptions {
  readonly alert: string;
  readonly at?: string;
  readonly target?: string;
  readonly config?: string;
  readonly cluster: string;
  readonly clusterLabel?: Readonly<Record<string, string>>;
}

export function addSimulate(program: Command, context: CliContext): void {
  withExample(
    program
      .command("simulate [path]")
      .description("what would happen to an alert: match, reasons, plan, gate; nothing is changed")
      .requiredOption(
        "--alert <file>",
        "an Alertmanager payload or one alert as JSON; - reads standard input",
      )
      .option(
        "--at <revision>",
        "the catalog at a commit, branch or tag of the repository that the path is in",
      )
      .option(
        "--config <file>",
        "gitmend.yaml whose scopes hold (default: gitmend.yaml in the folder, when it is there)",
      )
      .option("--target <kind/name>", "the workload to assume as its target, e.g. Deployment/api")
      .option("--cluster <name>", "the cluster to assume", "simulated")
      .option("--cluster-label <key=value>", "a label of that cluster; may be repeated", label)
      .addOption(outputOption())
      .action((path: string | undefined, options: Options) => simulate(path ?? ".", options, context)),
    "gitmend simulate --alert alert.json --target Deployment/api",
    "gitmend simulate --alert payload.json --at main config-repository -o yaml",
  );
}

async function simulate(path: string, options: Options, context: CliContext): Promise<void> {
  const folder = resolve(context.workingFolder, path);
  const scopes = await scopesFor(folder, options.config, context);
  const catalog = await catalogAt(folder, options.at, scopes);
  const alerts = await readAlertFile(options, context);
  const given = {
    cluster: { labels: { ...options.clusterLabel } },
    ...(options.target === undefined ? {} : { target: targetOption(options.target) }),
    now: context.now(),
  };
  const results: Simulation[] = [];
  for (const alert of alerts) results.push(await simulateAlert(alert, catalog, given));
  print(context, options, results, () =>
    results.map((result) => renderSimulation(result, viewOf(context))).join("\n"),
  );
}

/** As the files are now, or as they were. */
async function catalogAt(
  folder: string,
  revision: string | undefined,
  scopes: readonly Scope[],
): Promise<Catalog> {
  if (revision === undefined) return compileFolder(folder, scopes);
  const { readCatalogAt } = await import("../../app.ts");
  const { commit, files } = await readCatalogAt(folder, revision);
  if (files.length === 0)
    throw new Problem("USAGE", `commit ${commit.slice(0, 12)} has no templates and policies there`);
  return compileFiles(files, [], `commit ${commit.slice(0, 12)}`, scopes);
}

/** @throws Problem PAYLOAD_INVALID: simulate has no dead letters, an unreadable alert is an error. */
async function readAlertFile(
  { alert: file, cluster }: Options,
  context: CliContext,
): Promise<readonly Alert[]> {
  const text =
    file === "-" ? await context.readStandardInput() : await readText(resolve(context.workingFolder, file));
  const body = parse(text, file);
  const isPayload = isObject(body) && Object.hasOwn(body, "alerts");
  const source = { name: "simulate", clusters: [cluster], clusterLabel: "cluster" };
  const payload = isPayload ? body : { version: "4", alerts: [withDefaults(body, context)] };
  const { alerts, deadLetters } = readAlerts(payload, source);
  const [unread] = deadLetters;
  if (unread !== undefined) throw new Problem("PAYLOAD_INVALID", `${file}: ${unread.reason}`);
  return alerts;
}

/** One alert may be as little as its labels. */
function withDefaults(alert: unknown, context: CliContext): unknown {
  return isObject(alert) ? { status: "firing", startsAt: context.now(), ...alert } : alert;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new Problem("USAGE", `${file} cannot be read`, { cause: error });
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem("PAYLOAD_INVALID", `${file} is not JSON`, { cause: error });
  }
}

function targetOption(text: string): { readonly kind: string; readonly name: string } {
  const [kind = "", name = "", ...more] = text.split("/");
  if (kind === "" || name === "" || more.length > 0) {
    throw new Problem("USAGE", `--target is kind/name, e.g. Deployment/api, not "${text}"`);
  }
  return { kind, name };
}

function label(
  text: string,
  labels: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at < 1) throw new Problem("USAGE", `--cluster-label is key=value, not "${text}"`);
  return { ...labels, [text.slice(0, at)]: text.slice(at + 1) };
}
