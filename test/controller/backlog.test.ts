// Which deliveries are sent back while too much waits for a decision. Whatever is sent back comes again as it was.
import { describe, expect, it } from "vitest";
import { createBacklog } from "../../src/controller/backlog.ts";

const mark = 100;
const alert = (severity: string, status: "firing" | "resolved" = "firing", name = "KubePodCrashLooping") => ({
  name,
  status,
  severity,
});

async function waiting(count: number) {
  const backlog = createBacklog({ backlog: async (limit) => Math.min(count, limit) }, mark);
  await backlog.count();
  return backlog;
}

describe("a delivery", () => {
  it.each([
    ["nothing special", 99, [alert("warning")], false],
    ["a warning, with too much waiting", 100, [alert("warning")], true],
    ["an alert without a severity, with too much waiting", 100, [alert("")], true],
    [
      "something critical among warnings, with too much waiting",
      199,
      [alert("warning"), alert("critical")],
      false,
    ],
    ["something critical, with far too much waiting", 200, [alert("critical")], true],
    ["only what has resolved, with far too much waiting", 5_000, [alert("warning", "resolved")], false],
    [
      "a critical resolve beside a warning that fires",
      100,
      [alert("critical", "resolved"), alert("warning")],
      true,
    ],
    ["only the sign of life", 5_000, [alert("none", "firing", "Watchdog")], false],
    ["nothing at all", 5_000, [], false],
  ])("of %s (%#)", async (_, count, alerts, refused) => {
    expect((await waiting(count)).refuses(alerts)).toBe(refused);
  });
});

describe("between two counts", () => {
  it("what this replica has opened is part of the backlog, and is counted once", async () => {
    let stored = 40;
    const backlog = createBacklog({ backlog: async () => stored }, mark);
    await backlog.count();
    backlog.opened(60);
    expect([backlog.length(), backlog.sheds()]).toEqual([100, true]);
    stored = 100;
    await backlog.count();
    expect(backlog.length()).toBe(100);
    stored = 0;
    await backlog.count();
    expect([backlog.length(), backlog.sheds()]).toEqual([0, false]);
  });

  it("what is opened while it is counted is not forgotten", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const backlog = createBacklog({ backlog: () => promise }, mark);
    const counting = backlog.count();
    backlog.opened(7);
    resolve(10);
    await counting;
    expect(backlog.length()).toBe(17);
  });

  it("a count that fails leaves what is known", async () => {
    const backlog = createBacklog({ backlog: () => Promise.reject(new Error("the database is away")) }, mark);
    backlog.opened(100);
    await backlog.count().catch(() => undefined);
    expect(backlog.sheds()).toBe(true);
  });
});
