// Opens the request for an approval and reads what people made of it. The forge only shows and stores; whether an
// approval is enough is judged here, on the head that gitmend wrote.

import type { ExecutionEvent } from "../domain/execution/events.ts";
import {
  type ApprovalFileInput,
  approvalBranch,
  approvalPath,
  renderApprovalFile,
  shortId,
} from "../domain/gate/approval-file.ts";
import type { Approval, ApprovalDemand } from "../domain/gate/gate.ts";
import { judgeApproval } from "../domain/gate/judge-approval.ts";
import type { RequestEdit } from "../domain/gate/judge-request.ts";
import { demandsNow, dueApprovers } from "../domain/gate/next-approvers.ts";
import { renderRequestBody } from "../domain/gate/request-body.ts";
import { noteOnApproved, noteOnOpen, type RequestNote } from "../domain/gate/request-note.ts";
import { plusSeconds } from "../domain/instant.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { endExecution, isEnd } from "./end-execution.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { ApprovalState } from "./forge-ports.ts";
import { hearCommands } from "./hear-commands.ts";
import { prepareRepair, requestForge } from "./request-forge.ts";
import type { Session } from "./session.ts";
import { takeEdit } from "./take-edit.ts";
import { tellRequest } from "./tell-request.ts";

export async function askApproval(session: Session, ports: EnginePorts): Promise<void> {
  const prepared = await prepareRepair(session, ports);
  if (prepared !== null) await session.record([prepared]);
  const asked = askedOf(session);
  const { expiresAt, plan, alert } = asked;
  const branch = approvalBranch(session.id);
  const request = {
    executionId: session.id,
    branch,
    file: approvalPath(session.id),
    content: renderApprovalFile(asked),
    body: renderRequestBody(asked),
    labels: ["gitmend", `risk:${plan.risk}`],
    title: `${plan.template.name}: ${alert.name}`,
  };
  const branchOfRepair = session.state().repair?.effect.branch;
  const opened = await requestForge(session, ports).open(request);
  await ports.faults.at("approval-after-open");
  await session.record([
    { type: "ApprovalRequested", ...opened, branch: branchOfRepair ?? branch, expiresAt },
  ]);
}

/** What people are asked about: the same in every process, so that asking again shows the same. */
function askedOf(session: Session): ApprovalFileInput {
  const { alert, plan, gate, gateDecidedAt, match, previews, incident, revision } = session.state();
  if (
    alert === null ||
    plan === null ||
    gate?.kind !== "approval" ||
    gateDecidedAt === null ||
    match === null
  ) {
    throw new Problem("INTERNAL", "an approval was asked for before the gate was decided");
  }
  const expiresAt = plusSeconds(gateDecidedAt, gate.expiresSeconds);
  const { repair } = session.state();
  const input = {
    executionId: session.id,
    incident,
    alert,
    match,
    revision,
    plan,
    previews,
    gate,
    expiresAt,
  };
  return repair === null ? input : { ...input, repair: repair.effect };
}

/** Reads the request once; records what follows. Not reaching the forge changes nothing: the next look will tell. */
export async function checkApproval(session: Session, ports: EnginePorts): Promise<void> {
  const { approval, gate } = session.state();
  if (approval === null || gate?.kind !== "approval") return;
  const seen = await read(
    () => requestForge(session, ports).read(approval.head, approval.branch),
    session,
    ports,
  );
  if (seen === null) return;
  const counting = seen.state === "closed" ? seen : onlyOthers(seen, session);
  if (counting.state === "open") return stillOpen(counting, session, ports);
  const events = judge(counting, demandsOf(session), ports);
  if (isEnd(events)) return endExecution(events, session, ports);
  if (counting.state === "merged") await tellRequest(noteOnApproved(counting.approvals), session, ports);
  await session.record(events);
}

type Open = Extract<ApprovalState, { state: "open" }>;

/** An edit makes another plan, or is answered with the reason why it does not. */
async function stillOpen(seen: Open, session: Session, ports: EnginePorts): Promise<void> {
  const taken = seen.edit === null ? [] : await tryEdit(seen.edit, session, ports);
  if (typeof taken !== "string" && taken.length > 0) return session.record(taken);
  await hearCommands(seen.commands, session, ports);
  await addApprovers(seen.approvals, session, ports);
  const remarks = typeof taken === "string" ? [taken, ...seen.remarks] : seen.remarks;
  return tellRequest(noteOf({ ...seen, remarks }, session, ports), session, ports);
}

