import { describe, expect, it } from "vitest";
import type { CancelRequested, ExecutionEvent } from "../../../src/domain/execution/events.ts";
import { assertLegal } from "../../../src/domain/execution/transitions.ts";
import { approvalGate } from "../../fixtures/executions.ts";
import {
  alert,
  failed,
  given,
  plan,
  planned,
  running,
  started,
  step,
  succeeded,
} from "../../support/given.ts";

const undone = (name: string): readonly ExecutionEvent[] => [
  { type: "UndoStarted", step: name, attempt: 1, call: null, effect: null },
  { type: "StepUndone", step: name, attempt: 1, note: "" },
];
const cancelled: CancelRequested = { type: "CancelRequested", by: "ana", reason: "no", keep: false };
const resolved: ExecutionEvent = { type: "AlertResolved", ...alert, endsAt: alert.startsAt };
const refusedNow: ExecutionEvent = {
  type: "GateDecided",
  gate: { kind: "refused", reasons: [{ rule: "freeze", effect: "deny", reason: "change freeze" }] },
};

describe("what is done at the end, whatever came before", () => {
  const steps = [step("silence")];
  const last = { finally: [step("finally/lift"), step("finally/tell", { dependsOn: ["finally/lift"] })] };
  const done = [...running(steps, last), started("silence"), succeeded("silence")];
  const lifted = [started("finally/lift"), succeeded("finally/lift")];

  it("runs after success, in its own order, and then the execution ends", () => {
    expect(given(...done).starts()).toEqual(["finally/lift"]);
    expect(given(...done, ...lifted).starts()).toEqual(["finally/tell"]);
    given(...done, ...lifted, started("finally/tell"), succeeded("finally/tell")).expectEnd("succeeded");
  });
  it("runs after the undo of a failed step, and is not undone itself", () => {
    const past = [...running(steps, last), started("silence"), failed("silence", true), ...undone("silence")];
    expect(given(...past).starts()).toEqual(["finally/lift"]);
    const end = [...past, ...lifted, started("finally/tell"), succeeded("finally/tell")];
    given(...end).expectEnd("rolled_back");
  });
  it("runs after a cancel", () => {
    const past = [...done.slice(0, -1), succeeded("silence"), cancelled, ...undone("silence")];
    expect(given(...past).starts()).toEqual(["finally/lift"]);
  });
  it("is gone on with by whoever takes over", () => {
    const work = given(...done, started("finally/lift")).work();
    expect(work).toMatchObject([{ type: "resume", step: { name: "finally/lift" } }]);
  });
  it("does not run where nothing was changed: there is nothing to restore", () => {
    given(...running(steps, last), failed("silence")).expectEnd("failed");
  });
  it("runs its other steps when one fails, and says so in the end", () => {
    const past = [...done, started("finally/lift"), failed("finally/lift")];
    expect(given(...past).starts()).toEqual(["finally/tell"]);
    const end = given(...past, started("finally/tell"), succeeded("finally/tell"));
    expect(end.work()).toMatchObject([{ events: [{ outcome: "partly", escalated: true }] }]);
  });
  it("is neither aborted nor overtaken by a cancel that comes while its first step is about to start", () => {
    const past = given(...done, cancelled);
    expect(past.work(0, ["finally/lift"])).toEqual([]);
    const begun = given(...done, cancelled, started("finally/lift"));
    expect(begun.work(0, ["finally/lift"])).toEqual([]);
    const lift = given(...done, cancelled, ...lifted);
    expect(lift.work()).toMatchObject([{ type: "undo", change: { step: "silence" } }]);
    expect(lift.work(0, ["silence"])).toEqual([]);
    expect(given(...done, cancelled, ...lifted, ...undone("silence")).starts()).toEqual(["finally/tell"]);
  });
  it("keeps its first step when the time is over while that is about to start", () => {
    expect(given(...done).work(5_000, ["finally/lift"])).toEqual([]);
  });
  it("is not stopped by a cancel that comes now, and a clock that jumps starts nothing again", () => {
    const late = given(...done, ...lifted, cancelled);
    expect(late.starts()).toEqual(["finally/tell"]);
    expect(late.state.cancel).toBeNull();
    const timedOut = [...running([step("a"), step("b", { dependsOn: ["a"] })], last), started("a")];
    const past = [...timedOut, failed("a", true), ...undone("a"), ...lifted];
    expect(given(...past).starts(-1000)).toEqual(["finally/tell"]);
  });
});

