// What an execution's history says, once, for the commit message, the report and execution.yaml, so that they agree.
import { durationText } from "../duration.ts";
import type { ExecutionRequested, MatchRecord, RecordedEvent } from "../execution/events.ts";
import { fold } from "../execution/evolve.ts";
import { type Execution } from "../execution/execution.ts";
import type { Alert } from "../facts/alert.ts";
import type { Subject } from "../facts/objects.ts";
import { objectText } from "../facts/objects.ts";
import { liftText } from "../gate/break-glass.ts";
import type { Approval } from "../gate/gate.ts";
import { firstDemandsText } from "../gate/judge-approval.ts";
import { demandsNow } from "../gate/next-approvers.ts";
import { secondsBetween } from "../instant.ts";
import { oneLine } from "../plain-text.ts";
import { Problem } from "../problem.ts";
import { redactText } from "../redact.ts";

/** An execution is assessed up to three times: each is a milestone of its own. */
export type Milestone = "planned" | "ended" | "assessed";

export interface Story {
  readonly executionId: string;
  readonly milestone: Milestone;
  readonly events: readonly RecordedEvent[];
  readonly state: Execution;
  readonly alert: Alert;
  readonly subject: Subject | null;
  readonly match: MatchRecord;
  /** `prod-eu/shop/deploy/api`; `prod-eu/KubePodCrashLooping` for an alert without an object. */
  readonly target: string;
  readonly template: string;
  readonly approvals: readonly Approval[];
  readonly endedAt: string | null;
  /** From the claim to the end; null: it never started. */
  readonly durationSeconds: number | null;
}

/** @throws Problem INTERNAL for a history that does not begin with ExecutionRequested, or did not end although it should have. */
export function tellStory(
  executionId: string,
  milestone: Milestone,
  events: readonly RecordedEvent[],
): Story {
  const first = events[0]?.event;
  const last = events.at(-1)!;
  if (first?.type !== "ExecutionRequested") {
    throw new Problem("INTERNAL", `the history of ${executionId} does not begin with ExecutionRequested`);
  }
  const state = fold(events);
  if (milestone !== "planned" && state.outcome === null) {
    throw new Problem("INTERNAL", `the history of ${executionId} has not ended`);
  }
  if (milestone === "assessed" && last.event.type !== "AssessmentMade") {
    throw new Problem("INTERNAL", `the history of ${executionId} does not end with an assessment`);
  }
  const { startedAt } = state;
  const endedAt = events.findLast(({ event }) => event.type === "Ended")?.at ?? null;
  return {
    executionId,
    milestone,
    events,
    state,
    alert: first.alert,
    subject: first.subject,
    match: first.match,
    target: targetText(state, first),
    template: state.plan?.template.name ?? first.match.template,
    approvals: events.flatMap(({ event }) => (event.type === "ApprovalGranted" ? event.approvals : [])),
    endedAt,
    durationSeconds: startedAt === null || endedAt === null ? null : secondsBetween(startedAt, endedAt),
  };
}

function targetText(state: Execution, { alert, subject }: ExecutionRequested): string {
  const target = state.plan?.target ?? null;
  if (target !== null) return plain(objectText(target));
  if (subject !== null) return plain(objectText({ ...subject, cluster: alert.cluster }));
  return plain(`${alert.cluster}/${alert.name}`);
}

/** How it goes on after the plan: `waits for 2 of team:sre`, `starts at once`, `refused: change freeze`. */
export function gateWords({ state }: Story): string {
  const { gate, mode } = state;
  if (gate === null) return "not planned";
  if (gate.kind === "refused") {
    const denied = gate.reasons.filter(({ effect }) => effect !== "observe");
    return `refused: ${plain(denied.map(({ reason }) => reason).join("; ") || "denied")}`;
  }
  if (gate.kind === "open") return mode === "live" ? "starts at once" : "observed: would start at once";
  if (state.lift !== null) return plain(liftText(state.lift));
  const demands = firstDemandsText(demandsNow(gate.demands, state.added));
  return mode === "live" ? `waits for ${demands}` : `observed: would wait for ${demands}`;
}

/** Whether it helped: `effective`, `ineffective: KubePodCrashLooping fires`. */
export function verdictWords({ state: { assessment } }: Story): string {
  if (assessment === null) return "not assessed";
  const { verdict, evidence } = assessment;
  if (verdict === "effective") return verdict;
  const decisive = evidence.find(({ supports }) =>
    verdict === "ineffective" ? supports === "ineffective" : supports === "nothing",
  );
  return decisive === undefined ? verdict : `${verdict}: ${plain(decisive.finding)}`;
}

/** How it ended: `succeeded in 48s`, `cancelled before start: the alert resolved`. */
export function outcomeWords({ state, durationSeconds, approvals }: Story): string {
  const took = durationSeconds === null ? "" : durationText(durationSeconds);
  const after = took === "" ? " before start" : ` after ${took}`;
  const because = state.endReason === null || state.endReason === "" ? "" : `: ${plain(state.endReason)}`;
  switch (state.outcome) {
    case null:
      return "has not ended";
    case "succeeded": {
      const how = state.fallbackAt === null ? "succeeded" : "succeeded by fallback";
      return took === "" ? how : `${how} in ${took}`;
    }
    case "partly":
      return `partly succeeded in ${took}${because}`;
    case "failed":
      return `failed${after}${because}`;
    case "rolled_back":
      return `rolled back${after}${because}`;
    case "rollback_incomplete":
      return `only partly rolled back${after}${because}`;
    case "unknown":
      return `unknown${after}${because}`;
    case "cancelled":
      return `cancelled${after}${because}`;
    case "rejected":
      return because.startsWith(": rejected") ? because.slice(2) : `rejected${because}`;
    case "refused":
      return `refused${because}`;
    case "expired":
      return `expired: not approved in time`;
    case "outdated":
      return `outdated${approvals.length > 0 ? " since the approval" : ""}${because}`;
    case "superseded":
      return `superseded${because}`;
    case "observed":
      return "observed, nothing changed";
  }
}

/** Free text on one line, without secrets. */
export function plain(text: string, limit = 300): string {
  return oneLine(redactText(text), limit);
}
