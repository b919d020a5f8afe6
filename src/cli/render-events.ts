// `gitmend executions events`: what happened, one line a fact, with the seconds since the beginning.
import type { ExecutionEvent, ExecutionRequested, RecordedEvent } from "../domain/execution/events.ts";
import { liftText } from "../domain/gate/break-glass.ts";
import { demandsText } from "../domain/gate/judge-approval.ts";
import { scopeText, untilText } from "../domain/gate/why-paused.ts";
import { secondsBetween } from "../domain/instant.ts";
import { changeLines } from "../domain/planning/change-text.ts";
import { type Effect, effectText } from "../domain/planning/effect.ts";
import { unreachable } from "../domain/problem.ts";
import { cleanAll, dateText, pad, width, wrap } from "./layout.ts";
import { paintFor, type Tone } from "./paint.ts";
import type { View } from "./render-execution.ts";

interface Line {
  readonly what: string;
  readonly detail: string;
  readonly tone?: Tone;
}

/** Many lines, ending in a newline; empty when there are no events. */
export function renderEvents(events: readonly RecordedEvent[], view: View): string {
  const [first] = events;
  if (first === undefined) return "";
  const paint = paintFor(view.colours);
  const lines = events.map(({ at, event }) => ({
    after: `${secondsBetween(first.at, at).toFixed(1)}s`,
    ...describe(cleanAll(event)),
  }));
  const clockWidth = Math.max(...lines.map(({ after }) => width(after))) + 1;
  const whatWidth = Math.max(...lines.map(({ what }) => width(what)));
  const indent = clockWidth + whatWidth + 4;
  const rows = lines.flatMap(({ after, what, detail, tone = "plain" }) => {
    const clock = paint("quiet", pad("", clockWidth - width(after)) + after);
    const [start = "", ...more] = wrap(detail, Math.max(view.columns - indent, 20));
    return [
      `${clock}  ${paint(tone, pad(what, whatWidth))}  ${start}`.trimEnd(),
      ...more.map((line) => " ".repeat(indent) + line),
    ];
  });
  return `${[paint("quiet", `began ${dateText(first.at)}`), ...rows].join("\n")}\n`;
}

/** What `watch` says of one more event: the columns of `renderEvents`, at fixed widths. */
export function eventLines({ at, event }: RecordedEvent, first: RecordedEvent, view: View): string {
  const paint = paintFor(view.colours);
  const { what, detail, tone = "plain" } = describe(cleanAll(event));
  const after = `${secondsBetween(first.at, at).toFixed(1)}s`;
  const [start = "", ...more] = wrap(detail, Math.max(view.columns - watchIndent, 20));
  const head = `${paint("quiet", after.padStart(watchClock))}  ${paint(tone, pad(what, watchWhat))}  ${start}`;
  return `${[head.trimEnd(), ...more.map((line) => " ".repeat(watchIndent) + line)].join("\n")}\n`;
}

const watchClock = 8;
const watchWhat = 15;
const watchIndent = watchClock + watchWhat + 4;

export function eventsBegan({ at }: RecordedEvent, { colours }: View): string {
  return `${paintFor(colours)("quiet", `began ${dateText(at)}`)}\n`;
}

function describe(event: ExecutionEvent): Line {
  switch (event.type) {
    case "ExecutionRequested":
      return { what: "requested", detail: `${requestText(event)}, ${event.mode}` };
    case "Planned": {
      const { template, steps, risk } = event.plan;
      return {
        what: "planned",
        detail: `${template.name}: ${steps.map(({ name }) => name).join(", ")}; ${risk} risk`,
      };
    }
    case "GateDecided": {
      const { gate } = event;
      const reasons = gate.reasons.map(({ rule, reason }) => `${rule}: ${reason}`).join("; ");
      const needs = gate.kind === "approval" ? `needs ${demandsText(gate.demands)}` : "";
      const tone = gate.kind === "open" ? "plain" : "attention";
      return {
        what: `gate ${gate.kind}`,
        detail: [needs, reasons].filter((part) => part !== "").join("; "),
        tone,
      };
    }
    case "ApprovalLifted":
      return { what: "approvals lifted", detail: liftText(event), tone: "attention" };
    case "HoldRequested":
    case "PlanEdited":
    case "RepairPrepared":
    case "ApprovalRequested":
    case "ApproversAdded":
    case "ApprovalGranted":
    case "ApprovalDenied":
    case "ApprovalExpired":
      return describeApproval(event);
    case "AlertJoined":
      return { what: "alert joined", detail: `${event.alert.name} (${event.alert.fingerprint})` };
    case "AlertResolved":
      return { what: "alert resolved", detail: event.fingerprint, tone: "good" };
    case "Claimed":
      return { what: "started", detail: event.keys.length === 0 ? "" : `holds ${event.keys.join(", ")}` };
    case "Paused":
    case "Resumed":
    case "CancelRequested":
      return describeControl(event);
    case "FallbackChosen":
      return { what: "fallback", detail: `${event.template}: ${event.reason}`, tone: "attention" };
    case "AssessmentMade": {
      const tones = { effective: "good", ineffective: "bad", inconclusive: "attention" } as const;
      const detail = event.evidence.map(({ finding }) => finding).join("; ");
      return { what: event.verdict, detail, tone: tones[event.verdict] };
    }
    case "Ended": {
      const good = event.outcome === "succeeded" || event.outcome === "observed";
      const person = event.escalated ? "; a person has to look at it" : "";
      return { what: event.outcome, detail: `${event.reason}${person}`, tone: good ? "good" : "bad" };
    }
    default:
      return describeStep(event);
  }
}

