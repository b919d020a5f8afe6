import { describe, expect, it } from "vitest";
import type { ExecutionEvent } from "../../../src/domain/execution/events.ts";
import { failed, given, plan, planned, running, started, step, succeeded } from "../../support/given.ts";

const paused: ExecutionEvent = {
  type: "Paused",
  scope: { kind: "everything", cluster: null },
  by: "ana",
  reason: "the network is being repaired",
  until: null,
  source: "command",
};
const resumed: ExecutionEvent = { type: "Resumed", by: "ana", reason: "it is repaired" };
const two = [step("scale"), step("check", { changes: false, dependsOn: ["scale"] })];
const waits = [{ type: "paused", until: null }];

describe("an execution that people have paused", () => {
  it("does not start", () => {
    expect(given(...planned(two), paused).work()).toEqual(waits);
    expect(given(...planned(two), paused, resumed).work()).toEqual([{ type: "claim" }]);
  });
  it("goes on with a step that runs, and starts none after it", () => {
    const during = given(...running(two), started("scale"), paused);
    expect(during.work(20, ["scale"])).toEqual([{ type: "wait", until: "9999-12-31T23:59:59.999Z" }]);
    const after = given(...running(two), started("scale"), paused, succeeded("scale"));
    expect(after.work()).toEqual(waits);
    const later = given(...running(two), started("scale"), paused, succeeded("scale"), resumed);
    expect(later.starts()).toEqual(["check"]);
  });
  it("finds out what became of a step whose owner has died", () => {
    expect(given(...running(two), started("scale"), paused).work()).toMatchObject([{ type: "resume" }]);
  });
  it("tries no failed step again before it is resumed", () => {
    const again: ExecutionEvent = {
      type: "RetryScheduled",
      step: "scale",
      attempt: 2,
      at: "2026-11-17T10:00:05.000Z",
    };
    expect(given(...running(two), started("scale"), failed("scale"), again, paused).work(60)).toEqual(waits);
  });
  it("ends when its last step has", () => {
    given(...running([step("scale")]), started("scale"), paused, succeeded("scale")).expectEnd("succeeded");
  });
  it("is undone all the same, and `finally` has its turn", () => {
    const last = [step("finally/lift", { dependsOn: [] })];
    const undo = given(...running(two, { finally: last }), started("scale"), paused, failed("scale", true));
    expect(undo.work()).toMatchObject([{ type: "undo", change: { step: "scale" } }]);
    const undone = given(
      ...running(two, { finally: last }),
      started("scale"),
      failed("scale", true),
      { type: "UndoStarted", step: "scale", attempt: 1, call: null, effect: null },
      paused,
      { type: "StepUndone", step: "scale", attempt: 1, note: "" },
    );
    expect(undone.starts()).toEqual(["finally/lift"]);
  });
  it("takes up no fallback before it is resumed", () => {
    const fallback = plan([step("fallback/restart")]);
    const events = [...running(two, { fallback }), started("scale"), failed("scale"), paused];
    expect(given(...events).work()).toEqual(waits);
    expect(given(...events, resumed).work()).toMatchObject([{ type: "fallback" }]);
  });
  it("can be cancelled, before its start and after", () => {
    const cancel: ExecutionEvent = { type: "CancelRequested", by: "bo", reason: "enough", keep: false };
    given(...planned(two), paused, cancel).expectEnd("cancelled");
    const running1 = given(...running(two), started("scale"), succeeded("scale"), paused, cancel);
    expect(running1.work()).toMatchObject([{ type: "undo" }]);
  });
});

describe("an execution that waits for people while it is paused", () => {
  const [request, plans] = planned(two);
  const gate = { kind: "approval", demands: [], expiresSeconds: 60, reasons: [] } as const;
  const asked = {
    type: "ApprovalRequested",
    repository: "r",
    base: "main",
    branch: "b",
    head: "h",
    expiresAt: "2026-11-17T10:01:00.000Z",
  } as const;
  const waiting: ExecutionEvent[] = [request!, plans!, { type: "GateDecided", gate }, asked, paused];
  const granted = { type: "ApprovalGranted", approvals: [], commit: "c" } as const;

  it("can be approved, and expires when its time is over as if it were not", () => {
    expect(given(...waiting).work(59)).toMatchObject([{ type: "await-approval" }]);
    given(...waiting).expectEnd("expired", 60);
  });
  it("starts when it is resumed, however late: it was approved in time", () => {
    expect(given(...waiting, granted).work(5_000)).toEqual(waits);
    expect(given(...waiting, granted, resumed).work(5_000)).toEqual([{ type: "claim" }]);
  });
});

describe("the time of an execution", () => {
  // Events are a second apart; paused at 4 s, so that nothing is over however late it is.
  const events = [...running([step("scale")]), paused];
  it("stands still while it is paused", () => {
    expect(given(...events).work(5_000)).toEqual(waits);
  });
  it("is over as much later as it was paused", () => {
    const often = given(...events, resumed, paused, paused, resumed);
    expect(often.state.pausedSeconds).toBe(3);
    expect(often.starts(3 + 900 + 3 - 1)).toEqual(["scale"]);
    often.expectEnd("failed", 3 + 900 + 3);
  });
  it("does not begin while it is paused before its start", () => {
    const before = given(...planned([step("scale")]), paused, resumed, { type: "Claimed", keys: [] });
    expect(before.state.pausedSeconds).toBe(0);
  });
});
