import { describe, expect, it } from "vitest";
import type { Gate } from "../../../src/domain/gate/gate.ts";
import { isStricter } from "../../../src/domain/gate/is-stricter.ts";
import { gateAsMet } from "../../../src/domain/gate/next-approvers.ts";

const open: Gate = { kind: "open", reasons: [] };
const refused: Gate = { kind: "refused", reasons: [] };
const asks = (...demands: [readonly string[], number][]): Gate => ({
  kind: "approval",
  demands: demands.map(([from, approvals]) => ({ from, approvals })),
  expiresSeconds: 600,
  reasons: [],
});

const later = (...next: readonly [number, string][]): Gate => ({
  kind: "approval",
  demands: [
    {
      from: ["team:sre"],
      approvals: 1,
      next: next.map(([afterSeconds, who]) => ({ afterSeconds, from: [who] })),
    },
  ],
  expiresSeconds: 600,
  reasons: [],
});
const added = (afterSeconds: number, who: string) => ({ demand: 0, afterSeconds, from: [who] });

describe("a gate that others could pass because nobody had decided", () => {
  const passed = gateAsMet(later([60, "dev"], [120, "ops"]), [added(60, "dev")]);
  it.each([
    ["they may not approve any more", asks([["team:sre"], 1])],
    ["they may only later", later([90, "dev"])],
    ["others may in their place", later([60, "ops"])],
  ])("is stricter when %s", (_why, now) => {
    expect(isStricter(passed, now)).toBe(true);
  });
  it.each([
    ["nothing changed", later([60, "dev"], [120, "ops"])],
    ["they may approve from the start", asks([["team:sre", "dev"], 1])],
    ["those whose time never came may not any more", later([60, "dev"])],
  ])("is not stricter when %s", (_why, now) => {
    expect(isStricter(passed, now)).toBe(false);
  });
  it("is not stricter without them, when it was passed before their time", () => {
    expect(isStricter(gateAsMet(later([60, "dev"]), []), asks([["team:sre"], 1]))).toBe(false);
  });
});

describe("a gate that is weighed again", () => {
  it.each([
    ["a freeze came", open, refused],
    ["an approval is needed now", open, asks([[], 1])],
    ["it is denied after an approval", asks([[], 1]), refused],
    ["more people are needed", asks([["team:sre"], 1]), asks([["team:sre"], 2])],
    ["another team is needed", asks([["team:sre"], 1]), asks([["team:dba"], 1])],
    ["another team is needed as well", asks([["team:sre"], 1]), asks([["team:sre"], 1], [["team:dba"], 1])],
    ["not anybody will do any more", asks([[], 2]), asks([["team:sre"], 1])],
  ])("is stricter when %s", (_why, before, now) => {
    expect(isStricter(before, now)).toBe(true);
  });
  it.each([
    ["nothing changed", asks([["team:sre"], 1]), asks([["team:sre"], 1])],
    ["nobody needs to be asked any more", asks([[], 1]), open],
    ["fewer people are enough", asks([["team:sre"], 2]), asks([["team:sre"], 1])],
    ["anybody will do", asks([["team:sre"], 1]), asks([[], 1])],
    ["another team would do as well", asks([["team:sre"], 1]), asks([["team:sre", "team:dba"], 1])],
    ["it stays open", open, open],
  ])("is not stricter when %s", (_why, before, now) => {
    expect(isStricter(before, now)).toBe(false);
  });
});
