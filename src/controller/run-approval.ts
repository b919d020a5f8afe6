// Opens the request for an approval and reads what people made of it. The forge only shows and stores; whether an
// approval is enough is judged here, on the head that gitmend wrote.

import type { ExecutionEvent } from "../domain/execution/events.ts";
import { approvalBranch, approvalPath, renderApprovalFile } from "../domain/gate/approval-file.ts";
import type { Approval } from "../domain/gate/gate.ts";
import { judgeApproval } from "../domain/gate/judge-approval.ts";
import { renderRequestBody } from "../domain/gate/request-body.ts";
import { noteOnApproved, noteOnOpen, type RequestNote } from "../domain/gate/request-note.ts";
import { plusSeconds } from "../domain/instant.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { endExecution, isEnd } from "./end-execution.ts";
import type { EnginePorts } from "./engine-ports.ts";
import type { ApprovalState } from "./forge-ports.ts";
import type { Session } from "./session.ts";
import { tellRequest } from "./tell-request.ts";

export async function askApproval(session: Session, ports: EnginePorts): Promise<void> {
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
  const asked = {
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
  const opened = await ports.forge.open(request);
  await ports.faults.at("approval-after-open");
  await session.record([{ type: "ApprovalRequested", ...opened, branch, expiresAt }]);
}

/** Reads the request once; records what follows. Not reaching the forge changes nothing: the next look will tell. */
export async function checkApproval(session: Session, ports: EnginePorts): Promise<void> {
  const { approval, gate } = session.state();
  if (approval === null || gate?.kind !== "approval") return;
  const file = approvalPath(session.id);
  const seen = await read(
    () => ports.forge.read({ branch: approval.branch, file, head: approval.head }),
    session,
    ports,
  );
  if (seen === null) return;
  const counting =
    seen.state === "closed" ? seen : { ...seen, approvals: withoutAsker(seen.approvals, session) };
  if (counting.state === "open") return tellRequest(noteOf(counting, session, ports), session, ports);
  const events = judge(counting, gate.demands, ports);
  if (isEnd(events)) return endExecution(events, session, ports);
  if (counting.state === "merged") await tellRequest(noteOnApproved(counting.approvals), session, ports);
  await session.record(events);
}

function noteOf(
  { approvals, remarks }: Extract<ApprovalState, { state: "open" }>,
  session: Session,
  { teams }: EnginePorts,
): RequestNote {
  const { gate, approval, alerts } = session.state();
  const demands = gate?.kind === "approval" ? gate.demands : [];
  const { missing } = judgeApproval(demands, approvals, teams);
  const joined = [...alerts.values()].slice(1).map(({ name }) => name);
  return noteOnOpen({ approvals, remarks, missing, joined, expiresAt: approval?.expiresAt ?? "" });
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

/** Whoever started it by hand has asked: that is no approval. */
function withoutAsker(approvals: readonly Approval[], session: Session): readonly Approval[] {
  const asker = session.state().byHand?.by.trim().toLowerCase();
  return approvals.filter(({ by }) => by.trim().toLowerCase() !== asker);
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
