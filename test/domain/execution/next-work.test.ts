import { describe, expect, it } from "vitest";
import type { ExecutionEvent } from "../../../src/domain/execution/events.ts";
import {
  failed,
  given,
  planned,
  running,
  scaleEffect,
  started,
  step,
  succeeded,
} from "../../support/given.ts";

describe("running the steps of a plan", () => {
  const chain = [
    step("look", { changes: false }),
    step("scale", { dependsOn: ["look"] }),
    step("check", { dependsOn: ["scale"], changes: false }),
  ];

  it("claims the objects before anything starts", () => {
    expect(given(...planned(chain)).work()).toEqual([{ type: "claim" }]);
  });
  it("starts a step only when what it depends on has succeeded", () => {
    expect(given(...running(chain)).starts()).toEqual(["look"]);
    expect(given(...running(chain), started("look", null), succeeded("look")).starts()).toEqual(["scale"]);
  });
  it("does not start a step that is under way", () => {
    expect(given(...running(chain)).starts(5, ["look"])).toEqual([]);
  });
  it("starts independent steps together, up to max_parallel", () => {
    const wide = ["a", "b", "c"].map((name) => step(name));
    const first = [...running(wide, { maxParallel: 2 }), started("a")];
    expect(given(...first, succeeded("a")).starts()).toEqual(["b", "c"]);
    expect(given(...first).starts(5, ["a"])).toEqual(["b"]);
  });
  it("ends as succeeded after the last step", () => {
    const one = [step("look", { changes: false })];
    given(...running(one), started("look", null), succeeded("look")).expectEnd("succeeded");
  });
  it("leaves an escalation for people to look at", () => {
    const template = { name: "escalate-to-people", version: null, hash: "built-in" };
    const past = running([step("tell-people")], { template });
    const told = given(...past, started("tell-people"), succeeded("tell-people"));
    expect(told.work()).toMatchObject([{ events: [{ outcome: "succeeded", escalated: true }] }]);
  });
  it("runs what depends on a step that its own condition skipped", () => {
    const past = running(chain);
    given(...past, { type: "StepSkipped", step: "look", reason: "no", byCondition: true });
    expect(
      given(...past, { type: "StepSkipped", step: "look", reason: "no", byCondition: true }).starts(),
    ).toEqual(["scale"]);
  });
});

describe("a controller that takes over", () => {
  it("finds out what became of a started step before anything else", () => {
    const works = given(...running([step("a"), step("b")]), started("a")).work();
    expect(works).toMatchObject([{ type: "resume", step: { name: "a" } }]);
  });
  it("finds out what became of an undo", () => {
    const past = [...running([step("a")]), started("a"), failed("a", true)];
    const undo = { type: "UndoStarted", step: "a", attempt: 1, call: null, effect: scaleEffect } as const;
    expect(given(...past, undo).work()).toMatchObject([{ type: "resume-undo", change: { step: "a" } }]);
    expect(given(...past, undo).work(9, ["a"])).toEqual([]);
  });
});

