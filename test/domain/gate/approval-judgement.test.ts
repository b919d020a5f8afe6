import { describe, expect, it } from "vitest";
import type { Approval, ApprovalDemand } from "../../../src/domain/gate/gate.ts";
import { demandsText, judgeApproval } from "../../../src/domain/gate/judge-approval.ts";

const teams = new Map([
  ["sre", ["ana", "ben"]],
  ["dba", ["ana", "cleo"]],
]);
const by = (name: string, verified = true): Approval => ({
  by: name,
  at: "2026-11-17T10:00:00Z",
  commit: "c",
  verified,
});
const two: ApprovalDemand = { from: ["team:sre"], approvals: 2 };
const judge = (demands: readonly ApprovalDemand[], ...approvals: Approval[]) =>
  judgeApproval(demands, approvals, teams);

describe("two approvals of a team", () => {
  it("need two of its people", () => {
    expect(judge([two])).toEqual({ enough: false, missing: "2 more of team:sre", unmet: [0] });
    expect(judge([two], by("ana"))).toEqual({ enough: false, missing: "1 more of team:sre", unmet: [0] });
    expect(judge([two], by("ana"), by("ben"))).toEqual({ enough: true, missing: "", unmet: [] });
  });
  it("are not two of one person, nor one of somebody outside", () => {
    expect(judge([two], by("ana"), by("ana")).enough).toBe(false);
    expect(judge([two], by("ana"), by("cleo")).enough).toBe(false);
  });
  it("cannot be given unverified", () => {
    expect(judge([two], by("ana", false), by("ben", false))).toEqual({
      enough: false,
      missing: "2 more of team:sre (unverified approvals do not count here)",
      unmet: [0],
    });
  });
});

describe("several demands", () => {
  const demands: readonly ApprovalDemand[] = [
    { from: ["team:sre"], approvals: 1 },
    { from: ["team:dba"], approvals: 1 },
  ];
  it("must all be met, and one person in both teams meets both", () => {
    expect(judge(demands, by("ben"))).toEqual({ enough: false, missing: "1 more of team:dba", unmet: [1] });
    expect(judge(demands, by("ana")).enough).toBe(true);
  });
  it("are not met by an unverified approval", () => {
    expect(judge(demands, by("ana", false)).enough).toBe(false);
  });
});

describe("what a gate waits for", () => {
  it("says who comes later, by how long or by the time of day", () => {
    const next = [
      { afterSeconds: 600, from: ["team:dba"] },
      { afterSeconds: 900, from: ["zoe", "cleo"] },
    ];
    const demands = [{ ...two, next }, two];
    expect(demandsText(demands)).toBe(
      "2 of team:sre (after 10m also of team:dba, after 15m also of zoe or cleo) and 2 of team:sre",
    );
    expect(demandsText([{ ...two, next }], "2026-11-17T23:55:00.000Z")).toBe(
      "2 of team:sre (from 00:05 UTC on also of team:dba, from 00:10 UTC on also of zoe or cleo)",
    );
  });
});

describe("who may approve", () => {
  it("is anybody configured when nobody is named, and never the bot", () => {
    const anyone: readonly ApprovalDemand[] = [{ from: [], approvals: 1 }];
    expect(judge(anyone, by("zoe")).enough).toBe(true);
    expect(judge(anyone, by("gitmend"))).toEqual({
      enough: false,
      missing: "1 more of any approver",
      unmet: [0],
    });
    expect(judgeApproval(anyone, [by("robot")], teams, "robot").enough).toBe(false);
  });
  it("may be named directly; an unknown team has nobody", () => {
    expect(judge([{ from: ["cleo", "team:sre"], approvals: 1 }], by("cleo")).enough).toBe(true);
    expect(judge([{ from: ["team:nobody"], approvals: 1 }], by("ana")).enough).toBe(false);
    expect(judge([{ from: ["sre"], approvals: 1 }], by("ana")).enough).toBe(false);
  });
  it("is enough unverified where a single one is asked for", () => {
    expect(judge([{ from: ["team:sre"], approvals: 1 }], by("ana", false)).enough).toBe(true);
  });
});

it("fails closed: no demand is met by nobody, and a demand of 0 asks for one", () => {
  expect(judge([], by("ana")).enough).toBe(false);
  expect(judge([{ from: [], approvals: 0 }]).enough).toBe(false);
});

it("says what a gate waits for", () => {
  expect(demandsText([two, { from: ["ana", "team:dba"], approvals: 1 }])).toBe(
    "2 of team:sre and 1 of ana or team:dba",
  );
});
