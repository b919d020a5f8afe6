// The events of an execution as lines of the demo's story. Pure.
import type { ExecutionEvent } from "../domain/execution/events.ts";
import { objectText } from "../domain/facts/objects.ts";
import { changeLines } from "../domain/planning/change-text.ts";
import type { Tone } from "./paint.ts";

/** One fact: a mark, a word for what it is about, a text; `details` stand below it. */
export interface DemoLine {
  readonly mark: string;
  readonly tone: Tone;
  readonly label: string;
  readonly text: string;
  readonly details?: readonly string[];
  /** Stands above the line. */
  readonly heading?: string;
}

type Event<T extends ExecutionEvent["type"]> = Extract<ExecutionEvent, { type: T }>;

/** Empty for events that the story leaves out. */
export function demoLines(event: ExecutionEvent): readonly DemoLine[] {
  switch (event.type) {
    case "ExecutionRequested":
      return [matched(event)];
    case "Planned":
      return planned(event);
    case "GateDecided":
      return [gate(event)];
    case "StepSucceeded":
      return [{ mark: "✔", tone: "good", label: "step", text: `${event.step} succeeded` }];
    case "StepFailed":
      return [{ mark: "✖", tone: "bad", label: "step", text: `${event.step} failed: ${event.message}` }];
    case "StepSkipped":
      return [{ mark: "–", tone: "quiet", label: "step", text: `${event.step} skipped: ${event.reason}` }];
    case "StepStarted":
      return [{ mark: "▸", tone: "strong", label: "step", text: `${event.step}: ${event.call.action}` }];
    case "AlertJoined":
      return [
        {
          mark: "+",
          tone: "attention",
          label: "joined",
          text: `${event.alert.name}: the same target, so the same execution`,
        },
      ];
    case "Ended":
      return [ended(event)];
    case "AssessmentMade":
      return event.again === null ? [assessed(event)] : [];
    default:
      return [];
  }
}

function matched({ match }: Event<"ExecutionRequested">): DemoLine {
  const heading = "What gitmend does about it";
  return {
    mark: "→",
    tone: "strong",
    label: "match",
    text: `rule ${match.rule} chooses ${match.template}`,
    details: match.reasons.map(briefly),
    heading,
  };
}

/** The story needs who matched and who did not; `executions show` has the whole reason. */
function briefly(reason: string): string {
  return reason.split(":", 1)[0] ?? reason;
}

function planned({ plan, previews }: Event<"Planned">): readonly DemoLine[] {
  const steps = plan.steps.map(({ name }) => name).join(" → ");
  return [
    {
      mark: "→",
      tone: "strong",
      label: "target",
      text: plan.target === null ? "none" : objectText(plan.target),
    },
    { mark: "→", tone: "strong", label: "plan", text: `${steps}; risk ${plan.risk}`, details: [plan.digest] },
    ...previews.map(
      ({ summary, changes }): DemoLine => ({
        mark: " ",
        tone: "plain",
        label: "change",
        text: summary,
        details: changeLines(changes, 12),
      }),
    ),
  ];
}

function gate({ gate: decided }: Event<"GateDecided">): DemoLine {
  const text =
    decided.kind === "open"
      ? "open: no guard asks for people"
      : decided.reasons.map(({ reason }) => reason).join("; ");
  return { mark: "→", tone: "strong", label: "gate", text };
}

function ended({ outcome, reason }: Event<"Ended">): DemoLine {
  const good = outcome === "succeeded";
  return {
    mark: good ? "✔" : "✖",
    tone: good ? "good" : "bad",
    label: "ended",
    text: `${outcome}: ${reason}`,
  };
}

function assessed({ verdict, evidence }: Event<"AssessmentMade">): DemoLine {
  return {
    mark: verdict === "effective" ? "✔" : "✖",
    tone: verdict === "effective" ? "good" : "attention",
    label: "assessed",
    text: verdict,
    details: evidence.map(({ finding }) => finding),
    heading: "Did it help? Asked after ten minutes, here after seconds",
  };
}
