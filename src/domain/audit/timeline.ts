// Each event as one line for people, and which of them belong into a timeline.
import { durationText } from "../duration.ts";
import type { ByHand, ExecutionEvent, PlanEdited } from "../execution/events.ts";
import type { AddedApprovers, Gate } from "../gate/gate.ts";
import { demandsText } from "../gate/judge-approval.ts";
import { scopeText, untilText } from "../gate/why-paused.ts";
import type { Json } from "../json.ts";
import { code, prose } from "../plain-text.ts";
import { changeLines } from "../planning/change-text.ts";
import { type Effect, effectText } from "../planning/effect.ts";
import { unreachable } from "../problem.ts";
import { redactText } from "../redact.ts";

/** One line of Markdown. Free text in it is escaped. */
export function eventText(event: ExecutionEvent): string {
  switch (event.type) {
    case "ExecutionRequested":
      if (event.byHand !== undefined)
        return `Started by ${code(event.byHand.by)}: ${prose(event.byHand.reason)}${againText(event.byHand)}`;
      if (event.follows !== undefined)
        return `Takes back what execution ${code(event.follows)} left in place for ${code(event.alert.name)}: ${text(event.match.reasons.join("; "))}`;
      return `Alert ${code(event.alert.name)} taken up; rule ${code(event.match.rule)} chose ${code(event.match.template)}`;
    case "Planned":
      return `Planned: ${event.plan.steps.length} steps, risk ${event.plan.risk}`;
    case "GateDecided":
      return gateText(event.gate);
    case "PlanEdited":
      return `${planEdited(event)} by ${event.by.map((one) => code(one)).join(", ")}`;
    case "HoldRequested":
      return `Held by ${code(event.by)}, beside the request`;
    case "RepairPrepared":
      return `Repair of step ${code(event.forStep)} prepared: ${code(effectText(event.effect))}, to be merged into ${code(event.effect.base)}`;
    case "ApprovalRequested":
      return `Approval requested on branch ${code(event.branch)}, until ${clock(event.expiresAt)}`;
    case "ApproversAdded":
      return `Nobody had decided: ${event.added.map(addedText).join("; ")}`;
    case "ApprovalGranted":
      return `Approved by ${event.approvals.map(({ by }) => code(by)).join(", ")}`;
    case "ApprovalLifted":
      return `**Approvals lifted**, break-glass by ${code(event.by)} until ${clock(event.until)}: ${text(event.reason)}`;
    case "ApprovalDenied":
      return `Not approved${event.by === null ? "" : ` by ${code(event.by)}`}: ${text(event.reason)}`;
    case "ApprovalExpired":
      return "The request for approval expired";
    case "AlertJoined":
      return `Alert ${code(event.alert.name)} joined (${code(event.alert.fingerprint)})`;
    case "AlertResolved":
      return `Alert ${code(event.fingerprint)} resolved`;
    case "Claimed":
      return event.keys.length === 0 ? "Started" : `Started; ${event.keys.length} object(s) reserved`;
    case "Paused":
      return `Paused by ${code(event.by)}${prose(untilText(event.until))} (${prose(scopeText(event.scope))}): ${text(event.reason)}`;
    case "Resumed":
      return `Resumed by ${code(event.by)}: ${text(event.reason)}`;
    case "CancelRequested":
      return `Cancelled by ${code(event.by)}: ${text(event.reason)}${event.keep ? " (what was done stays)" : ""}`;
    case "FallbackChosen":
      return `The fallback ${code(event.template)} is tried: ${text(event.reason)}`;
    case "AssessmentMade":
      return `**Assessed: ${event.verdict}**${event.again === null ? "" : `, looked at again at ${event.again.slice(11, 19)}`}`;
    case "Ended":
      return `**Ended: ${event.outcome}**${event.reason === "" ? "" : `, ${text(event.reason)}`}`;
    default:
      return stepText(event);
  }
}

/** `Changed: - grace_seconds: 30, + grace_seconds: 10`. */
function planEdited({ changes }: PlanEdited): string {
  const lines = changeLines(changes).map((line) => code(line));
  return lines.length === 0 ? "Asked again, nothing was changed," : `Changed: ${lines.join(", ")},`;
}

/** ` (execution 0192… again, from step restart)`. */
export function againText({ again }: ByHand): string {
  if (again === undefined) return "";
  const from = again.from === null ? "" : `, from step ${code(again.from)}`;
  return ` (execution ${code(again.execution)} again${from})`;
}

function addedText({ afterSeconds, from }: AddedApprovers): string {
  return `after ${durationText(afterSeconds)} ${from.map((who) => code(who)).join(", ")} may approve too`;
}

function gateText(gate: Gate): string {
  switch (gate.kind) {
    case "approval":
      return `Gate: needs ${prose(demandsText(gate.demands))}`;
    case "refused":
      return `Gate: refused: ${text(gate.reasons.map(({ reason }) => reason).join("; "))}`;
    case "open":
      return "Gate: open";
  }
}

type StepEvent = Extract<ExecutionEvent, { readonly step: string }>;

function stepText(event: StepEvent): string {
  const step = code(event.step);
  switch (event.type) {
    case "StepStarted":
      return `${step} started: ${code(event.call.action)}${onWhat(event.effect)}${tries(event.attempt)}`;
    case "StepSucceeded":
      return `${step} succeeded`;
    case "StepFailed":
      return `${step} failed${event.changed ? " after a change" : ""}: ${event.code}, ${text(event.message)}`;
    case "StepSkipped":
      return `${step} skipped: ${text(event.reason)}`;
    case "StepOutcomeUnknown":
      return `${step}: **nobody knows whether it happened**: ${text(event.message)}`;
    case "RetryScheduled":
      return `${step} will be tried again at ${event.at.slice(11, 19)}`;
    case "AlternativeChosen":
      return `${step} goes on with its alternative ${code(event.action)}`;
    case "StepAdapted":
      if (event.what === "start") return `${step} waits: ${text(event.reason)}`;
      return `${step} adapted: ${code(event.what)} ${valueText(event.from)} -> ${valueText(event.to)}, ${text(event.reason)}`;
    case "UndoStarted":
      return `Undo of ${step} started${onWhat(event.effect)}${tries(event.attempt)}`;
    case "StepUndone":
      return `${step} undone${event.note === "" ? "" : `: ${text(event.note)}`}`;
    case "UndoFailed":
      return `Undo of ${step} failed: ${event.code}, ${text(event.message)}`;
    default:
      return unreachable(event);
  }
}

function valueText(value: Json): string {
  return text(typeof value === "string" ? value : JSON.stringify(value));
}

function onWhat(effect: Effect | null): string {
  if (effect === null) return "";
  return ` ${effect.kind === "send" || effect.kind === "request" || effect.kind === "branch" ? "to" : "on"} ${code(effectText(effect))}`;
}

function tries(attempt: number): string {
  return attempt > 1 ? ` (attempt ${attempt})` : "";
}

function text(free: string): string {
  return prose(redactText(free));
}

/** `2026-11-17 10:00:07 UTC`. */
export function clock(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 19)} UTC`;
}
