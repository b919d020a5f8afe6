// `gitmend simulate` on a terminal: match, reasons, plan, gate, and what of it is assumed.
import { objectText } from "../domain/facts/objects.ts";
import type { Gate } from "../domain/gate/gate.ts";
import { demandsText } from "../domain/gate/judge-approval.ts";
import type { Plan } from "../domain/planning/plan.ts";
import type { Selection } from "../domain/policies/selection.ts";
import { unreachable } from "../domain/problem.ts";
import { cleanAll } from "./layout.ts";
import { paintFor, type Tone } from "./paint.ts";
import type { View } from "./render-execution.ts";
import { section } from "./section.ts";
import type { Simulation } from "./simulate-alert.ts";

const assumed =
  "no cluster was asked: a target without spec and status, a namespace without labels, no history";
type Line = readonly [tone: Tone, text: string];

export function renderSimulation(simulation: Simulation, view: View): string {
  const { alert, target, selection, plan, gate, problem } = cleanAll(simulation);
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
    ["MATCH", matchLines(selection)],
    [
      "PLAN",
      problem === null
        ? plan === null
          ? []
          : planLines(plan)
        : [["attention", `no plan from files alone: ${problem}`]],
    ],
    ["GATE", gate === null ? [] : gateLines(gate)],
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

function matchLines(selection: Selection): readonly Line[] {
  const reasons = selection.reasons.map((reason): Line => ["plain", `- ${reason}`]);
  switch (selection.kind) {
    case "match":
      return [["good", `${selection.rule} -> ${selection.template}`], ...reasons];
    case "escalate":
      return [["attention", `${selection.rule} -> people: ${selection.message}`], ...reasons];
    case "undecided":
      return [
        ["attention", `undecided: ${selection.rule} needs the ${selection.fact} (${selection.why})`],
        ...reasons,
      ];
    case "none":
      return [["attention", "no rule chooses a template"], ...reasons];
    default:
      return unreachable(selection);
  }
}

function planLines({ template, risk, steps }: Plan): readonly Line[] {
  return [
    ["plain", `${template.name}, ${risk} risk`],
    ...steps.map((step): Line => {
      const after = step.dependsOn.length === 0 ? "" : ` after ${step.dependsOn.join(", ")}`;
      return ["plain", `- ${step.name}${after}: ${step.call.action} ${JSON.stringify(step.call.input)}`];
    }),
  ];
}

function gateLines(gate: Gate): readonly Line[] {
  const reasons = gate.reasons.map(({ rule, reason }): Line => ["plain", `- ${rule}: ${reason}`]);
  switch (gate.kind) {
    case "open":
      return [["good", "open: no approval needed"], ...reasons];
    case "approval":
      return [["attention", `approval: ${demandsText(gate.demands)}`], ...reasons];
    case "refused":
      return [["bad", "refused"], ...reasons];
    default:
      return unreachable(gate);
  }
}