describe("a template with a fallback", () => {
  const fallback = plan([step("fallback/roll-back")], {
    template: { name: "rollback-workload", version: null, hash: "f" },
    finally: [step("fallback/finally/tell")],
  });
  const steps = [step("restart")];
  const tried = [
    ...running(steps, { fallback }),
    started("restart"),
    failed("restart", true),
    ...undone("restart"),
  ];
  const chosen: ExecutionEvent = { type: "FallbackChosen", template: "rollback-workload", reason: "" };

  it("tries it when its steps have failed and are undone", () => {
    expect(given(...tried).work()).toMatchObject([{ type: "fallback", template: "rollback-workload" }]);
    expect(given(...tried, chosen).starts()).toEqual(["fallback/roll-back"]);
  });
  it("has succeeded when the fallback has", () => {
    const past = [...tried, chosen, started("fallback/roll-back"), succeeded("fallback/roll-back")];
    given(...past, started("fallback/finally/tell"), succeeded("fallback/finally/tell")).expectEnd(
      "succeeded",
    );
  });
  it("gives the fallback a time limit of its own", () => {
    const at = tried.length + 1;
    expect(given(...tried, chosen).starts(at + 800)).toEqual(["fallback/roll-back"]);
    expect(given(...tried, chosen).starts(at + 1000)).toEqual(["fallback/finally/tell"]);
  });
  it("does not begin beside what is done at the end, when its alert fires again", () => {
    const last = { finally: [step("finally/lift")], fallback };
    const past = [...running(steps, last), started("restart"), failed("restart", true), ...undone("restart")];
    expect(given(...past).work(0, ["finally/lift"])).toEqual([]);
  });
  it("does not count the time for which people were asked about the fallback", () => {
    const hasty = { ...fallback, timeoutSeconds: 3 };
    const past: ExecutionEvent[] = [
      ...running(steps, { fallback: hasty }),
      failed("restart"),
      chosen,
      { type: "GateDecided", gate: approvalGate },
      { type: "ApprovalRequested", repository: "r", branch: "b", base: "m", head: "h", expiresAt: "2099" },
      { type: "ApprovalGranted", approvals: [], commit: "c" },
      { type: "Claimed", keys: [] },
    ];
    expect(given(...past).starts()).toEqual(["fallback/roll-back"]);
  });
  it("undoes a fallback that fails, and tries nothing after it", () => {
    const past = [...tried, chosen, started("fallback/roll-back"), failed("fallback/roll-back", true)];
    expect(given(...past).work()).toMatchObject([{ type: "undo", change: { step: "fallback/roll-back" } }]);
    const last = [started("fallback/finally/tell"), succeeded("fallback/finally/tell")];
    given(...past, ...undone("fallback/roll-back"), ...last).expectEnd("rolled_back");
  });
  it.each([
    ["was cancelled", [...tried.slice(0, -2), cancelled, ...undone("restart")], "cancelled"],
    ["was cancelled during the undo", [...tried.slice(0, -1), cancelled, ...tried.slice(-1)], "cancelled"],
    ["was cancelled after the undo", [...tried, { ...cancelled, keep: true }], "cancelled"],
    ["was resolved", [...tried, resolved], "rolled_back"],
    ["is forbidden now", [...tried, refusedNow], "rolled_back"],
  ] as const)("does not try it when it %s", (_why, past, outcome) => {
    given(...past).expectEnd(outcome);
  });
  it("does not try it when the undo is incomplete, or the template says stop", () => {
    const failedUndo: ExecutionEvent = {
      type: "UndoFailed",
      step: "restart",
      attempt: 1,
      code: "FIELD_CHANGED_SINCE",
      message: "",
      retryable: false,
      details: {},
    };
    given(...tried.slice(0, -1), failedUndo).expectEnd("rollback_incomplete");
    const stops = running([step("restart", { onFailure: "stop" })], { fallback });
    given(...stops, started("restart"), failed("restart", true)).expectEnd("failed");
  });
});

describe("guards that got stricter before the first change", () => {
  const steps = [step("look", { changes: false }), step("scale", { dependsOn: ["look"] })];
  const looked = [...running(steps), started("look", null), succeeded("look")];
  const approval: ExecutionEvent = {
    type: "GateDecided",
    gate: {
      kind: "approval",
      demands: [{ from: [], approvals: 1 }],
      expiresSeconds: 600,
      reasons: [{ rule: "prod", effect: "require-approval", reason: "production" }],
    },
  };

  it("are asked by one first change at a time: none starts beside one that may have to wait for people", () => {
    const beside = [step("look", { changes: false }), step("a"), step("b")];
    expect(given(...running(beside)).starts()).toEqual(["look", "a"]);
    expect(given(...running(beside)).starts(0, ["a"])).toEqual(["look"]);
    expect(given(...running(beside), started("a")).starts(0, ["a"])).toEqual(["look", "b"]);
  });
  it("let nothing be announced that changes something while people are asked", () => {
    expect(() => assertLegal("awaiting_approval", started("a"))).toThrow("may not follow");
    expect(() => assertLegal("awaiting_approval", started("look", null))).not.toThrow();
  });
  it("end the execution when they deny", () => {
    given(...looked, refusedNow).expectEnd("refused");
  });
  it("make a plan that nobody was asked about wait for people, and start its clock anew", () => {
    expect(given(...looked, approval).work()).toEqual([{ type: "ask-approval" }]);
    expect(given(...looked, approval).state).toMatchObject({ phase: "awaiting_approval", startedAt: null });
  });
  it("let it be cancelled and resolved while it waits", () => {
    given(...looked, approval, cancelled).expectEnd("cancelled");
    given(...looked, approval, resolved).expectEnd("cancelled");
  });
  it("make a plan that was approved under softer guards outdated", () => {
    const asked: ExecutionEvent[] = [
      ...planned(steps).slice(0, 2),
      approval,
      { type: "ApprovalRequested", repository: "r", branch: "b", base: "m", head: "h", expiresAt: "2099" },
      { type: "ApprovalGranted", approvals: [], commit: "c" },
      { type: "Claimed", keys: [] },
    ];
    given(...asked, approval).expectEnd("outdated");
  });
});
