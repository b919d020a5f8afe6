// `gitmend doctor`: everything that gitmend needs, one line each, and how to mend what is wrong; and the database held against its
// events.
import type { Command } from "commander";
import type { Check } from "../../controller/doctor-ports.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { cleanAll, pad, width, wrap } from "../layout.ts";
import { configOption, loadConfig } from "../load-config.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { paintFor, type Tone } from "../paint.ts";
import { renderIntegrity } from "../render-integrity.ts";

interface Options extends ServerOptions, OutputOptions {
  readonly integrity: boolean;
  readonly repair: boolean;
  readonly config?: string;
}

const progressEvery = 1_000;

const tones: Record<Check["status"], Tone> = { ok: "good", warn: "attention", fail: "bad" };

export function addDoctor(program: Command, context: CliContext): void {
  withExample(
    program
      .command("doctor")
      .description("database, Git, clusters, permissions, clock, disk: what is wrong and how to mend it")
      .option("--integrity", "hold the whole database against its events, beside running replicas", false)
      .option("--repair", "the same, and mend what follows from the events; no replica may run", false)
      .addOption(configOption())
      .addOption(outputOption())
      .addOption(serverOption())
      .action((options: Options) =>
        options.integrity || options.repair ? checkIntegrity(options, context) : examine(options, context),
      ),
    "gitmend doctor",
    "gitmend doctor --repair --config /etc/gitmend/gitmend.yaml",
  );
}

/** Opens the database itself. Leaves 1 when something is wrong that was not mended. */
async function checkIntegrity(options: Options, context: CliContext): Promise<void> {
  const config = await loadConfig(options.config, context);
  const { checkDatabase } = await import("../../app.ts");
  const progress = (executions: number) => {
    if (context.isTerminal && executions % progressEvery === 0) context.err(`${executions} executions\r`);
  };
  const report = await checkDatabase(config, context.environment, { repair: options.repair, progress });
  print(context, options, report, () => renderIntegrity(report, context));
  if (report.faults.some(({ count, mended }) => mended < count)) context.exitWith(1);
}

/** Leaves 1 when something fails; warnings are for people. */
async function examine(options: Options, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const { checks } = await client.get<{ checks: Check[] }>("/api/v1/doctor");
  print(context, options, { checks }, () => checksText(cleanAll(checks), context));
  if (checks.some(({ status }) => status === "fail")) context.exitWith(1);
}

function checksText(checks: readonly Check[], { columns, colours }: CliContext): string {
  const paint = paintFor(colours);
  const names = Math.max(0, ...checks.map(({ name }) => width(name)));
  const indent = " ".repeat(names + 8);
  const room = Math.max(30, columns - indent.length);
  const lines = checks.flatMap(({ name, status, detail, mend }) => {
    const [first = "", ...others] = wrap(detail, room);
    return [
      `${paint(tones[status], pad(status, 4))}  ${paint("strong", pad(name, names))}  ${first}`,
      ...others.map((line) => indent + line),
      ...(mend === null ? [] : wrap(`-> ${mend}`, room).map((line) => indent + paint("quiet", line))),
    ];
  });
  return `${[...lines, "", verdict(checks)].join("\n")}\n`;
}

function verdict(checks: readonly Check[]): string {
  const count = (status: Check["status"]) => checks.filter((check) => check.status === status).length;
  const [warn, fail] = [count("warn"), count("fail")];
  if (fail === 0 && warn === 0) return "All is well.";
  if (fail === 0) return `Nothing fails; ${warn} ${warn === 1 ? "thing is" : "things are"} worth a look.`;
  return `${fail} ${fail === 1 ? "thing fails" : "things fail"}${warn === 0 ? "" : `, ${warn} worth a look`}.`;
}
