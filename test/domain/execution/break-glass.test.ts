import { describe, expect, it } from "vitest";
import { answerCommand, type Command } from "../../../src/domain/execution/answer-command.ts";
import type { ExecutionEvent } from "../../../src/domain/execution/events.ts";
import { whyNotLifted } from "../../../src/domain/execution/why-not-lifted.ts";
import { emergencyPeople, statementText } from "../../../src/domain/gate/break-glass.ts";
import type { Gate } from "../../../src/domain/gate/gate.ts";
import { plusSeconds } from "../../../src/domain/instant.ts";
import { given, plan, planned, scaleEffect, start, started, step } from "../../support/given.ts";

const gate: Gate = {
  kind: "approval",
  demands: [{ from: [], approvals: 1 }],
  expiresSeconds: 7200,
  reasons: [],
};
const steps = [step("scale")];
const before = planned(steps).filter(({ type }) => type !== "GateDecided");
const waiting: readonly ExecutionEvent[] = [...before, { type: "GateDecided", gate }];
const { digest } = plan(steps);
const lift = {
  type: "ApprovalLifted",
  by: "ana",
  reason: "the shop is down",
  digest,
  at: start,
  until: plusSeconds(start, 900),
  signature: "-----BEGIN SSH SIGNATURE-----",
} as const;
const command: Command = { ...lift, type: "break-glass", execution: "e1" };
const claimed: ExecutionEvent = { type: "Claimed", keys: [] };
const paused: ExecutionEvent = {
  type: "Paused",
  by: "bo",
  reason: "an audit",
  until: null,
  scope: { kind: "all" },
} as unknown as ExecutionEvent;
const answer = (events: readonly ExecutionEvent[], now = start, changes: object = {}) =>
  answerCommand(given(...events).state, { ...command, ...changes } as Command, now);

describe("a break-glass", () => {
  it("is recorded for what waits, before its request could be opened too, and lets it start", () => {
    expect(answer(waiting)).toEqual([lift]);
    expect(given(...waiting, lift).work()).toEqual([{ type: "claim" }, { type: "wait", until: lift.until }]);
  });
  it.each([
    ["once it was used", [...waiting, lift], start, {}],
    [
      "what has ended",
      [...waiting, { type: "Ended", outcome: "rejected", reason: "", escalated: false }],
      start,
      {},
    ],
    [
      "what is being cancelled",
      [...waiting, { type: "CancelRequested", by: "bo", reason: "", keep: false }],
      start,
      {},
    ],
    ["what needs no approval", planned(steps), start, {}],
    [
      "what is refused",
      [...before, { type: "GateDecided", gate: { kind: "refused", reasons: [] } }],
      start,
      {},
    ],
    ["when it comes late", waiting, lift.until, {}],
    [
      "when the request has expired",
      waiting,
      plusSeconds(start, 7210),
      { until: plusSeconds(start, 7300), at: plusSeconds(start, 7100) },
    ],
    ["another plan than it was signed for", waiting, start, { digest: "sha256:other" }],
    ["for longer than 15 minutes", waiting, start, { until: plusSeconds(start, 901) }],
    ["ahead of its time", waiting, start, { at: plusSeconds(start, 61), until: plusSeconds(start, 120) }],
    [
      "for whoever has changed the plan",
      [...waiting, { type: "PlanEdited", by: ["Ana"], changes: [] }, ...waiting.slice(-2)],
      start,
      {},
    ],
  ] as const)("lifts nothing: %s", (_, events, now, changes) => {
    expect(answer(events as readonly ExecutionEvent[], now, changes)).toEqual([]);
  });
  it("lifts nothing of what is only observed", () => {
    const { state } = given(...waiting);
    expect(whyNotLifted({ ...state, mode: "observe" }, command as never, start)).toContain("only observed");
  });
  it("is void when nothing was changed in its time: queued, paused, or held after its start", () => {
    for (const events of [[], [paused], [claimed], [claimed, paused]])
      given(...waiting, lift, ...events).expectEnd("expired", 900);
  });
  it("wakes up what is paused when it lapses", () => {
    expect(given(...waiting, lift, paused).work()).toContainEqual({ type: "wait", until: lift.until });
  });
  it("does not stop what is under way: half a repair is worse than a late one", () => {
    const under = given(...waiting, lift, claimed, started("scale", scaleEffect));
    expect(under.work(901)).not.toContainEqual(expect.objectContaining({ type: "record" }));
  });
  it("covers no stricter guards than there were when it was signed", () => {
    const stricter: Gate = { ...gate, demands: [{ from: [], approvals: 2 }] };
    given(...waiting, lift, claimed, { type: "GateDecided", gate: stricter }).expectEnd("outdated");
  });
});

describe("the statement that is signed", () => {
  it("is the same text whatever order its members came in, and no other member gets into it", () => {
    const { signature: _, type: __, ...said } = command as Extract<Command, { type: "break-glass" }>;
    const reversed = Object.fromEntries(Object.entries(said).toReversed()) as typeof said;
    expect(statementText({ ...reversed, more: 1 } as typeof said)).toBe(statementText(said));
  });
});

describe("the emergency people", () => {
  it("are people and the members of teams, each once", () => {
    expect(emergencyPeople(["ana", "team:sre"], { sre: ["bo", "ana"] })).toEqual(["ana", "bo"]);
  });
});
