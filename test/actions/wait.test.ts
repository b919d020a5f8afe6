import { describe, expect, it } from "vitest";
import type { ActionTools } from "../../src/actions/action.ts";
import { waitFor } from "../../src/actions/wait.ts";
import { Problem } from "../../src/domain/problem.ts";

/** Time passes only while somebody sleeps. */
function toolsWithClock(signal = new AbortController().signal) {
  let seconds = 0;
  const tools = {
    now: () => new Date(seconds * 1000).toISOString(),
    sleep: async (more: number) => {
      seconds += more;
    },
    signal,
  } as ActionTools;
  return { tools, elapsed: () => seconds };
}

describe("waiting for a state of the cluster", () => {
  it("looks at once and sleeps only while it is not there", async () => {
    const { tools, elapsed } = toolsWithClock();
    await expect(waitFor(tools, 5, async () => ({ done: true, value: 7 }))).resolves.toBe(7);
    expect(elapsed()).toBe(0);
  });

  it("ends with what was still missing", async () => {
    const { tools, elapsed } = toolsWithClock();
    const look = async () => ({ done: false as const, waitingFor: `1 of 3 pods after ${elapsed()} s` });
    await expect(waitFor(tools, 5, look)).rejects.toMatchObject({
      code: "NOT_HEALTHY",
      message: "1 of 3 pods after 5 s",
    });
  });

  it("outlives an API server that is away for a moment", async () => {
    const { tools, elapsed } = toolsWithClock();
    const look = async () => {
      if (elapsed() < 3) throw new Problem("API_UNREACHABLE", "no route");
      return { done: true as const, value: "there" };
    };
    await expect(waitFor(tools, 5, look)).resolves.toBe("there");
  });

  it("gives up at once when it may not look", async () => {
    const { tools } = toolsWithClock();
    const look = async () => Promise.reject(new Problem("API_FORBIDDEN", "no"));
    await expect(waitFor(tools, 5, look)).rejects.toMatchObject({ code: "API_FORBIDDEN" });
  });

  it("stops when the attempt is aborted", async () => {
    const { tools } = toolsWithClock(AbortSignal.abort());
    const look = async () => Promise.reject(new Problem("API_OUTCOME_UNKNOWN", "aborted"));
    await expect(waitFor(tools, 5, look)).rejects.toMatchObject({ code: "API_OUTCOME_UNKNOWN" });
  });
});
