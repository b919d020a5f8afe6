// What people are told when gitmend needs them: what fired, what was tried, how things are, what to type. One set of sentences for
// the message, the report and `executions show`. Free text in it is not escaped yet: each of them has a syntax of its own.
import type { RecordedEvent } from "../execution/events.ts";
import { type Execution, finallySteps, planInUse, stateOf } from "../execution/execution.ts";
import { type ObjectRef, objectText } from "../facts/objects.ts";
import { shortId } from "../gate/approval-file.ts";
import { oneLine } from "../plain-text.ts";
import { foundText } from "../planning/change-text.ts";
import type { FieldChange } from "../planning/effect.ts";
import { everyStep } from "../planning/plan.ts";
import { redactText } from "../redact.ts";
import { escalationName } from "../templates/escalation.ts";
import { type ByHand, doByHand, undoByHand } from "./undo-commands.ts";

export interface Escalation {
  /** What fired, since when, and what it says of itself. */
  readonly fired: readonly string[];
  /** Each attempt, oldest first, with its time. */
  readonly tried: readonly string[];
  /** Each changed object, as it was when the execution ended. */
  readonly found: readonly string[];
  /** What is left of the changes, newest first. */
  readonly undo: readonly ByHand[];
  /** What was to be done and was not. */
  readonly finish: readonly ByHand[];
  /** Commands of gitmend that go on from here. */
  readonly goOn: readonly string[];
  /** As the alert names it; a text, never fetched. */
  readonly runbook: string | null;
}

const mostAttempts = 30;

/** null: nobody has to look at it. */
export function escalationOf(
  executionId: string,
  state: Execution,
  events: readonly RecordedEvent[],
): Escalation | null {
  if (!state.escalated) return null;
  const last = new Set(state.plan === null ? [] : finallySteps(state, state.plan).map(({ name }) => name));
  return {
    fired: firedLines(state),
    tried: newest(triedLines(state, events), executionId),
    found: state.found.flatMap(foundLines),
    undo: undoByHand(state.changes.filter(({ step }) => !last.has(step))),
    finish: finishByHand(state),
    goOn: goOnCommands(executionId, state),
    runbook: runbookOf(state),
  };
}

function firedLines({ alert, byHand, follows, firing, alerts }: Execution): readonly string[] {
  if (alert === null) return [];
  if (follows !== null)
    return [
      `${free(alert.name)} in ${alert.cluster} since ${alert.startsAt.slice(0, 19)}Z; what execution ${shortId(follows)} left in place for it was to be taken back`,
    ];
  if (byHand !== null) return [`nothing: ${byHand.by} started it: ${free(byHand.reason)}`];
  const severity = alert.severity === "" ? "" : ` (${alert.severity})`;
  const still = firing.size === 0 ? "resolved" : `${firing.size} of ${alerts.size} fired still at the end`;
  const said = alert.annotations["summary"] ?? alert.annotations["description"] ?? "";
  return [
    `${free(alert.name)}${severity} in ${alert.cluster} since ${alert.startsAt.slice(0, 19)}Z; ${still}`,
    ...(said === "" ? [] : [free(said)]),
  ];
}

function triedLines(state: Execution, events: readonly RecordedEvent[]): readonly string[] {
  const steps = state.plan === null ? [] : everyStep(state.plan);
  const actions = new Map(steps.map(({ name, call }) => [name, call.action]));
  return events.flatMap(({ at, event }) => {
    if (event.type === "StepStarted") actions.set(event.step, event.call.action);
    const line = attemptText(event, (step) => actions.get(step) ?? "");
    return line === null ? [] : [`${at.slice(11, 19)} ${line}`];
  });
}

function attemptText(event: RecordedEvent["event"], actionOf: (step: string) => string): string | null {
  switch (event.type) {
    case "StepSucceeded":
      return `${event.step} (${actionOf(event.step)}): succeeded`;
    case "StepFailed":
      return `${event.step} (${actionOf(event.step)})${which(event.attempt)}: failed${event.changed ? " after a change" : ""}: ${event.code}, ${free(event.message)}`;
    case "StepOutcomeUnknown":
      return `${event.step} (${actionOf(event.step)}): nobody knows whether it happened: ${free(event.message)}`;
    case "StepUndone":
      return `undo of ${event.step}: done`;
    case "UndoFailed":
      return `undo of ${event.step}${which(event.attempt)}: failed: ${event.code}, ${free(event.message)}`;
    case "FallbackChosen":
      return `fallback ${event.template}`;
    default:
      return null;
  }
}

function which(attempt: number): string {
  return attempt > 1 ? `, attempt ${attempt}` : "";
}

function newest(lines: readonly string[], executionId: string): readonly string[] {
  if (lines.length <= mostAttempts) return lines;
  const more = `${lines.length - mostAttempts} earlier: gitmend executions events ${shortId(executionId)}`;
  return [more, ...lines.slice(-mostAttempts)];
}

function foundLines({ object, state, problem, changes }: Execution["found"][number]): readonly string[] {
  const name = objectText(object);
  switch (state) {
    case "gone":
      return [`${name}: is gone`];
    case "replaced":
      return [`${name}: is another one of the same name`];
    case "unread":
      return [`${name}: could not be read: ${free(problem ?? "")}`];
    case "there":
      return changes.length === 0
        ? [`${name}: is there`]
        : changes.map((change) => `${name}: ${fieldText(object, change)}`);
  }
}

function fieldText({ kind }: ObjectRef, change: FieldChange): string {
  return kind === "Secret" ? `${change.pointer} (not shown)` : foundText(change);
}

/** Of the steps that failed or may not have happened; what never began has no exact change yet. */
function finishByHand(state: Execution): readonly ByHand[] {
  const { plan } = state;
  if (plan === null) return [];
  return [...planInUse(state, plan).steps, ...finallySteps(state, plan)].flatMap((step) => {
    const { status, effect } = stateOf(state, step);
    return effect !== null && (status === "failed" || status === "unknown")
      ? [doByHand(step.name, effect)]
      : [];
  });
}

function goOnCommands(executionId: string, { plan, follows }: Execution): readonly string[] {
  const id = shortId(executionId);
  const remedy = plan !== null && plan.template.name !== escalationName && follows === null;
  return [
    `gitmend executions show ${id}`,
    ...(follows === null ? [] : [`gitmend executions show ${shortId(follows)}`]),
    ...(remedy ? [`gitmend executions retry ${id} --reason "…"`] : []),
    `gitmend executions acknowledge ${id}`,
  ];
}

function runbookOf({ alert }: Execution): string | null {
  const url = alert?.annotations["runbook_url"] ?? "";
  return url === "" ? null : free(url);
}

/** On one line, without secrets. */
function free(text: string): string {
  return oneLine(redactText(text), 500);
}
