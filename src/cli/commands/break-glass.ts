// `gitmend approve ID --break-glass`: shows what would run without its approvals, signs that with the person's own key, and sends it.
// Needs the controller alone: no forge, and no clock of this machine.
import { resolve } from "node:path";
import type { ExecutionSummary } from "../../controller/ports.ts";
import { type LiftStatement, liftNamespace, statementText } from "../../domain/gate/break-glass.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { connect, type ServerOptions } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import { type OutputOptions, print } from "../output.ts";
import { personOf } from "../person.ts";

interface BreakGlassOptions extends ServerOptions, OutputOptions {
  readonly key?: string;
  readonly as?: string;
  readonly reason?: string;
}

/** What the controller answers to `GET …/break-glass`. */
interface Lift extends Pick<LiftStatement, "execution" | "digest" | "at" | "until"> {
  /** Why there is nothing to lift; null: there is. */
  readonly refused: string | null;
  readonly template: string;
  readonly risk: string;
  readonly alert: string;
  readonly target: string;
  readonly missing: string;
  readonly reasons: readonly string[];
  readonly steps: readonly string[];
  readonly changes: readonly string[];
  readonly fallback: string | null;
}

export async function breakGlass(id: string, options: BreakGlassOptions, context: CliContext): Promise<void> {
  const { key, reason } = options;
  if (reason === undefined || reason.trim() === "")
    throw new Problem("USAGE", 'say why: --break-glass needs --reason "..."; everybody will read it');
  if (key === undefined)
    throw new Problem(
      "USAGE",
      "--break-glass needs --key: the SSH key of your `signer` in approvals.people (the .pub file, where your agent has it)",
    );
  const client = await connect(options, context);
  const path = `/api/v1/executions/${executionId(id)}/break-glass`;
  const lift = await client.get<Lift>(path);
  if (lift.refused !== null) throw new Problem("APPROVAL_INVALID", `no break-glass here: ${lift.refused}`);
  const { execution, digest, at, until } = lift;
  const by = personOf(options.as, context);
  context.err(planLines(lift));
  const statement = { execution, digest, by, reason, at, until };
  const { signText } = await import("../../app.ts");
  const file = resolve(context.workingFolder, key);
  const signature = await signText(statementText(statement), file, liftNamespace);
  const answer = await client.post<{ lifted: boolean; execution: ExecutionSummary }>(path, {
    statement,
    signature,
  });
  print(context, options, { ...answer, statement }, () => wentLines(lift, by, answer.lifted));
}

/** Shown before anything is signed. */
function planLines(lift: Lift): string {
  const { template, risk, target, missing, reasons, steps, changes, fallback } = lift;
  return [
    `${template} on ${target === "" ? "no object" : target}, risk ${risk}, would run without ${missing}:`,
    ...reasons.map((line) => `  - ${line}`),
    ...steps.map((line, index) => `  ${index + 1}. ${line}`),
    ...changes.map((line) => `     ${line}`),
    ...(fallback === null ? [] : [`  if that fails: ${fallback}`]),
    "",
  ].join("\n");
}

function wentLines({ until, execution }: Lift, by: string, lifted: boolean): string {
  const went = lifted
    ? `approvals lifted by ${by}: it goes on now, and is void if it changed nothing by ${until.slice(11, 16)} UTC; everybody is told`
    : `signed by ${by} and kept: its owner has not answered yet`;
  return `${went} (gitmend executions watch ${execution})\n`;
}