/** As they are met now. */
function demandsOf(session: Session): readonly ApprovalDemand[] {
  const { gate, added } = session.state();
  return gate?.kind === "approval" ? demandsNow(gate.demands, added) : [];
}

/** Whose time has come while there were not enough: once it is recorded they count, and tell-people.ts tells them from its row. */
async function addApprovers(
  approvals: readonly Approval[],
  session: Session,
  { clock, log, teams }: EnginePorts,
): Promise<void> {
  const { gate, added: before, gateDecidedAt } = session.state();
  if (gate?.kind !== "approval" || gateDecidedAt === null) return;
  const { unmet } = judgeApproval(demandsOf(session), approvals, teams);
  const asked = { added: before, unmet, since: gateDecidedAt, now: clock.now() };
  const added = dueApprovers(gate.demands, asked);
  if (added.length === 0) return;
  await session.record([{ type: "ApproversAdded", added }]);
  const from = added.flatMap((one) => one.from);
  log.info({ executionId: session.id, from }, "nobody has decided in time: others may approve too");
}

/** What cannot be known now is asked again at the next look. */
async function tryEdit(
  edit: RequestEdit,
  session: Session,
  ports: EnginePorts,
): Promise<readonly ExecutionEvent[] | string> {
  const asked = { file: approvalPath(session.id), content: renderApprovalFile(askedOf(session)) };
  try {
    return await takeEdit(edit, asked, session, ports);
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "INTERNAL") throw problem;
    ports.log.warn(
      { executionId: session.id, code: problem.code, reason: problem.message },
      "the edited plan cannot be made now",
    );
    return `the plan cannot be made anew now, it is tried again: ${problem.message}`;
  }
}

function noteOf(
  { approvals, remarks, commands }: Open,
  session: Session,
  { teams }: EnginePorts,
): RequestNote {
  const { edits, added, approval, alerts, holds, paused } = session.state();
  const { missing } = judgeApproval(demandsOf(session), approvals, teams);
  const joined = [...alerts.values()].slice(1).map(({ name }) => name);
  const expiresAt = approval?.expiresAt ?? "";
  const heldBy = holds.length > 0 && paused?.scope.kind === "execution" ? paused.by : null;
  const asksHelp = commands.some(({ command }) => command !== "hold");
  const id = shortId(session.id);
  return noteOnOpen({ approvals, remarks, missing, joined, edits, added, expiresAt, heldBy, asksHelp, id });
}

async function read(
  look: () => Promise<ApprovalState>,
  session: Session,
  { log }: EnginePorts,
): Promise<ApprovalState | null> {
  try {
    return await look();
  } catch (error) {
    const { code, message } = toProblem(error);
    log.warn({ executionId: session.id, code, reason: message }, "the approval cannot be read now");
    return null;
  }
}

type Decided = Exclude<ApprovalState, { state: "open" }>;
type Demands = Parameters<typeof judgeApproval>[0];

/** Whoever started it by hand, or has changed the plan, has asked: that is no approval. */
function onlyOthers<T extends Exclude<ApprovalState, { state: "closed" }>>(seen: T, session: Session): T {
  const { byHand, edits } = session.state();
  const name = (who: string) => who.trim().toLowerCase();
  const asked = new Set(
    [...(byHand === null ? [] : [byHand.by]), ...edits.flatMap(({ by }) => by)].map(name),
  );
  const isOther = ({ by }: Approval) => !asked.has(name(by));
  const own = seen.approvals.filter((approval) => !isOther(approval));
  const remarks = own.map(
    ({ by }) => `${by} does not count: whoever has asked for the plan cannot approve it`,
  );
  return {
    ...seen,
    approvals: seen.approvals.filter(isOther),
    ...(seen.state === "open" ? { remarks: [...seen.remarks, ...remarks] } : {}),
  };
}

function judge(seen: Decided, demands: Demands, { teams }: EnginePorts): readonly ExecutionEvent[] {
  if (seen.state === "closed") {
    return [
      { type: "ApprovalDenied", by: seen.by, reason: seen.reason },
      {
        type: "Ended",
        outcome: "rejected",
        reason: `rejected by ${seen.by ?? "a person"}: ${seen.reason}`,
        escalated: false,
      },
    ];
  }
  const judged = judgeApproval(demands, seen.approvals, teams);
  const problem = seen.problem ?? (judged.enough ? null : `merged too early: ${judged.missing}`);
  if (problem === null) return [{ type: "ApprovalGranted", approvals: seen.approvals, commit: seen.commit }];
  return [
    { type: "ApprovalDenied", by: null, reason: problem },
    { type: "Ended", outcome: "refused", reason: problem, escalated: true },
  ];
}
