// Any plan, any failures, any order of answers, a restart or a cancel at any moment: every execution ends, and what its
// outcome says is what became of its changes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterFailure } from "../../../src/domain/execution/after-failure.ts";
import { answerCommand } from "../../../src/domain/execution/answer-command.ts";
import type { ExecutionEvent, RecordedEvent, StepFailed } from "../../../src/domain/execution/events.ts";
import { evolve, fold } from "../../../src/domain/execution/evolve.ts";
import { type Execution, finallySteps, planInUse } from "../../../src/domain/execution/execution.ts";
import { nextWork } from "../../../src/domain/execution/next-work.ts";
import { assertLegal } from "../../../src/domain/execution/transitions.ts";
import type { Work } from "../../../src/domain/execution/work.ts";
import type { Gate } from "../../../src/domain/gate/gate.ts";
import { plusSeconds } from "../../../src/domain/instant.ts";
import type { PlannedStep } from "../../../src/domain/planning/plan.ts";
import { alert, failed, plan, planned, recorded, scaleEffect, start, step } from "../../support/given.ts";

type Luck = () => number;

const someSteps = fc
  .array(
    fc.record({
      changes: fc.boolean(),
      onFailure: fc.constantFrom("rollback" as const, "continue" as const, "stop" as const),
      after: fc.array(fc.nat({ max: 5 }), { maxLength: 2 }),
      alternatives: fc.nat({ max: 1 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((steps) =>
    steps.map(({ changes, onFailure, after, alternatives }, index) =>
      step(`s${index}`, {
        changes,
        onFailure,
        dependsOn: after.filter((other) => other < index).map((other) => `s${other}`),
        alternatives:
          alternatives === 0
            ? []
            : [{ call: { action: "restart_deployment", input: {} }, undo: { how: "restore" } }],
      }),
    ),
  );

const renamed = (steps: readonly PlannedStep[], prefix: string): readonly PlannedStep[] =>
  steps.map((one) => ({
    ...one,
    name: `${prefix}/${one.name}`,
    dependsOn: one.dependsOn.map((name) => `${prefix}/${name}`),
  }));

const aPlan = fc.record({
  steps: someSteps,
  last: fc.option(someSteps),
  fallback: fc.option(fc.record({ steps: someSteps, last: fc.option(someSteps) })),
});
type SomePlan = typeof aPlan extends fc.Arbitrary<infer P> ? P : never;

const failure = (name: string, attempt: number, changed: boolean, retryable: boolean): StepFailed => ({
  ...(failed(name, changed) as StepFailed),
  attempt,
  retryable,
});

/** What came of one piece of work, by luck. */
function outcomeOf(work: Work, state: Execution, now: string, luck: Luck): readonly ExecutionEvent[] {
  switch (work.type) {
    case "record":
      return work.events;
    case "fallback":
      return luck() < 0.8
        ? [{ type: "FallbackChosen", template: work.template, reason: work.reason }]
        : [{ type: "GateDecided", gate: { kind: "refused", reasons: [] } }];
    case "ask-approval":
      return [asked];
    case "await-approval":
      return luck() < 0.5 ? [] : [{ type: "ApprovalGranted", approvals: [], commit: "c" }];
    case "claim":
      return [{ type: "Claimed", keys: [] }];
    case "start": {
      const name = work.step.name;
      const attempt = work.state.attempt + 1;
      return [
        {
          type: "StepStarted",
          step: name,
          attempt,
          call: work.step.call,
          effect: work.step.changes ? scaleEffect : null,
        },
      ];
    }
    case "resume": {
      const { name } = work.step;
      const { attempt } = work.state;
      if (luck() < 0.6) return [{ type: "StepSucceeded", step: name, attempt, output: null }];
      if (luck() < 0.05) return [{ type: "StepOutcomeUnknown", step: name, attempt, message: "" }];
      const ended = failure(name, attempt, work.step.changes && luck() < 0.5, luck() < 0.5);
      return [ended, ...afterFailure(work.step, state.steps.get(name) ?? work.state, ended, now, luck())];
    }
    case "undo":
      return [
        {
          type: "UndoStarted",
          step: work.change.step,
          attempt: work.change.undoAttempt + 1,
          call: null,
          effect: scaleEffect,
        },
      ];
    case "resume-undo": {
      const { step: name, undoAttempt: attempt } = work.change;
      if (luck() < 0.7) return [{ type: "StepUndone", step: name, attempt, note: "" }];
      return [
        {
          type: "UndoFailed",
          step: name,
          attempt,
          code: "API_UNREACHABLE",
          message: "",
          retryable: luck() < 0.7,
          details: {},
        },
      ];
    }
    default:
      return [];
  }
}

const asked: ExecutionEvent = {
  type: "ApprovalRequested",
  repository: "",
  branch: "",
  base: "",
  head: "",
  expiresAt: plusSeconds(start, 1_800),
};
const approvalGate: Gate = { kind: "approval", demands: [], expiresSeconds: 1_800, reasons: [] };

function eventsOf({ steps, last, fallback }: SomePlan): readonly ExecutionEvent[] {
  const other =
    fallback === null
      ? null
      : plan(renamed(fallback.steps, "fallback"), {
          finally: renamed(fallback.last ?? [], "fallback/finally"),
        });
  return planned(steps, { finally: renamed(last ?? [], "finally"), fallback: other });
}

/** What people, alerts and the catalog say of an execution, as its owner turns it into events. */
const orders = [
  "cancel",
  "keep",
  "join",
  "resolve",
  "supersede",
  "pause",
  "again",
  "resume",
  "revoke",
] as const;
type Order = (typeof orders)[number];

const paused: ExecutionEvent = {
  type: "Paused",
  scope: { kind: "everything", cluster: null },
  by: "ana",
  reason: "",
  until: null,
  source: "command",
};

function obey(state: Execution, order: Order, endsAt: string): readonly ExecutionEvent[] {
  switch (order) {
    case "cancel":
    case "keep":
      return answerCommand(state, { type: "cancel", by: "ana", reason: "", keep: order === "keep" }, endsAt);
    case "join":
      return answerCommand(state, { type: "alert-joined", alert: { ...alert, fingerprint: "f2" } }, endsAt);
    case "resolve":
      return answerCommand(state, { type: "alert-resolved", ...alert, endsAt }, endsAt);
    case "supersede":
      return answerCommand(state, { type: "supersede", reason: "" }, endsAt);
    case "pause":
    case "again":
      return [paused];
    case "resume":
      return state.paused === null ? [] : [{ type: "Resumed", by: "ana", reason: "" }];
    case "revoke":
      return state.cancel === null && state.phase !== "undoing"
        ? [{ type: "CancelRequested", by: "gitmend", reason: "", keep: false, revoked: true }]
        : [];
  }
}

/** Everybody may say anything at any time; what was paused is resumed some time. @returns all that was recorded */
function playOrders(
  some: SomePlan,
  asks: boolean,
  said: readonly { readonly round: number; readonly order: Order }[],
  luck: Luck,
): readonly RecordedEvent[] {
  const planned = eventsOf(some).map((event) =>
    event.type === "GateDecided" && asks ? { ...event, gate: approvalGate } : event,
  );
  const events: RecordedEvent[] = [...recorded(planned)];
  let state = fold(events);
  for (let round = 0; round < 1_500 && state.phase !== "ended"; round += 1) {
    const now = plusSeconds(start, 10 + round * 5);
    const orderly = said.filter((one) => one.round === round).map(({ order }) => order);
    const news = [...orderly, ...(round > 60 ? (["resume"] as const) : [])].flatMap((order) =>
      obey(state, order, now),
    );
    const work = news.length > 0 ? [] : nextWork(state, new Set(), now);
    for (const event of [...news, ...work.flatMap((one) => outcomeOf(one, state, now, luck))]) {
      if (state.phase === "ended") continue;
      assertLegal(state.phase, event);
      const next = { seq: state.version + 1, at: now, version: 1, event };
      events.push(next);
      state = evolve(state, next);
    }
  }
  expect(state).toEqual(fold(events));
  expectTrue(state);
  return events;
}

/** Of the plan and of its fallback; `finally` is not held back. */
function startedWhilePaused(events: readonly RecordedEvent[]): readonly string[] {
  let stands = false;
  return events.flatMap(({ event }) => {
    if (event.type === "Paused") stands = true;
    if (event.type === "Resumed") stands = false;
    if (event.type === "FallbackChosen" || event.type === "Claimed") return stands ? [event.type] : [];
    return stands && event.type === "StepStarted" && !event.step.includes("finally/") ? [event.step] : [];
  });
}

interface Chances {
  readonly cancelAt: number;
  readonly resolveAt: number;
  readonly clockBackAt: number;
}

function play(some: SomePlan, luck: Luck, { cancelAt, resolveAt, clockBackAt }: Chances): Execution {
  let state = fold(recorded(eventsOf(some)));
  for (let round = 0; round < 900 && state.phase !== "ended"; round += 1) {
    const now = plusSeconds(start, 10 + (round >= clockBackAt ? round - 100 : round) * 5);
    const events: ExecutionEvent[] = [];
    if (round === cancelAt) events.push({ type: "CancelRequested", by: "ana", reason: "", keep: false });
    else if (round === resolveAt) events.push({ type: "AlertResolved", ...alert, endsAt: now });
    // Nothing is busy: what was started is found again, as after a restart.
    else
      for (const work of nextWork(state, new Set(), now)) events.push(...outcomeOf(work, state, now, luck));
    for (const event of events) {
      if (state.phase === "ended") continue;
      assertLegal(state.phase, event);
      state = evolve(state, { seq: state.version + 1, at: now, version: 1, event });
    }
  }
  return state;
}

function expectTrue(state: Execution): void {
  expect(state.phase).toBe("ended");
  const { plan: made } = state;
  if (made === null) throw new Error("there is no plan");
  const last = finallySteps(state, made).map(({ name }) => name);
  const changes = state.changes.filter(({ step: name }) => !last.includes(name));
  const left = changes.filter(({ undoStatus }) => undoStatus !== "undone");
  const kept = state.cancel?.keep === true;
  if (state.outcome === "rolled_back" || (state.outcome === "cancelled" && !kept)) expect(left).toEqual([]);
  if (state.outcome === "rollback_incomplete") expect(left.length).toBeGreaterThan(0);
  if (state.outcome === "succeeded") {
    const names = [...planInUse(state, made).steps.map(({ name }) => name), ...last];
    expect(
      names.every((name) =>
        ["succeeded", "skipped", "pending"].includes(state.steps.get(name)?.status ?? ""),
      ),
    ).toBe(true);
    if (state.fallbackAt === null) expect(left).toEqual(changes);
  }
  const calm = ["succeeded", "cancelled", "superseded"];
  if (!calm.includes(state.outcome ?? "")) expect(state.escalated).toBe(true);
  // Whatever was changed, `finally` had its turn, and nothing of it was taken back.
  const ended = last.filter((name) =>
    ["succeeded", "failed", "skipped", "unknown"].includes(state.steps.get(name)?.status ?? ""),
  );
  expect(ended).toEqual(state.changes.length > 0 || ended.length > 0 ? last : []);
  expect(state.changes.filter(({ step: name }) => last.includes(name)).every(isKept)).toBe(true);
}

const isKept = ({ undoStatus }: Execution["changes"][number]) => undoStatus === "none";

describe("any run of any plan", () => {
  it("ends, and its outcome tells what became of its changes", () => {
    const round = fc.integer({ min: -1, max: 40 });
    fc.assert(
      fc.property(
        aPlan,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        fc.record({ cancelAt: round, resolveAt: round, clockBackAt: fc.integer({ min: 1, max: 500 }) }),
        (some, stream, chances) => {
          const luck = () => (stream.next().value as number | undefined) ?? 0;
          expectTrue(play(some, luck, chances));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("ends so whatever is said to it and whenever; told again, it is the same; nothing starts while it is paused", () => {
    const said = fc.array(fc.record({ round: fc.nat({ max: 50 }), order: fc.constantFrom(...orders) }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        aPlan,
        fc.boolean(),
        said,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (some, asks, orderly, stream) => {
          const luck = () => (stream.next().value as number | undefined) ?? 0;
          expect(startedWhilePaused(playOrders(some, asks, orderly, luck))).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
