// What goes wrong while something that went wrong is dealt with. A row: what is on call's mind, what happened, how it ends.
// Every row is also played as by a controller that takes over after each single event and knows nothing but the events.
import { describe, expect, it } from "vitest";
import { answerCommand } from "../../../src/domain/execution/answer-command.ts";
import type { ExecutionEvent, RecordedEvent } from "../../../src/domain/execution/events.ts";
import { fold } from "../../../src/domain/execution/evolve.ts";
import { nextWork } from "../../../src/domain/execution/next-work.ts";
import { readSnapshot, snapshotText } from "../../../src/domain/execution/snapshot.ts";
import type { Work } from "../../../src/domain/execution/work.ts";
import { plusSeconds } from "../../../src/domain/instant.ts";
import type { Plan } from "../../../src/domain/planning/plan.ts";
import {
  alert,
  failed,
  plan,
  running,
  scaleEffect,
  start,
  started,
  step,
  succeeded,
} from "../../support/given.ts";

const steps = [step("scale"), step("restart", { dependsOn: ["scale"] })];
const last = { finally: [step("tell")] };
const fallback = plan([step("move"), step("roll-back", { dependsOn: ["move"] })]);

const bothDone = "start scale, ok scale, start restart, fail restart";
const undone = "undo restart, undone restart, undo scale, undone scale";
const inUndo = `${bothDone}, undo restart, undone restart, undo scale`;
const told = "start tell, ok tell";
const inFallback = `${bothDone}, ${undone}, fallback, start move, ok move, start roll-back`;
const fallbackFailed = `${inFallback}, fail roll-back`;
const fallbackUndone = "undo roll-back, undone roll-back, undo move, undone move";
const inFallbackUndo = `${fallbackFailed}, undo roll-back, undone roll-back, undo move`;
const inFinally = "start scale, ok scale, start restart, ok restart, start tell";