describe("a step that failed for good", () => {
  const steps = [step("a"), step("b", { dependsOn: ["a"] })];
  const aDone = [started("a"), succeeded("a")];

  it("lets running siblings get to their end before undoing", () => {
    const wide = [step("a"), step("b")];
    const past = [...running(wide), started("a"), started("b"), failed("a", true)];
    expect(given(...past).work(9, ["b"])).toEqual([]);
  });
  it("undoes in reverse order of start, the half-done one first", () => {
    const past = [...running(steps), ...aDone, started("b"), failed("b", true)];
    expect(given(...past).work()).toMatchObject([{ type: "undo", change: { step: "b" } }]);
    const bUndone = [
      { type: "UndoStarted", step: "b", attempt: 1, call: null, effect: null } as const,
      { type: "StepUndone", step: "b", attempt: 1, note: "" } as const,
    ];
    expect(given(...past, ...bUndone).work()).toMatchObject([{ type: "undo", change: { step: "a" } }]);
  });
  it("does not undo an attempt that certainly changed nothing", () => {
    const past = [...running(steps), ...aDone, started("b"), failed("b", false)];
    expect(given(...past).work()).toMatchObject([{ type: "undo", change: { step: "a" } }]);
  });
  it("goes on with the other undos when one fails, and says so at the end", () => {
    const past = [...running(steps), ...aDone, started("b"), failed("b", true)];
    const bFails = {
      type: "UndoFailed",
      step: "b",
      attempt: 1,
      code: "FIELD_CHANGED_SINCE",
      message: "",
      retryable: false,
      details: {},
    } as const;
    expect(given(...past, bFails).work()).toMatchObject([{ type: "undo", change: { step: "a" } }]);
    const aUndone = { type: "StepUndone", step: "a", attempt: 1, note: "" } as const;
    given(...past, bFails, aUndone).expectEnd("rollback_incomplete");
  });
  it("tries a failed undo again after a pause", () => {
    const past = [...running([step("a")]), started("a"), failed("a", true)];
    const fails = {
      type: "UndoFailed",
      step: "a",
      attempt: 1,
      code: "API_UNREACHABLE",
      message: "",
      retryable: true,
      details: {},
    } as const;
    const after = given(...past, fails);
    expect(after.work(past.length)).toMatchObject([{ type: "wait" }]);
    expect(after.work(past.length + 1)).toMatchObject([{ type: "undo" }]);
  });
  it("leaves everything when the step says stop", () => {
    const stop = [step("a"), step("b", { dependsOn: ["a"], onFailure: "stop" })];
    given(...running(stop), ...aDone, started("b"), failed("b")).expectEnd("failed");
  });
  it("skips what depended on it and ends as partly when the step says continue", () => {
    const goOn = [step("a", { onFailure: "continue" }), step("b", { dependsOn: ["a"] })];
    const past = [...running(goOn), started("a"), failed("a")];
    expect(given(...past).work()).toMatchObject([
      { type: "record", events: [{ type: "StepSkipped", step: "b", byCondition: false }] },
    ]);
    given(...past, { type: "StepSkipped", step: "b", reason: "", byCondition: false }).expectEnd("partly");
  });
});

describe("a step whose outcome nobody knows", () => {
  it("ends the execution as unknown: nothing is retried, nothing is undone", () => {
    const past = [...running([step("a"), step("b", { dependsOn: ["a"] })]), started("a")];
    given(...past, { type: "StepOutcomeUnknown", step: "a", attempt: 1, message: "" }).expectEnd("unknown");
  });
});

describe("time", () => {
  it("aborts what runs when the execution takes too long, then undoes", () => {
    const past = [
      ...running([step("a"), step("b", { dependsOn: ["a"] })], { timeoutSeconds: 60 }),
      started("a"),
      succeeded("a"),
      started("b", null),
    ];
    expect(given(...past).work(30, ["b"])).toEqual([{ type: "wait", until: "2026-11-17T10:01:03.000Z" }]);
    expect(given(...past).work(63, ["b"])).toEqual([{ type: "abort", code: "EXECUTION_TIMEOUT" }]);
  });
  it("expires a request that nobody answered", () => {
    const approval = [
      ...planned([step("a")]).slice(0, 2),
      {
        type: "GateDecided",
        gate: { kind: "approval", demands: [], expiresSeconds: 60, reasons: [] },
      } as const,
    ];
    expect(given(...approval).work()).toEqual([{ type: "ask-approval" }]);
    const asked = {
      type: "ApprovalRequested",
      repository: "",
      branch: "b",
      base: "m",
      head: "h",
      expiresAt: "2026-11-17T10:01:02.000Z",
    } as const;
    expect(given(...approval, asked).work(30)).toMatchObject([{ type: "await-approval" }]);
    given(...approval, asked).expectEnd("expired", 62);
    const granted = { type: "ApprovalGranted", approvals: [], commit: "c" } as const;
    expect(given(...approval, asked, granted).work(90)).toEqual([{ type: "claim" }]);
  });
});

