import { describe, expect, it } from "vitest";
import { severityRank } from "../../../src/domain/intake/severity.ts";

describe("severities", () => {
  it("are compared by the words that people use, in whatever case", () => {
    const ranks = ["none", "Info", "warning", "ERROR", "critical"].map(severityRank);
    expect(ranks).toEqual([0, 1, 2, 3, 4]);
  });
  it("are as bad as each other when nobody knows them", () => {
    expect(severityRank("")).toBe(severityRank("P2"));
  });
});