// biome-ignore format: it is a table
const table: readonly (readonly [what: string, happened: string, end: string])[] = [
  ["the undo fails once, then works",                  `${inUndo}, unreachable scale, undo scale, undone scale, resolve, ${told}`, "rolled_back, escalated"],
  ["the undo is refused: no fallback on top of it",    `${inUndo}, refused scale, ${told}`,                         "rollback_incomplete, escalated"],
  ["the undo fails once, then is given up",            `${inUndo}, unreachable scale, undo scale, refused scale, ${told}`, "rollback_incomplete, escalated"],
  ["one undo is refused: the others are still done",   `${bothDone}, undo restart, refused restart, undo scale, undone scale, ${told}`, "rollback_incomplete, escalated"],

  ["cancel during undo: no fallback",                  `${inUndo}, cancel, undone scale, ${told}`,                  "cancelled"],
  ["cancel during undo cannot keep what is left",      `${inUndo}, keep, unreachable scale, undo scale, undone scale, ${told}`, "cancelled"],
  ["cancel during undo, and the undo is refused",      `${inUndo}, cancel, refused scale, ${told}`,                 "rollback_incomplete, escalated"],
  ["resolve during undo: undone all the same",         `${inUndo}, resolve, undone scale, ${told}`,                 "rolled_back, escalated"],
  ["time-out during undo: undone all the same",        `${inUndo}, hour, undone scale, resolve, ${told}`,           "rolled_back, escalated"],
  ["pause during undo: undone, then it waits",         `${inUndo}, pause, undone scale`,                            "paused"],
  ["pause during undo, resumed: the fallback",         `${inUndo}, pause, undone scale, resume, fallback, start move`, "going on"],
  ["cancel while the fallback waits for a pause",      `${inUndo}, pause, undone scale, cancel, ${told}`,           "cancelled"],

  ["cancel during fallback: undone",                   `${inFallback}, cancel, ok roll-back, ${fallbackUndone}, ${told}`, "cancelled"],
  ["cancel during fallback, kept",                     `${inFallback}, keep, ok roll-back, ${told}`,                "cancelled"],
  ["resolve during fallback: it gets to its end",      `${inFallback}, resolve, ok roll-back, ${told}`,             "succeeded"],
  ["time-out during fallback: undone, and no third",   `${inFallback}, hour, fail roll-back, ${fallbackUndone}, ${told}`, "rolled_back, escalated"],
  ["pause during fallback: the running step ends",     `${bothDone}, ${undone}, fallback, start move, pause, ok move`, "paused"],

  ["the fallback fails: undone, and no third",         `${fallbackFailed}, ${fallbackUndone}, ${told}`,             "rolled_back, escalated"],
  ["the fallback's undo fails once, then works",       `${inFallbackUndo}, unreachable move, undo move, undone move, ${told}`, "rolled_back, escalated"],
  ["the fallback's undo is refused",                   `${inFallbackUndo}, refused move, ${told}`,                  "rollback_incomplete, escalated"],
  ["cancel during the fallback's undo: too late",      `${inFallbackUndo}, cancel, undone move, ${told}`,           "rolled_back, escalated"],
  ["resolve during the fallback's undo",               `${inFallbackUndo}, resolve, undone move, ${told}`,          "rolled_back, escalated"],
  ["time-out during the fallback's undo",              `${inFallbackUndo}, hour, undone move, ${told}`,             "rolled_back, escalated"],
  ["pause during the fallback's undo: undone",         `${inFallbackUndo}, pause, undone move, ${told}`,            "rolled_back, escalated"],

  ["finally fails after success",                      `${inFinally}, fail tell`,                                   "partly, escalated"],
  ["nobody knows whether finally happened",            `${inFinally}, unknown tell`,                                "partly, escalated"],
  ["finally fails after an undo that was refused",     `${inUndo}, refused scale, start tell, fail tell`,           "rollback_incomplete, escalated"],
  ["finally fails after a cancel: people must look",   `${inUndo}, cancel, undone scale, start tell, fail tell`,    "cancelled, escalated"],
  ["cancel in finally: too late",                      `${inFinally}, cancel, ok tell`,                             "succeeded"],
  ["resolve in finally",                               `${inFinally}, resolve, ok tell`,                            "succeeded"],
  ["time-out in finally",                              `${inFinally}, hour, ok tell`,                               "succeeded"],
  ["pause in finally: what restores goes on",          `${inFinally}, pause, ok tell`,                              "succeeded"],
  ["nobody knows whether a step of the fallback happened", `${inFallback}, unknown roll-back, ${told}`,             "unknown, escalated"],
];

describe("failures within failures", () => {
  it.each(table)("%s", (_what, happened, end) => {
    expect(play(happened, { ...last, fallback })).toBe(end);
  });
  it("leaves an undo that nothing comes after as it is, whoever cancels meanwhile", () => {
    expect(play(`${inUndo}, cancel, undone scale, ${told}`, last)).toBe("rolled_back, escalated");
  });
  it("gives the fallback's undo its own time until it is given up", () => {
    const undo: ExecutionEvent = { type: "UndoStarted", step: "scale", attempt: 1, call: null, effect: null };
    const chosen: ExecutionEvent = { type: "FallbackChosen", template: "move-away", reason: "" };
    const first = record(
      [],
      [...running(steps, { fallback }), started("scale"), failed("scale", true), undo],
      0,
    );
    const second = record(
      first,
      [chosen, started("move"), failed("move", true), { ...undo, step: "move" }],
      3_600,
    );
    expect([first, second].map((past) => fold(past).undoStartedAt)).toEqual([
      start,
      plusSeconds(start, 3_600),
    ]);
  });
});

/** How it ends, taken over anew before each word. */
function play(happened: string, options: Partial<Plan>): string {
  const undos = new Map<string, number>();
  let past: readonly RecordedEvent[] = record([], running(steps, options), 0);
  let clock = past.length;
  for (const word of happened.split(", ")) {
    clock += word === "hour" ? 3_600 : 1;
    expect(promised(word, takenOver(past, clock)), `before: ${word}`).toBe(true);
    past = record(past, eventsOf(word, past, undos), clock);
  }
  return endOf(takenOver(past, clock + 1));
}

