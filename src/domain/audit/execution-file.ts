// execution.yaml: the same record for programs, grouped by what people look for. events.jsonl is the proof, this the reading copy.
import { stringify } from "yaml";
import type { Json } from "../json.ts";
import { redactJson } from "../redact.ts";
import type { Story } from "./story.ts";

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
    joined: state.alerts.slice(1),
    match,
    gate: state.gate,
    approval:
      state.approval === null ? null : { ...state.approval, type: undefined, approvals: story.approvals },
    steps: [...state.steps].map(
      ([name, { call, status, attempt, startedAt, endedAt, output, failure, skipped }]) => ({
        name,
        action: call?.action ?? state.plan?.steps.find((step) => step.name === name)?.call.action ?? null,
        status,
        attempts: attempt,
        startedAt,
        endedAt,
        output,
        ...(failure === null ? {} : { failure }),
        ...(skipped === null ? {} : { skipped }),
      }),
    ),
    changes: state.changes,
    plan: state.plan,
  };
  return stringify(redactJson(JSON.parse(JSON.stringify(record)) as Json), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}
