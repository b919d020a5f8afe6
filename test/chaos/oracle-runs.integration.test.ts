// Incidents while API calls fail at random, judged by the cluster: `npm run test:chaos -- --runs 2000` plays the many.
import { describe, expect, it } from "vitest";
import { playRuns } from "./oracle-runs.ts";
import { notPlayed, scenarios } from "./scenarios.ts";
import { complaintOf, summarise } from "./summary.ts";

it("incidents end as they should although one API call in twenty fails", async () => {
  const verdicts = await playRuns({ runs: 36, seed: 2, faultShare: 0.05, atATime: 18 });
  const { success, recovery, undo, twice } = summarise(verdicts);
  const complaints = verdicts.map(complaintOf).filter((text) => text !== "");
  // Of so few runs one may end with people without need; none may leave anything behind, or make a change twice.
  expect(complaints.slice(1)).toEqual([]);
  expect(verdicts.filter(({ faults }) => faults.length > 0).length).toBeGreaterThan(20);
  expect({ struck: recovery.of > 10, undone: undo.of > 5 }).toEqual({ struck: true, undone: true });
  expect({ undo: undo.good, twice }).toEqual({ undo: undo.of, twice: 0 });
  expect(success.of).toBe(36);
}, 240_000);

describe("the scenarios", () => {
  it("are all there, or it is said why one is not played", () => {
    const played = scenarios.map(({ id }) => id.split(" ")[0]);
    const known = new Set([...played, ...Object.keys(notPlayed)]);
    expect(Array.from({ length: 17 }, (_, index) => `S${index + 1}`).filter((id) => !known.has(id))).toEqual(
      [],
    );
  });
});
