// Writes docs/reference/executions.md: which event may come in which phase, and the phase that follows, asked of `evolve`.
// `--check` writes nothing and fails when the committed file is not what would be written.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type ExecutionEvent, outcomes, type Phase, phases } from "../src/domain/execution/events.ts";
import { evolve } from "../src/domain/execution/evolve.ts";
import { type Execution, newExecution } from "../src/domain/execution/execution.ts";
import { legalPhases } from "../src/domain/execution/transitions.ts";
import type { Gate } from "../src/domain/gate/gate.ts";

type EventType = ExecutionEvent["type"];

const target = path.join(import.meta.dirname, "../docs/reference/executions.md");

const open: Gate = { kind: "open", reasons: [] };
const approval: Gate = { kind: "approval", demands: [], expiresSeconds: 1, reasons: [] };

/** What decides about the next phase besides the event's type. */
const variants: Readonly<Partial<Record<EventType, readonly object[]>>> = {
  ExecutionRequested: [{ alert: { cluster: "", fingerprint: "" } }],
  Planned: [{ plan: { steps: [], finally: [], fallback: null } }],
  GateDecided: [{ gate: open }, { gate: approval }],
  AlertJoined: [{ alert: { cluster: "", fingerprint: "" } }],
  ApproversAdded: [{ added: [] }],
  StepStarted: [{ effect: null }],
};

function stateIn(phase: Phase): Execution {
  const claimed = phase === "running" || phase === "undoing";
  const changes = phase === "undoing" ? ([{ step: "s" }] as unknown as Execution["changes"]) : [];
  return { ...newExecution, phase, claimed, changes };
}

function following(type: EventType, phase: Phase): string {
  if (!legalPhases[type].includes(phase)) return "";
  const next = (variants[type] ?? [{}]).map((parts) => {
    const event = { type, step: "s", ...parts } as unknown as ExecutionEvent;
    return evolve(stateIn(phase), { seq: 1, at: "2026-01-01T00:00:00.000Z", version: 1, event }).phase;
  });
  return [...new Set(next)].join(" or ");
}

function document(): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const types = Object.keys(legalPhases) as EventType[];
  return [
    "# Executions: events and phases",
    "",
    "An execution is a stream of events. This page is generated (`npm run generate`) from the code that folds them.",
    "A cell is the phase after the event; an empty one means that the event cannot come in that phase.",
    "",
    row(["event", ...phases]),
    row(["---", ...phases.map(() => "---")]),
    ...types.map((type) => row([`\`${type}\``, ...phases.map((phase) => following(type, phase))])),
    "",
    "`finally` steps follow an undo in the phase `undoing`; an observing execution runs the steps that only read while it is `waiting` or `awaiting_approval`.",
    "",
    `Every stream ends with one \`Ended\`; only \`AssessmentMade\` may follow. Outcomes: ${outcomes.map((outcome) => `\`${outcome}\``).join(", ")}.`,
    "",
  ].join("\n");
}

const text = document();
if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8").catch(() => "");
  if (committed !== text) {
    console.error("docs/reference/executions.md is not current: npm run generate");
    process.exitCode = 1;
  }
} else {
  await writeFile(target, text);
}
