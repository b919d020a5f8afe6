// `gitmend pause|resume`: the emergency stop, of everything, a namespace or one execution.
import type { Command } from "commander";
import type { PauseAnswer } from "../../controller/pause-by-hand.ts";
import { durationSeconds } from "../../domain/duration.ts";
import { shortId } from "../../domain/gate/approval-file.ts";
import { pauseText, scopeText } from "../../domain/gate/why-paused.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import { cleanAll } from "../layout.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { personOf } from "../person.ts";

interface Options extends ServerOptions, OutputOptions {
  readonly namespace?: string;
  readonly cluster?: string;
  readonly execution?: string;
  readonly reason?: string;
  readonly for?: string;
  readonly as?: string;
}

export function addPause(program: Command, context: CliContext): void {
  const scoped = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option("-n, --namespace <name>", "only what changes something in this namespace (default: everything)")
      .option("--cluster <name>", "only in this cluster")
      .option("--execution <id>", "only this execution")
      .option("--reason <text>", "why; it stands in the record")
      .option("--as <name>", "who asks (default: GITMEND_USER, else your user name)")
      .addOption(outputOption())
      .addOption(serverOption());
  withExample(
    scoped("pause", "stop: nothing new starts, what runs starts no further step; an undo goes on")
      .option("--for <duration>", "until when: 30m, 1h (default: until somebody resumes)")
      .action((options: Options) => pause(options, context)),
    'gitmend pause --for 1h --reason "the network is being repaired"',
    "gitmend pause -n shop --reason migration",
  );
  withExample(
    scoped("resume", "end the pause of exactly this scope").action((options: Options) =>
      resume(options, context),
    ),
    "gitmend resume -n shop",
  );
}

async function pause(options: Options, context: CliContext): Promise<void> {
  const seconds = options.for === undefined ? {} : { seconds: secondsOf(options.for) };
  const client = await connect(options, context);
  const answer = await client.post<PauseAnswer>("/api/v1/pause", {
    ...requestOf(options, context),
    ...seconds,
  });
  print(context, options, answer, () => pausedText(cleanAll(answer)));
  if (answer.pause === null) context.exitWith(1);
}

async function resume(options: Options, context: CliContext): Promise<void> {
  const client = await connect(options, context);
  const answer = await client.post<PauseAnswer>("/api/v1/resume", requestOf(options, context));
  print(context, options, answer, () => resumedText(cleanAll(answer), options));
}

function requestOf(options: Options, context: CliContext) {
  const { namespace, cluster, execution, reason = "no reason was given" } = options;
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(execution === undefined ? {} : { execution: executionId(execution) }),
    by: personOf(options.as, context),
    reason,
  };
}

function secondsOf(text: string): number {
  const seconds = durationSeconds(text);
  if (seconds > 0) return seconds;
  throw new Problem("USAGE", "--for is a time: 30m, 1h");
}

function pausedText(answer: PauseAnswer): string {
  const { pause: made, live, paused, acted } = answer;
  if (made === null) return endedText(answer);
  const late = acted ? "" : `; ${live - paused} have not answered yet and will follow`;
  const running =
    live === 0 ? "nothing runs there" : `${counted(paused)} stand${paused === 1 ? "s" : ""} still`;
  return lines([pauseText(made), `${stateText(answer)}${running}${late}`, ...stillLines(answer)]);
}

function resumedText(answer: PauseAnswer, options: Options): string {
  const { pause: ended, execution, live, paused, acted } = answer;
  if (execution?.phase === "ended") return endedText(answer);
  const scope = options.execution ?? options.namespace ?? options.cluster;
  const what =
    ended === null
      ? `${scope === undefined ? "not everything was" : `${scope} was not`} paused by a command; nothing was resumed`
      : `resumed: ${scopeText(ended.scope)}`;
  const late = acted ? "" : `${counted(paused)} of ${live} have not answered yet and will follow`;
  return lines([what, `${stateText(answer)}${late}`, ...stillLines(answer)]);
}

function counted(count: number): string {
  return `${count} execution${count === 1 ? "" : "s"}`;
}

function stateText({ execution }: PauseAnswer): string {
  return execution === null ? "" : `${shortId(execution.id)} is ${execution.outcome ?? execution.phase}; `;
}

function endedText({ execution }: PauseAnswer): string {
  if (execution === null) return "nothing was paused\n";
  return `${shortId(execution.id)} had ended already: ${execution.outcome ?? execution.phase}; there is nothing to pause\n`;
}

function stillLines({ still }: PauseAnswer): readonly string[] {
  return still.map((pause) => `beside it: ${pauseText(pause)}`);
}

function lines(all: readonly string[]): string {
  return all
    .map((line) => line.replace(/; $/, ""))
    .filter((line) => line !== "")
    .map((line) => `${line}\n`)
    .join("");
}