/** What whoever takes over finds to do, from the events alone, and from a snapshot just as well. */
function takenOver(past: readonly RecordedEvent[], clock: number): readonly Work[] {
  const state = fold(past);
  const work = nextWork(state, new Set(), plusSeconds(start, clock));
  const read = readSnapshot(snapshotText(state));
  expect(read && nextWork(read, new Set(), plusSeconds(start, clock))).toEqual(work);
  return work;
}

/** Is it the engine's own next work that has this answer? What people, alerts and clocks do needs none. */
function promised(word: string, work: readonly Work[]): boolean {
  const [verb = "", name = ""] = word.split(" ");
  return work.some((one) => {
    switch (verb) {
      case "start":
        return one.type === "start" && one.step.name === name;
      case "ok":
      case "fail":
      case "unknown":
        return one.type === "resume" && one.step.name === name;
      case "undo":
        return one.type === "undo" && one.change.step === name;
      case "undone":
      case "unreachable":
      case "refused":
        return one.type === "resume-undo" && one.change.step === name;
      case "fallback":
        return one.type === "fallback";
      default:
        return true;
    }
  });
}

function eventsOf(
  word: string,
  past: readonly RecordedEvent[],
  undos: Map<string, number>,
): readonly ExecutionEvent[] {
  const [verb = "", name = ""] = word.split(" ");
  const attempt = undos.get(name) ?? 0;
  const pause = { scope: { kind: "everything", cluster: null }, by: "ana", reason: "", until: null } as const;
  switch (verb) {
    case "start":
      return [started(name)];
    case "ok":
      return [succeeded(name)];
    case "fail":
      return [failed(name, true)];
    case "unknown":
      return [{ type: "StepOutcomeUnknown", step: name, attempt: 1, message: "" }];
    case "undo":
      undos.set(name, attempt + 1);
      return [{ type: "UndoStarted", step: name, attempt: attempt + 1, call: null, effect: scaleEffect }];
    case "undone":
      return [{ type: "StepUndone", step: name, attempt, note: "" }];
    case "unreachable":
      return [undoFailed(name, attempt, true)];
    case "refused":
      return [undoFailed(name, attempt, false)];
    case "fallback":
      return [{ type: "FallbackChosen", template: "move-away", reason: "" }];
    case "pause":
      return [{ type: "Paused", source: "command", ...pause }];
    case "resume":
      return [{ type: "Resumed", by: "ana", reason: "" }];
    case "cancel":
    case "keep":
      return answerCommand(
        fold(past),
        { type: "cancel", by: "ana", reason: "", keep: verb === "keep" },
        start,
      );
    case "resolve":
      return answerCommand(fold(past), { type: "alert-resolved", ...alert, endsAt: start }, start);
    case "hour":
      return [];
    default:
      throw new Error(`no such word: ${word}`);
  }
}

function undoFailed(name: string, attempt: number, retryable: boolean): ExecutionEvent {
  const code = retryable ? "API_UNREACHABLE" : "FIELD_CHANGED_SINCE";
  return { type: "UndoFailed", step: name, attempt, code, message: "", retryable, details: {} };
}

function record(past: readonly RecordedEvent[], events: readonly ExecutionEvent[], clock: number) {
  const at = plusSeconds(start, clock);
  return [...past, ...events.map((event, n) => ({ seq: past.length + n + 1, at, version: 1, event }))];
}

function endOf(work: readonly Work[]): string {
  const end = work.flatMap((one) => (one.type === "record" ? one.events : [])).at(-1);
  if (end?.type === "Ended") return end.escalated ? `${end.outcome}, escalated` : end.outcome;
  return work.some(({ type }) => type === "paused") ? "paused" : "going on";
}
