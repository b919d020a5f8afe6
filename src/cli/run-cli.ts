// The command line as a whole: which commands there are, and what becomes of an error. One file per command under commands/.
import { Command, CommanderError } from "commander";
import { addActions } from "./commands/actions.ts";
import { addApprovals } from "./commands/approvals.ts";
import { addAudit } from "./commands/audit.ts";
import { addBreaker } from "./commands/breaker.ts";
import { addDeadLetters } from "./commands/dead-letters.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addExecutions } from "./commands/executions.ts";
import { addIncidents } from "./commands/incidents.ts";
import { addMigrate } from "./commands/migrate.ts";
import { addNow } from "./commands/now.ts";
import { addPause } from "./commands/pause.ts";
import { addPolicies } from "./commands/policies.ts";
import { addRun } from "./commands/run.ts";
import { addSetup } from "./commands/setup.ts";
import { addSimulate } from "./commands/simulate.ts";
import { addStart } from "./commands/start.ts";
import { addTemplates } from "./commands/templates.ts";
import { addTest } from "./commands/test.ts";
import { addValidate } from "./commands/validate.ts";
import { addVersion } from "./commands/version.ts";
import type { CliContext, ExitCode } from "./context.ts";
import { exitCodeOf, problemText } from "./problem-text.ts";

/** @param args without the program's own name. Never throws: the exit code says it. */
export async function runCli(
  args: readonly string[],
  terminal: Omit<CliContext, "exitWith">,
): Promise<ExitCode> {
  let code: ExitCode = 0;
  const plain = args.includes("--no-color");
  const context: CliContext = {
    ...terminal,
    colours: terminal.colours && !plain,
    exitWith: (wanted) => {
      code = wanted;
    },
  };
  try {
    const given = args.filter((argument) => argument !== "--no-color");
    await buildProgram(context).parseAsync([...given], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    context.err(problemText(error, context.colours));
    return exitCodeOf(error);
  }
}

function buildProgram(context: CliContext): Command {
  const program = new Command("gitmend")
    .description("GitOps-driven remediation for Kubernetes: alerts, workflows in Git, every step on record.")
    .option("--no-color", "no colours (so does NO_COLOR)")
    .showHelpAfterError("(--help says more)")
    .exitOverride()
    .configureOutput({
      writeOut: context.out,
      writeErr: context.err,
      getOutHelpWidth: () => context.columns,
      getErrHelpWidth: () => context.columns,
      getOutHasColors: () => context.colours,
      getErrHasColors: () => context.colours,
    });
  const commands = [
    addRun,
    addDemo,
    addValidate,
    addTest,
    addSimulate,
    addNow,
    addIncidents,
    addExecutions,
    addApprovals,
    addStart,
    addPause,
    addBreaker,
    addDeadLetters,
    addAudit,
    addDoctor,
    addTemplates,
    addPolicies,
    addActions,
    addMigrate,
    addSetup,
    addVersion,
  ];
  for (const add of commands) add(program, context);
  return program;
}
