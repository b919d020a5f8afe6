// The steps of an execution on a terminal: state, duration, and what each changed, field by field.
import type { Change, Execution, StepState, StepStatus } from "../domain/execution/execution.ts";
import { finallySteps, newStep, planInUse } from "../domain/execution/execution.ts";
import { objectText } from "../domain/facts/objects.ts";
import { secondsBetween } from "../domain/instant.ts";
import type { Json } from "../domain/json.ts";
import { changeLines as diffLines } from "../domain/planning/change-text.ts";
import { type Effect, effectText, type FieldChange, type Preview } from "../domain/planning/effect.ts";
import type { PlannedStep } from "../domain/planning/plan.ts";
import { unreachable } from "../domain/problem.ts";
import { clockText, pad, tookText, width, wrap } from "./layout.ts";
import type { Paint, Tone } from "./paint.ts";

export interface StepsView {
  readonly columns: number;
  readonly now: string;
  readonly paint: Paint;
}

/** A change that is longer stays two lines of a diff. */
const maxPair = 70;
const symbols: Record<StepStatus, string> = {
  pending: "○",
  running: "●",
  retrying: "↻",
  succeeded: "✔",
  failed: "✖",
  skipped: "–",
  unknown: "?",
};
const tones: Record<StepStatus, Tone> = {
  pending: "quiet",
  running: "strong",
  retrying: "attention",
  succeeded: "good",
  failed: "bad",
  skipped: "quiet",
  unknown: "bad",
};

export function renderSteps(
  state: Execution,
  previews: readonly Preview[],
  view: StepsView,
): readonly string[] {
  const steps = shownSteps(state);
  const rows = steps.map((step) => row(state, step, view));
  const names = Math.max(0, ...rows.map(({ name }) => width(name)));
  const actions = Math.max(0, ...rows.map(({ action }) => width(action)));
  const tails = Math.max(0, ...rows.map(({ tail }) => width(tail)));
  const wide = names + actions + tails + 8 <= view.columns;
  return steps.flatMap((step, index) => {
    const { name, action, tail, symbol, tone } = rows[index] ?? row(state, step, view);
    const start = `  ${view.paint(tone, symbol)} `;
    const head = wide
      ? [
          `${start}${view.paint("strong", pad(name, names))}  ${view.paint("quiet", pad(action, actions))}  ${view.paint(tone, tail)}`,
        ]
      : [
          `${start}${view.paint("strong", name)} ${view.paint(tone, tail)}`,
          view.paint("quiet", `    ${action}`),
        ];
    return [...head, ...body(details(state, step, previews), view)];
  });
}

/** In the order in which they may run; the fallback's only once it was chosen. */
function shownSteps(state: Execution): readonly PlannedStep[] {
  const { plan } = state;
  if (plan === null) return [];
  const inUse = planInUse(state, plan);
  return [...plan.steps, ...(inUse === plan ? [] : inUse.steps), ...finallySteps(state, plan)];
}

interface Row {
  readonly symbol: string;
  readonly tone: Tone;
  readonly name: string;
  readonly action: string;
  readonly tail: string;
}

function row(state: Execution, planned: PlannedStep, { now }: StepsView): Row {
  const step = stepOf(state, planned);
  const status = step.status === "pending" && state.phase === "ended" ? "not run" : step.status;
  return {
    symbol: symbols[step.status],
    tone: tones[step.status],
    name: planned.name,
    action: step.call?.action ?? planned.call.action,
    tail: [status, ...timing(step, now)].join(" "),
  };
}

function body(lines: readonly (readonly [Tone, string])[], { columns, paint }: StepsView): readonly string[] {
  return lines.flatMap(([tone, text]) =>
    wrap(text, columns - 6).map((line, index) => paint(tone, `${index === 0 ? "    " : "      "}${line}`)),
  );
}

function timing(step: StepState, now: string): readonly string[] {
  const tries = step.attempt > 1 ? [`(${step.attempt} attempts)`] : [];
  if (step.status === "retrying") return [`at ${clockText(step.retryAt ?? now)}`, ...tries];
  if (step.startedAt === null) return [];
  const until = step.status === "running" ? now : (step.endedAt ?? now);
  return [
    `${step.status === "running" ? "for" : "in"} ${tookText(secondsBetween(step.startedAt, until))}`,
    ...tries,
  ];
}

