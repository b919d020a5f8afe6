// `gitmend approve|reject`: the person's side of an approval on the local forge. The controller says what is asked;
// the commit is made here, with the person's own key, so that the controller never holds it.
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { type Command } from "commander";
import type { ExecutionSummary } from "../../controller/ports.ts";
import type { ApprovalDemand } from "../../domain/gate/gate.ts";
import { judgeApproval } from "../../domain/gate/judge-approval.ts";
import { Problem } from "../../domain/problem.ts";
import type { CliContext } from "../context.ts";
import { type ControllerClient, connect, type ServerOptions, serverOption } from "../controller-client.ts";
import { executionId } from "../execution-id.ts";
import { type OutputOptions, outputOption, print, withExample } from "../output.ts";
import { personOf } from "../person.ts";
import { breakGlass } from "./break-glass.ts";

interface DecisionOptions extends ServerOptions, OutputOptions {
  readonly key?: string;
  readonly as?: string;
}

/** What the controller answers to `GET …/approval`. */
interface Approval {
  readonly executionId: string;
  readonly waiting: boolean;
  readonly repository: string;
  readonly branch: string;
  readonly base: string;
  readonly file: string;
  readonly head: string;
  readonly demands: readonly ApprovalDemand[];
  readonly teams: Readonly<Record<string, readonly string[]>>;
  readonly notBy: string | null;
}

interface ApproveOptions extends DecisionOptions {
  readonly breakGlass?: boolean;
  readonly reason?: string;
}

export function addApprovals(program: Command, context: CliContext): void {
  const decision = (command: Command) =>
    command
      .option("--key <file>", "your SSH private key; without it the approval is unsigned")
      .option("--as <name>", "your id in `approvals.people` (default: GITMEND_USER, else your user name)")
      .addOption(outputOption())
      .addOption(serverOption());
  withExample(
    decision(program.command("approve <id>").description("approve a plan that waits"))
      .option(
        "--break-glass",
        "lift the approvals that it waits for; for `approvals.emergency`, with --key and --reason",
      )
      .option("--reason <text>", "why the glass has to be broken; it stands in the record")
      .action((id: string, options: ApproveOptions) =>
        options.breakGlass === true ? breakGlass(id, options, context) : approve(id, options, context),
      ),
    "gitmend approve 7c1e2a4b9d0f --key ~/.ssh/id_ed25519",
  );
  withExample(
    decision(
      program
        .command("reject <id>")
        .description("reject a plan that waits")
        .requiredOption("--reason <text>", "why; it stands in the record"),
    ).action((id: string, options: DecisionOptions & { reason: string }) => reject(id, options, context)),
    'gitmend reject 7c1e2a4b9d0f --reason "the release is being rolled back by hand"',
  );
}

async function approve(id: string, options: ApproveOptions, context: CliContext): Promise<void> {
  if (options.reason !== undefined)
    throw new Problem("USAGE", "--reason goes with --break-glass: an approval needs none");
  const { approval, decision, client } = await prepare(id, options, context);
  if (decision.by === approval.notBy)
    throw new Problem("APPROVAL_INVALID", `${decision.by} has started it: somebody else has to approve it`);
  const { approveLocally } = await import("../../app.ts");
  const made = await approveLocally({
    ...decision,
    mergeWhen: (people) => isEnough(approval, people, decision),
  });
  const execution = await decided(approval.executionId, made.merged !== null, client);
  const state = stateText(execution);
  print(context, options, { ...made, execution }, () =>
    made.merged === null
      ? `approved by ${decision.by}; it waits for more approvals (gitmend executions show ${id})\n`
      : `approved by ${decision.by} and merged: gitmend starts it, now ${state} (gitmend executions show ${id})\n`,
  );
}

async function reject(
  id: string,
  options: DecisionOptions & { readonly reason: string },
  context: CliContext,
): Promise<void> {
  const { approval, decision, client } = await prepare(id, options, context);
  const { rejectLocally } = await import("../../app.ts");
  const made = await rejectLocally({ ...decision, reason: options.reason });
  const execution = await decided(approval.executionId, true, client);
  const state = stateText(execution);
  const text = `rejected by ${decision.by}: ${options.reason}; now ${state}\n`;
  print(context, options, { ...made, execution }, () => text);
}

function stateText({ outcome, phase }: ExecutionSummary): string {
  return phase === "awaiting_approval" ? "to be read by its owner in a moment" : (outcome ?? phase);
}

const ownerSeconds = 5;

/** The execution as it is once its owner has read the decision. @param isFinal nobody else has to decide */
async function decided(id: string, isFinal: boolean, client: ControllerClient): Promise<ExecutionSummary> {
  const deadline = performance.now() + ownerSeconds * 1000;
  for (;;) {
    const { summary } = await client.get<{ summary: ExecutionSummary }>(`/api/v1/executions/${id}`);
    if (!isFinal || summary.phase !== "awaiting_approval" || performance.now() >= deadline) return summary;
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

async function prepare(id: string, options: DecisionOptions, context: CliContext) {
  const path = `/api/v1/executions/${executionId(id)}/approval`;
  const client = await connect(options, context);
  const approval = await client.get<Approval>(path);
  if (!approval.waiting) {
    throw new Problem(
      "APPROVAL_INVALID",
      `${id} no longer waits for an approval: gitmend executions show ${id}`,
    );
  }
  const { repository, branch, base, file, head } = approval;
  if (/^https?:\/\//.test(repository))
    throw new Problem("APPROVAL_INVALID", `it is decided in its pull request: ${repository}`);
  const by = personOf(options.as, context);
  const signingKey = options.key === undefined ? null : resolve(context.workingFolder, options.key);
  const where = { repositoryUrl: repository, branch, base, file, head };
  return { approval, client, decision: { ...where, by, at: context.now(), signingKey, workDir: tmpdir() } };
}

/** Merging too early would end the execution as refused: the same judgement as the controller's decides here. */
function isEnough(
  { demands, teams, head, notBy }: Approval,
  people: readonly string[],
  { at, signingKey }: { readonly at: string; readonly signingKey: string | null },
): boolean {
  const counting = people.filter((person) => person !== notBy);
  const approvals = counting.map((by) => ({ by, at, commit: head, verified: signingKey !== null }));
  return judgeApproval(demands, approvals, new Map(Object.entries(teams))).enough;
}
