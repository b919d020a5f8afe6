// `gitmend start`: a person starts a template for a target, under the same guards as an alert would.
import type { Command } from "commander";
import { parse } from "yaml";
import type { StartAnswer } from "../../controller/start-by-hand.ts";
import { objectText } from "../../domain/facts/objects.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import { demandsText } from "../../domain/gate/judge-approval.ts";
import type { Json } from "../../domain/json.ts";
import { changeLines } from "../../domain/planning/change-text.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { cleanAll } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor } from "../paint.ts";
import { personOf } from "../person.ts";
import { type Item, section } from "../section.ts";

interface Options extends ServerOptions, OutputOptions {
  readonly target: string;
  readonly namespace?: string;
  readonly cluster?: string;
  readonly set: readonly string[];
  readonly reason: string;
  readonly dryRun: boolean;
  readonly as?: string;
}

/** As kubectl abbreviates them. */
const kinds: Readonly<Record<string, string>> = {
  deploy: "Deployment",
  sts: "StatefulSet",
  ds: "DaemonSet",
  rs: "ReplicaSet",
  cj: "CronJob",
  po: "Pod",
  no: "Node",
};
const wholeKinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Node"];

export function addStart(program: Command, context: CliContext): void {
  withExample(
    program
      .command("start <template>")
      .description("start a template by hand (`manual: true`), under the same guards as for an alert")
      .requiredOption(
        "--target <kind/name>",
        "what is to be repaired: deploy/api, sts/db, pod/api-1, node/n1",
      )
      .option("-n, --namespace <name>", "the target's namespace")
      .option("--cluster <name>", "the target's cluster (default: the only one)")
      .option("--set <name=value>", "a parameter of the template; may be repeated", collect, [])
      .requiredOption("--reason <text>", "why; it stands in the record")
      .option("--dry-run", "show plan, changes and gate, and start nothing", false)
      .option("--as <name>", "who asks: cannot approve it then (default: GITMEND_USER, else your user name)")
      .addOption(outputOption())
      .addOption(serverOption())
      .action((template: string, options: Options) => start(template, options, context)),
    'gitmend start rollback-workload --target deploy/api -n shop --dry-run --reason "1.5.0 crashes"',
    'gitmend start scale-out --target deploy/api -n shop --set replicas=5 --reason "sale at noon"',
  );
}

export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

async function start(template: string, options: Options, context: CliContext): Promise<void> {
  const request = {
    template,
    target: targetOf(options),
    ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
    parameters: Object.fromEntries(options.set.map(parameterOf)),
    by: personOf(options.as, context),
    reason: options.reason,
    dryRun: options.dryRun,
  };
  const client = await connect(options, context);
  const answer = await client.post<StartAnswer>("/api/v1/start", request);
  print(context, options, answer, () => answerText(cleanAll(answer), request.by, context));
  if (answer.gate.kind === "refused") context.exitWith(1);
}

function targetOf({ target, namespace }: Options) {
  const [, short = "", name = ""] = /^([A-Za-z]+)\/([^/\s]+)$/.exec(target) ?? [];
  const word = short.toLowerCase();
  const kind =
    kinds[word] ?? wholeKinds.find((one) => one.toLowerCase() === word || `${one.toLowerCase()}s` === word);
  if (kind === undefined)
    throw new Problem(
      "USAGE",
      `--target is kind/name (deploy/api, sts/db, pod/api-1, node/n1), not "${target}"`,
    );
  return { kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** The value as YAML reads it: 5 is a number, true a boolean, everything else a text. */
export function parameterOf(given: string): readonly [string, Json] {
  const at = given.indexOf("=");
  const name = given.slice(0, at);
  if (at < 1 || !/^[A-Za-z_][\w-]*$/.test(name))
    throw new Problem("USAGE", `--set is name=value, not "${given}"`);
  try {
    return [name, parse(given.slice(at + 1)) as Json];
  } catch {
    return [name, given.slice(at + 1)];
  }
}

export function answerText(answer: StartAnswer, by: string, { columns, colours }: CliContext): string {
  const { plan, previews, mode } = answer;
  const paint = paintFor(colours);
  const where = plan.target === null ? "no object" : objectText(plan.target);
  const steps = plan.steps.map(({ name, call }): Item => {
    const preview = previews.find(({ step }) => step === name);
    return { text: `- ${name}: ${preview?.summary ?? call.action}` };
  });
  const changes = previews.flatMap((preview) => changeLines(preview.changes, 20));
  const refused = previews.flatMap(({ step, refused: why }): Item[] =>
    why === undefined ? [] : [{ text: `${step} would be refused now: ${why}`, tone: "bad" }],
  );
  const parts: readonly (readonly [string, readonly Item[]])[] = [
    ["PLAN", [{ text: `${plan.template.name} on ${where}: ${plan.risk} risk, ${mode}` }, ...steps]],
    ["CHANGES", changes.map((text) => ({ text, tone: text.startsWith("+") ? "good" : "bad" }))],
    ["REFUSED", refused],
    ["GATE", gateItems(answer)],
    ["NEXT", nextItems(answer, by)],
  ];
  const lines = parts.flatMap(([label, items]) => section(label, items, { columns, paint }));
  const first = paint("strong", firstLine(answer));
  return `${[first, ...lines].join("\n")}\n`;
}

function firstLine({ executionId, gate }: StartAnswer): string {
  if (executionId === null) return "dry-run: nothing was started";
  if (gate.kind === "refused") return `refused, nothing was changed: recorded as execution ${executionId}`;
  return `started: execution ${executionId}`;
}

function gateItems({ gate }: StartAnswer): readonly Item[] {
  const reasons = gate.reasons.map(({ rule, reason }) => ({ text: `- ${rule}: ${reason}` }));
  switch (gate.kind) {
    case "open":
      return [{ text: "open: no approval needed", tone: "good" }];
    case "approval":
      return [{ text: `needs ${demandsText(gate.demands)}`, tone: "attention" }, ...reasons];
    case "refused":
      return [{ text: "refused", tone: "bad" }, ...reasons];
  }
}

function nextItems({ executionId, gate, mode }: StartAnswer, by: string): readonly Item[] {
  const observed =
    mode === "observe" ? [{ text: "observe: it looks and changes nothing", tone: "quiet" as const }] : [];
  if (executionId === null || gate.kind === "refused") return observed;
  const id = shortId(executionId);
  const approve = `gitmend approve ${id} (by somebody else than ${by})`;
  return [
    ...observed,
    ...(gate.kind === "approval" ? [{ text: approve }] : []),
    { text: `gitmend executions watch ${id}` },
  ];
}