function details(
  state: Execution,
  planned: PlannedStep,
  previews: readonly Preview[],
): readonly (readonly [Tone, string])[] {
  const step = stepOf(state, planned);
  const lines: [Tone, string][] = [];
  for (const text of step.adapted) lines.push(["quiet", `adapted: ${text}`]);
  if (step.waitsFor !== null) lines.push(["attention", `waits: ${step.waitsFor}`]);
  if (step.skipped !== null) lines.push(["quiet", step.skipped.reason]);
  if (step.failure !== null) lines.push(["bad", `${step.failure.code}: ${step.failure.message}`]);
  const changes = state.changes.filter((change) => change.step === planned.name);
  for (const change of changes) lines.push(...changeLines(change, step));
  const untouched = changes.length === 0 && (step.status === "pending" || step.status === "skipped");
  const preview =
    untouched && planned.changes && previews.find((candidate) => candidate.step === planned.name);
  if (preview) {
    lines.push(["quiet", `would: ${preview.summary}${preview.source === "estimated" ? " (estimated)" : ""}`]);
    lines.push(...fieldLines(preview.changes, "quiet"));
    if (preview.refused !== undefined && step.failure === null)
      lines.push(["attention", `when it was planned this was refused: ${preview.refused}`]);
  }
  return lines;
}

function changeLines(change: Change, step: StepState): readonly [Tone, string][] {
  const happening = step.status === "running" && step.attempt === change.attempt;
  const lines = effectLines(
    change.effect,
    happening ? "now" : step.status === "unknown" ? "perhaps" : "done",
  );
  const note = change.undoNote === null ? "" : `: ${change.undoNote}`;
  switch (change.undoStatus) {
    case "undone":
      return [...lines, ["good", `↺ undone${note}`]];
    case "failed":
      return [...lines, ["bad", `✖ not undone${note}`]];
    case "running":
    case "retrying":
      return [...lines, ["attention", `↺ undoing${note}`]];
    case "none":
      return lines;
    default:
      return unreachable(change.undoStatus);
  }
}

type Tense = "now" | "done" | "perhaps";

function effectLines(effect: Effect, tense: Tense): readonly [Tone, string][] {
  switch (effect.kind) {
    case "patch":
      return [
        ["plain", `${verb("chang", tense)} ${objectText(effect.object)}`],
        ...fieldLines(effect.changes, "attention"),
      ];
    case "delete":
      return [["plain", `${verb("delet", tense)} ${objectText(effect.object)}`]];
    case "create":
      return [["plain", `${verb("creat", tense)} ${effectText(effect)}`]];
    case "branch":
      return [
        ["plain", `${verb("push", tense)} ${effectText(effect)}, to be merged into ${effect.base}`],
        ...effect.edits.map(({ path, line }): [Tone, string] => ["plain", `  ${path}:${line}`]),
      ];
    case "request":
      return [["plain", `${verb("call", tense)} ${effectText(effect)}`]];
    case "send":
      return [["plain", `${verb("notifi", tense)} ${effect.channel}: ${effect.message.title}`]];
    default:
      return unreachable(effect);
  }
}

/** `chang` -> changing, changed, perhaps changed. */
function verb(stem: string, tense: Tense): string {
  if (tense === "now") return stem === "notifi" ? "notifying" : `${stem}ing`;
  return tense === "perhaps" ? `perhaps ${stem}ed` : `${stem}ed`;
}

/** Notes that gitmend leaves for itself are left out. */
function fieldLines(changes: readonly FieldChange[], tone: Tone): readonly [Tone, string][] {
  const visible = changes.filter(
    ({ pointer }) => !/^\/metadata\/annotations(\/gitmend\.dev~1|$)/.test(pointer),
  );
  return joined(diffLines(visible, 20)).map((line) => [tone, line]);
}

/** `- a: 1`, `+ a: 2` -> `a: 1 -> 2` where that is short. */
function joined(lines: readonly string[]): readonly string[] {
  const result: string[] = [];
  for (const line of lines) {
    const before = result.at(-1);
    const at = line.indexOf(": ") + 2;
    const pair = line.startsWith("+ ") && before?.startsWith(`- ${line.slice(2, at)}`) === true;
    const short = pair ? `${before.slice(2)} -> ${line.slice(at)}` : line;
    if (pair && short.length <= maxPair) result.splice(-1, 1, short);
    else result.push(line);
  }
  return result;
}

export function valueText(value: Json | undefined): string {
  if (value === undefined) return "(absent)";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function stepOf(state: Execution, step: PlannedStep): StepState {
  return state.steps.get(step.name) ?? newStep;
}
