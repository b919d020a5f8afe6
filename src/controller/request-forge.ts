// Where people are asked about an execution: the forge of the approvals, or, for a repair in Git, the one of its repository, where
// merging the repair is the approval.
import type { ChangeAction } from "../actions/action.ts";
import type { RepairPrepared } from "../domain/execution/events.ts";
import { approvalPath } from "../domain/gate/approval-file.ts";
import { repairOf } from "../domain/gate/managed-by.ts";
import { everyApproved, type Plan, type PlannedStep } from "../domain/planning/plan.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { ApprovalRequest, ApprovalState, Forge } from "./forge-ports.ts";
import { contextOf, findAction, isRunTime } from "./make-plan.ts";
import type { Session } from "./session.ts";
import { stepTools } from "./step-tools.ts";

const prepareTimeoutMilliseconds = 20_000;

export interface RequestForge extends Pick<Forge, "pollSeconds" | "tell" | "close"> {
  open(request: ApprovalRequest): ReturnType<Forge["open"]>;
  read(head: string, branch: string): Promise<ApprovalState>;
}

export function requestForge(session: Session, { faults, forge, repairs }: EnginePorts): RequestForge {
  const { repair } = session.state();
  const server = repair === null ? null : repairs.forgeOf(repair.effect.repository);
  if (repair === null || server === null)
    return {
      pollSeconds: forge.pollSeconds,
      open: (request) => forge.open(request),
      read: (head, branch) => forge.read({ branch, file: approvalPath(session.id), head }),
      tell: (...note) => forge.tell(...note),
      close: (...reason) => forge.close(...reason),
    };
  const { effect, forStep } = repair;
  const { branch, base } = effect;
  return {
    pollSeconds: server.pollSeconds,
    async open({ title, body, labels }) {
      const head = await repairs.push(effect, `${session.id}/${forStep}`);
      await faults.at("repair-after-push");
      const repository = await server.propose({ branch, base, head, title, body, labels });
      return { repository, base, head };
    },
    async read(head) {
      const seen = await server.readProposed({ branch, base, head });
      if (seen.state !== "merged" || seen.problem !== null) return seen;
      const isIntact = await repairs.isIntact(effect, `${session.id}/${forStep}`, seen.commit);
      return isIntact ? seen : { ...seen, approvals: [], problem: "the merge is not what was approved" };
    },
    tell: (...note) => server.tell(...note),
    close: (...reason) => server.close(...reason),
  };
}

/**
 * The repair that people are asked to merge, prepared once and recorded before it is pushed; null: they are asked about the plan.
 * @throws Problem: it cannot be prepared now
 */
export async function prepareRepair(session: Session, ports: EnginePorts): Promise<RepairPrepared | null> {
  const { plan, alert, repair } = session.state();
  const step = plan === null || repair !== null ? null : theRepair(plan);
  if (plan === null || step === null) return null;
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(prepareTimeoutMilliseconds)]);
  const action = findAction(ports.actions, step.call.action, plan) as ChangeAction;
  const context = contextOf(session.id, step.name, alert?.cluster ?? "", plan.target);
  const tools = stepTools(plan, ports.clusters, signal, session.id);
  const effect = await action.prepare(step.call.input, context, tools);
  if (effect.kind !== "branch" || ports.repairs.forgeOf(effect.repository) === null) return null;
  return { type: "RepairPrepared", forStep: step.name, effect };
}

/** The one step that changes something, in Git, and known now: with two of them nobody could say which is the approval. */
function theRepair(plan: Plan): PlannedStep | null {
  if (repairOf(plan) !== "git") return null;
  const [only, another] = everyApproved(plan).filter(({ changes }) => changes);
  if (only === undefined || another !== undefined || !plan.steps.includes(only)) return null;
  const isPlain = only.alternatives.length === 0 && only.conditions.length === 0 && only.adapt === undefined;
  return isPlain && !isRunTime(only.call) ? only : null;
}
