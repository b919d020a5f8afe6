import { describe, expect, it } from "vitest";
import type { Gate } from "../../../src/domain/gate/gate.ts";
import { isStricter } from "../../../src/domain/gate/is-stricter.ts";

const open: Gate = { kind: "open", reasons: [] };
const refused: Gate = { kind: "refused", reasons: [] };
const asks = (...demands: [readonly string[], number][]): Gate => ({
  kind: "approval",
  demands: demands.map(([from, approvals]) => ({ from, approvals })),
  expiresSeconds: 600,
  reasons: [],
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
