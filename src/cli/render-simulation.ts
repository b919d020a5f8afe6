// `gitmend simulate` on a terminal: match, reasons, plan, gate, and what of it is assumed.
import { boundsText } from "../controller/adapt-step.ts";
import { objectText } from "../domain/facts/objects.ts";
import type { Gate } from "../domain/gate/gate.ts";
import { demandsText } from "../domain/gate/judge-approval.ts";
import type { ActionCall, Plan, PlannedStep, Undo } from "../domain/planning/plan.ts";
import type { Selection } from "../domain/policies/selection.ts";
import { unreachable } from "../domain/problem.ts";
import { powerText } from "../domain/templates/scope.ts";
import { cleanAll } from "./layout.ts";
import { paintFor, type Tone } from "./paint.ts";
import type { View } from "./render-execution.ts";
import { section } from "./section.ts";
import type { Simulation } from "./simulate-alert.ts";

const assumed =
  "no cluster was asked: a target without spec and status, a namespace without labels, no history, nothing under way";
type Line = readonly [tone: Tone, text: string];

export function renderSimulation(simulation: Simulation, view: View): string {
  const shown = cleanAll(simulation);
  const { alert, target } = shown;
  const labels = Object.entries(alert.labels).map(([key, value]) => `${key}=${value}`);
  const sections: readonly (readonly [string, readonly Line[]])[] = [
    [
      "ALERT",
      [
        ["strong", `${alert.name} (${alert.status})`],
        ["quiet", labels.join(" ")],
      ],
    ],
    ["TARGET", [["plain", target === null ? "none" : objectText(target)]]],
    ["ASSUMED", [["quiet", assumed]]],
    ["MATCH", matchLines(shown)],
    ["PLAN", planLines(shown)],
    ["GATE", gateLines(shown)],
  ];
  const screen = { columns: Math.max(view.columns, 30), paint: paintFor(view.colours) };
  const lines = sections.flatMap(([label, items]) =>
    section(
      label,
      items.map(([tone, text]) => ({ tone, text })),
      screen,
    ),
  );
  return `${lines.join("\n")}\n`;
}

function matchLines({ selection, rules }: Simulation): readonly Line[] {
  const asked = rules
    .filter(({ phase }) => phase === "selection")
    .map(({ text }): Line => ["plain", `- ${text}`]);
  // What is not a rule's answer: nobody is about the alert, parameters cannot be filled in.
  const texts = new Set(rules.map(({ text }) => text));
  const others = selection.reasons
    .filter((reason) => !texts.has(reason))
    .map((reason): Line => ["plain", `- ${reason}`]);
  return [choiceLine(selection), ...asked, ...others];
}

function choiceLine(selection: Selection): Line {
  switch (selection.kind) {
    case "match":
      return ["good", `${selection.rule} -> ${selection.template}`];
    case "escalate":
      return ["attention", `${selection.rule} -> people: ${selection.message}`];
    case "undecided":
      return ["attention", `undecided: ${selection.rule} needs the ${selection.fact} (${selection.why})`];
    case "exhausted":
      return ["attention", `${selection.rule}: nothing more is tried before ${selection.until}`];
    case "none":
      return ["attention", "no rule chooses a template"];
    default:
      return unreachable(selection);
  }
}

function planLines({ plan, problem }: Simulation): readonly Line[] {
  if (problem !== null) return [["attention", `no plan from files alone: ${problem}`]];
  if (plan === null) return [];
  const scopes = (plan.scopes ?? []).map((scope): Line => ["quiet", `scope ${powerText(scope)}`]);
  return [["plain", `${plan.template.name}, ${plan.risk} risk`], ...scopes, ...stepsOf(plan)];
}

function stepsOf(plan: Plan): readonly Line[] {
  const { steps, finally: last, whenResolved = [], fallback, fallbackImpossible } = plan;
  return [
    ...steps.flatMap(stepLines),
    ...(fallback === null
      ? []
      : [
          ["plain", `fallback, once, if that fails: ${fallback.template.name}`] as const,
          ...stepsOf(fallback),
        ]),
    ...(fallbackImpossible === null ? [] : [["attention", `no fallback: ${fallbackImpossible}`] as const]),
    ...(last.length === 0
      ? []
      : [["plain", "at the end, whatever happens:"] as const, ...last.flatMap(stepLines)]),
    ...(whenResolved.length === 0
      ? []
      : [["plain", "when the incident is over:"] as const, ...whenResolved.flatMap(stepLines)]),
  ];
}

function stepLines(step: PlannedStep): readonly Line[] {
  const { name, dependsOn, call, alternatives, undo } = step;
  const after = dependsOn.length === 0 ? "" : ` after ${dependsOn.join(", ")}`;
  return [
    ["plain", `- ${name}${after}: ${callText(call)}${boundsText(step)}`],
    ...alternatives.map((other): Line => ["quiet", `- ${name}, else: ${callText(other.call)}`]),
    ...undoLines(name, undo),
  ];
}

function undoLines(name: string, undo: Undo): readonly Line[] {
  switch (undo.how) {
    case "action":
      return [["quiet", `- ${name}, undone by: ${callText(undo.call)}`]];
    case "restore":
      return [["quiet", `- ${name}, undone by writing the old values back`]];
    case "stop":
      return [["quiet", `- ${name}, stopped while it runs; ${undo.why}`]];
    case "nothing":
      return [];
    default:
      return unreachable(undo);
  }
}

function callText({ action, input }: ActionCall): string {
  return `${action} ${JSON.stringify(input)}`;
}

function gateLines({ gate, mode, rules }: Simulation): readonly Line[] {
  if (gate === null) return [];
  const reasons = gate.reasons.map(({ rule, reason }): Line => ["plain", `- ${rule}: ${reason}`]);
  const silent = rules
    .filter(({ phase, state }) => phase === "guard" && state === "fails")
    .map(({ text }): Line => ["quiet", `- ${text}`]);
  const observed: readonly Line[] =
    mode === "observe" ? [["attention", "only observed: a policy says so"]] : [];
  return [gateLine(gate), ...observed, ...reasons, ...silent];
}

function gateLine(gate: Gate): Line {
  switch (gate.kind) {
    case "open":
      return ["good", "open: no approval needed"];
    case "approval":
      return ["attention", `approval: ${demandsText(gate.demands)}`];
    case "refused":
      return ["bad", "refused"];
    default:
      return unreachable(gate);
  }
}