describe("an alert that resolves", () => {
  const resolved = { type: "AlertResolved", cluster: "prod-eu", fingerprint: "f1", endsAt: "" } as const;
  it("cancels what has not started", () => given(...planned([step("a")]), resolved).expectEnd("cancelled"));
  it("is only recorded once a step has started", () => {
    const past = [...running([step("a"), step("b", { dependsOn: ["a"] })]), started("a"), succeeded("a")];
    expect(given(...past, resolved).starts()).toEqual(["b"]);
  });
});

describe("cancelling", () => {
  const cancel = (keep: boolean) => ({ type: "CancelRequested", by: "ana", reason: "no", keep }) as const;
  const past = [...running([step("a"), step("b", { dependsOn: ["a"] })]), started("a"), succeeded("a")];

  it("undoes what was done", () => {
    expect(given(...past, cancel(false)).work()).toMatchObject([{ type: "undo", change: { step: "a" } }]);
    given(...past, cancel(false), { type: "StepUndone", step: "a", attempt: 1, note: "" }).expectEnd(
      "cancelled",
    );
  });
  it("leaves it when asked to", () => given(...past, cancel(true)).expectEnd("cancelled"));
  it("does not stop a rollback that has begun", () => {
    const undoing = [
      ...past,
      started("b"),
      failed("b", true),
      { type: "UndoStarted", step: "b", attempt: 1, call: null, effect: null } as const,
    ];
    const after = given(...undoing, cancel(true), { type: "StepUndone", step: "b", attempt: 1, note: "" });
    expect(after.work()).toMatchObject([{ type: "undo", change: { step: "a" } }]);
  });
});

describe("observing", () => {
  const observe = (steps: Parameters<typeof planned>[0]) =>
    planned(steps).map((event) =>
      event.type === "ExecutionRequested" ? { ...event, mode: "observe" as const } : event,
    );

  it("runs read-only steps, skips changes and all that waits for them, and ends observed", () => {
    const steps = [
      step("look", { changes: false }),
      step("scale", { dependsOn: ["look"] }),
      step("check", { changes: false, dependsOn: ["scale"] }),
    ];
    const past = observe(steps);
    const skips = given(...past).work();
    expect(skips).toMatchObject([{ type: "record", events: [{ step: "scale" }, { step: "check" }] }]);
    const skipped = skips.flatMap((work) => (work.type === "record" ? work.events : []));
    expect(given(...past, ...skipped).starts()).toEqual(["look"]);
    given(...past, ...skipped, started("look", null), succeeded("look")).expectEnd("observed");
  });
});

describe("observing what depends on other steps", () => {
  const observe = (steps: Parameters<typeof planned>[0]) =>
    planned(steps).map((event) =>
      event.type === "ExecutionRequested" ? { ...event, mode: "observe" as const } : event,
    );
  const past = observe([
    step("look", { changes: false, retry: { ...step("look").retry, attempts: 1 } }),
    step("logs", { changes: false, dependsOn: ["look"] }),
  ]);
  const begun = [...past, started("look", null)];

  it("waits while they run, and goes on whether they succeeded, failed or were skipped", () => {
    expect(given(...past).starts()).toEqual(["look"]);
    expect(given(...begun).starts()).not.toContain("logs");
    expect(given(...begun, succeeded("look")).starts()).toEqual(["logs"]);
    expect(given(...begun, failed("look")).starts()).toEqual(["logs"]);
    const skipped = { type: "StepSkipped", step: "look", reason: "no", byCondition: true } as const;
    expect(given(...past, skipped).starts()).toEqual(["logs"]);
  });
});

describe("a plan that the gate refuses", () => {
  const refusedBy = (rule: string): ExecutionEvent => ({
    type: "GateDecided",
    gate: { kind: "refused", reasons: [{ rule, effect: "deny", reason: "no" }] },
  });
  it.each([
    ["is for people when its target belongs to somebody else", "built-in/managed", true],
    ["is nobody's business when a guard denies it", "freeze/december", false],
  ])("%s", (_what, rule, escalated) => {
    const work = given(...planned([step("scale")]).slice(0, 2), refusedBy(rule)).work();
    expect(work).toMatchObject([{ events: [{ type: "Ended", outcome: "refused", escalated }] }]);
  });
});
