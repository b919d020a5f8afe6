// execution.yaml: the same record for programs, grouped by what people look for. events.jsonl is the proof, this the reading copy.
import type { Execution } from "../execution/execution.ts";
import type { Json } from "../json.ts";
import { everyStep } from "../planning/plan.ts";
import type { Story } from "./story.ts";
import { yamlText } from "./yaml-text.ts";

export function renderExecutionFile(story: Story): string {
  const { state, match, alert } = story;
  const record = {
    format: 1,
    execution: story.executionId,
    incident: state.incident,
    mode: state.mode,
    phase: state.phase,
    outcome: state.outcome,
    reason: state.endReason,
    escalated: state.escalated,
    target: state.plan?.target ?? null,
    requestedAt: story.events[0]!.at,
    startedAt: state.startedAt,
    endedAt: story.endedAt,
    revision: state.revision,
    alert,
    joined: [...state.alerts.values()].slice(1),
    match,
    ...(state.byHand === null ? {} : { byHand: state.byHand }),
    ...(state.follows === null ? {} : { follows: state.follows }),
    gate: state.gate,
    ...(state.gateAgain === null ? {} : { gateAgain: state.gateAgain }),
    approval:
      state.approval === null ? null : { ...state.approval, type: undefined, approvals: story.approvals },
    ...(state.fallbackAt === null
      ? {}
      : { fallback: { template: state.plan?.fallback?.template.name, at: state.fallbackAt } }),
    steps: stepsOf(state),
    assessment: state.assessment === null ? null : { ...state.assessment, type: undefined },
    changes: state.changes,
    plan: state.plan,
  };
  return yamlText(record as unknown as Json);
}

/** What was or could have been reached: not the steps of a fallback or of `finally` that nobody began. */
function stepsOf({ plan, steps }: Execution): readonly object[] {
  const own = new Set(plan?.steps.map(({ name }) => name));
  const planned = new Map(plan === null ? [] : everyStep(plan).map((step) => [step.name, step]));
  return [...steps]
    .filter(([name, { status }]) => own.has(name) || status !== "pending")
    .map(([name, { call, status, attempt, startedAt, endedAt, output, failure, skipped }]) => ({
      name,
      action: call?.action ?? planned.get(name)?.call.action ?? null,
      subject: planned.get(name)?.subject ?? undefined,
      status,
      attempts: attempt,
      startedAt,
      endedAt,
      output,
      ...(failure === null ? {} : { failure }),
      ...(skipped === null ? {} : { skipped }),
    }));
}
