import { describe, expect, it } from "vitest";
import { asBadOrWorse, severityRank } from "../../../src/domain/intake/severity.ts";

describe("severities", () => {
  it("are compared by the words that people use, in whatever case", () => {
    const ranks = ["none", "Info", "warning", "ERROR", "critical"].map(severityRank);
    expect(ranks).toEqual([0, 1, 2, 3, 4]);
  });
  it("have words for all that are as bad or worse", () => {
    expect(asBadOrWorse("Error")).toEqual(expect.arrayContaining(["error", "high", "critical", "page"]));
    expect(asBadOrWorse("Error")).not.toContain("warning");
    expect(asBadOrWorse("P2")).toContain("info");
  });
  it("are as bad as each other when nobody knows them", () => {
    expect(severityRank("")).toBe(severityRank("P2"));
  });
});
