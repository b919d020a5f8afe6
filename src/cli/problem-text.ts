// The one place that turns a Problem into terminal text: what, where, what to do.
import { type Problem, type ProblemCode, toProblem } from "../domain/problem.ts";
import type { ExitCode } from "./context.ts";
import { clean } from "./layout.ts";
import { paintFor } from "./paint.ts";

const advice: Partial<Record<ProblemCode, string>> = {
  CONTROLLER_UNREACHABLE: "start one with `gitmend run`, or say where it is: --server URL or GITMEND_SERVER",
  UNAUTHENTICATED: "set GITMEND_TOKEN, or run this where the controller's data folder is (GITMEND_DATA_DIR)",
  DATABASE_UNAVAILABLE: "the controller goes on by itself when its database is back",
  DATA_FOLDER_IN_USE: "stop the other controller, or choose another folder: GITMEND_DATA_DIR",
  CATALOG_INVALID: "`gitmend validate` lists every finding with its position",
  INTERNAL: "this is a defect of gitmend: please report it with the text above",
};
const usageCodes: readonly ProblemCode[] = ["USAGE", "CONFIG_INVALID", "CATALOG_INVALID", "PAYLOAD_INVALID"];

export function problemText(error: unknown, colours: boolean): string {
  const problem = toProblem(error);
  const paint = paintFor(colours);
  const { findings } = problem.details;
  const lines = [
    `${paint("bad", "error")} ${clean(problem.message)} ${paint("quiet", `(${problem.code})`)}`,
    ...(Array.isArray(findings) ? findings.map((finding) => `  ${clean(String(finding))}`) : []),
    ...causes(problem).map((cause) => paint("quiet", `  because ${clean(cause)}`)),
  ];
  const what = advice[problem.code];
  return `${[...lines, ...(what === undefined ? [] : [`  ${what}`])].join("\n")}\n`;
}

export function exitCodeOf(error: unknown): ExitCode {
  return usageCodes.includes(toProblem(error).code) ? 2 : 1;
}

/** Messages that are not yet said, outermost first. */
function causes(problem: Problem): readonly string[] {
  const messages: string[] = [];
  for (let cause = problem.cause; cause instanceof Error && messages.length < 3; cause = cause.cause) {
    if (cause.message !== "" && !problem.message.includes(cause.message)) messages.push(cause.message);
  }
  return messages;
}
