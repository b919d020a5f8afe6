// The message that tells people of an escalation. Plain text; a channel that knows a syntax escapes it.
import type { RecordedEvent } from "../execution/events.ts";
import type { Execution } from "../execution/execution.ts";
import { objectText } from "../facts/objects.ts";
import { oneLine, shortened } from "../plain-text.ts";
import { redactText } from "../redact.ts";
import { escalationOf } from "./escalation.ts";
import type { ByHand } from "./undo-commands.ts";

export interface EscalationMessage {
  readonly title: string;
  readonly text: string;
  readonly severity: string;
}

/** What most receivers take; the rest is a command away. */
const longestText = 8_000;

/** null: nobody has to look at it. */
export function escalationMessage(
  executionId: string,
  state: Execution,
  events: readonly RecordedEvent[],
): EscalationMessage | null {
  const escalation = escalationOf(executionId, state, events);
  if (escalation === null) return null;
  const { fired, tried, found, undo, finish, goOn, runbook } = escalation;
  const target = state.plan?.target ?? null;
  const about = target === null ? (state.alert?.cluster ?? "") : objectText(target);
  const parts = [
    [oneLine(redactText(state.endReason ?? ""), 500)],
    titled("Go on", goOn),
    titled("Fired", fired),
    titled("Tried", tried),
    titled("Found at the end", found),
    titled("To undo it by hand", undo.flatMap(byHandLines)),
    titled("To finish it by hand", finish.flatMap(byHandLines)),
    titled("Runbook", runbook === null ? [] : [runbook]),
  ].filter((lines) => lines.length > 0);
  return {
    title: oneLine(
      redactText(`${state.outcome}: ${state.alert?.name ?? ""} on ${about} needs a person`),
      200,
    ),
    text: shortened(parts.map((lines) => lines.join("\n")).join("\n\n"), longestText),
    severity: state.alert?.severity === "" ? "warning" : (state.alert?.severity ?? "warning"),
  };
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

function byHandLines({ step, object, commands, note }: ByHand): readonly string[] {
  return [`${step} on ${object}${note === "" ? "" : `: ${note}`}`, ...commands.map((line) => `  ${line}`)];
}
