// Three replicas while everything around them fails, the short form: `npm run test:chaos` is the long one and prints its seed.
import { expect, it } from "vitest";
import { runChaos } from "../chaos/chaos-run.ts";
import { scheduleOf } from "../chaos/schedule.ts";

it("nothing is lost and nothing is done twice while replicas, database and network fail", async () => {
  const { complaints, outcomes } = await runChaos({ seed: 5, replicas: 3, executions: 60, seconds: 30 });
  expect(complaints).toEqual([]);
  expect(outcomes).toEqual({ succeeded: 60 });
});

it("the same seed is the same schedule of faults", () => {
  expect(scheduleOf(7, 120, 3)).toEqual(scheduleOf(7, 120, 3));
  expect(scheduleOf(8, 120, 3)).not.toEqual(scheduleOf(7, 120, 3));
  expect(new Set(scheduleOf(7, 200, 3).map(({ kind }) => kind)).size).toBe(11);
});