type ControlEvent = Extract<ExecutionEvent, { readonly type: "Paused" | "Resumed" | "CancelRequested" }>;

function describeControl(event: ControlEvent): Line {
  const detail = `by ${event.by}: ${event.reason}`;
  switch (event.type) {
    case "Paused": {
      const until = untilText(event.until);
      const paused = `${scopeText(event.scope)}, by ${event.by}${until}: ${event.reason}`;
      return { what: "paused", detail: paused, tone: "attention" };
    }
    case "Resumed":
      return { what: "resumed", detail };
    case "CancelRequested": {
      const kept = event.keep ? " (what was done stays)" : "";
      return { what: "cancel asked", detail: `${detail}${kept}`, tone: "attention" };
    }
    default:
      return unreachable(event);
  }
}

function requestText({ alert, match, byHand, follows }: ExecutionRequested): string {
  if (follows !== undefined) return `${alert.name}: takes back what execution ${follows} left in place`;
  return byHand === undefined
    ? `${alert.name}: rule ${match.rule}`
    : `started by ${byHand.by}: ${byHand.reason}${byHand.again === undefined ? "" : ` (${byHand.again.execution} again)`}`;
}

type ApprovalEvent = Extract<
  ExecutionEvent,
  {
    readonly type:
      | "HoldRequested"
      | "PlanEdited"
      | "RepairPrepared"
      | "ApprovalRequested"
      | "ApproversAdded"
      | "ApprovalGranted"
      | "ApprovalDenied"
      | "ApprovalExpired";
  }
>;

function describeApproval(event: ApprovalEvent): Line {
  switch (event.type) {
    case "HoldRequested":
      return { what: "hold requested", detail: `by ${event.by}, beside the request`, tone: "attention" };
    case "PlanEdited":
      return {
        what: "plan edited",
        detail: [`by ${event.by.join(", ")}`, ...changeLines(event.changes)].join("; "),
        tone: "attention",
      };
    case "RepairPrepared":
      return {
        what: "repair prepared",
        detail: `${effectText(event.effect)}, to be merged into ${event.effect.base}`,
      };
    case "ApprovalRequested":
      return {
        what: "approval asked",
        detail: `branch ${event.branch}, until ${dateText(event.expiresAt)}`,
        tone: "attention",
      };
    case "ApproversAdded":
      return {
        what: "others asked",
        detail: `nobody has decided: ${event.added.flatMap(({ from }) => from).join(", ")} may approve too`,
        tone: "attention",
      };
    case "ApprovalGranted":
      return {
        what: "approved",
        detail: `by ${event.approvals.map(({ by }) => by).join(", ")}`,
        tone: "good",
      };
    case "ApprovalDenied":
      return {
        what: "rejected",
        detail: `${event.by === null ? "" : `by ${event.by}: `}${event.reason}`,
        tone: "attention",
      };
    case "ApprovalExpired":
      return { what: "expired", detail: "nobody approved it in time", tone: "attention" };
    default:
      return unreachable(event);
  }
}

type StepEvent = Extract<ExecutionEvent, { readonly step: string }>;

function describeStep(event: StepEvent): Line {
  const { step } = event;
  switch (event.type) {
    case "StepStarted":
      return {
        what: "step started",
        detail: `${step}: ${event.call.action}${onWhat(event.effect)}${tries(event)}`,
      };
    case "StepSucceeded":
      return { what: "step succeeded", detail: step, tone: "good" };
    case "StepFailed": {
      const changed = event.changed ? " (after its change)" : "";
      return {
        what: "step failed",
        detail: `${step}: ${event.code}, ${event.message}${changed}`,
        tone: "bad",
      };
    }
    case "StepSkipped":
      return { what: "step skipped", detail: `${step}: ${event.reason}`, tone: "quiet" };
    case "StepOutcomeUnknown":
      return { what: "outcome unknown", detail: `${step}: ${event.message}`, tone: "bad" };
    case "RetryScheduled":
      return {
        what: "retry",
        detail: `${step}: attempt ${event.attempt} at ${dateText(event.at)}`,
        tone: "attention",
      };
    case "AlternativeChosen":
      return { what: "alternative", detail: `${step}: ${event.action}`, tone: "attention" };
    case "StepAdapted":
      if (event.what === "start")
        return { what: "step waits", detail: `${step}: ${event.reason}`, tone: "attention" };
      return {
        what: "step adapted",
        detail: `${step}: ${event.what} ${JSON.stringify(event.from)} -> ${JSON.stringify(event.to)}: ${event.reason}`,
        tone: "attention",
      };
    case "UndoStarted":
      return {
        what: "undo started",
        detail: `${step}${onWhat(event.effect)}${tries(event)}`,
        tone: "attention",
      };
    case "StepUndone":
      return {
        what: "step undone",
        detail: event.note === "" ? step : `${step}: ${event.note}`,
        tone: "good",
      };
    case "UndoFailed":
      return { what: "undo failed", detail: `${step}: ${event.code}, ${event.message}`, tone: "bad" };
    default:
      return unreachable(event);
  }
}

function onWhat(effect: Effect | null): string {
  if (effect === null) return "";
  return ` ${effect.kind === "send" || effect.kind === "request" || effect.kind === "branch" ? "to" : "on"} ${effectText(effect)}`;
}

function tries({ attempt }: { readonly attempt: number }): string {
  return attempt > 1 ? ` (attempt ${attempt})` : "";
}
