import { describe, expect, it } from "vitest";
import { createLog, type LogOptions } from "../../../src/adapters/telemetry/log.ts";
import { Problem } from "../../../src/domain/problem.ts";

function given(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ level: "info", pretty: false, ...options, write: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

describe("a log line", () => {
  it("is one JSON object with level, time, message and fields", () => {
    const { log, lines, last } = given();
    log.info({ executionId: "x", steps: 3 }, "execution ended");
    expect(lines).toHaveLength(1);
    expect(last()).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      message: "execution ended",
      executionId: "x",
      steps: 3,
    });
  });

  it("holds no secret, whatever depth its key stands at", () => {
    const { log, lines } = given();
    log.warn(
      {
        config: {
          database: { password: "hunter2" },
          list: [{ apiKey: "hunter2" }],
          Authorization: ["hunter2"],
        },
        git_token: "hunter2",
        privateKey: { pem: "hunter2" },
      },
      "configuration",
    );
    expect(lines[0]).not.toContain("hunter2");
    expect(lines[0]!.match(/\[redacted\]/g)).toHaveLength(5);
  });

  it("keeps numbers under such names: they count, they are no secrets", () => {
    const { log, last } = given();
    log.info({ token: 7, tokens: null }, "firing decided");
    expect(last()).toMatchObject({ token: 7, tokens: null });
  });

  it.each([
    ["postgres://gitmend:hun@ter2@db:5432/x", "postgres://[redacted]@db:5432/x"],
    [
      "cannot fetch https://oauth2:hunter2@git.example/a.git now",
      "cannot fetch https://[redacted]@git.example/a.git now",
    ],
    ["sent Bearer hunter2hunter2 to it", "sent Bearer [redacted] to it"],
    ["https://git.example/a@b.git", "https://git.example/a@b.git"],
  ])("holds no credential of a URL or header: %s", (secret, shown) => {
    const { log, last } = given();
    log.error({ detail: secret, deep: [{ secret: { more: secret } }] }, secret);
    expect(last()).toMatchObject({ detail: shown, message: shown });
  });

  it("shows an error with its code and causes, without their secrets", () => {
    const { log, last } = given();
    const cause = new Error("connect postgres://a:hunter2@db refused");
    log.error(
      { err: new Problem("DATABASE_UNAVAILABLE", "away", { cause, details: { password: "hunter2" } }) },
      "failed",
    );
    expect(last()["err"]).toMatchObject({
      name: "Problem",
      code: "DATABASE_UNAVAILABLE",
      message: "away",
      details: { password: "[redacted]" },
      cause: { message: "connect postgres://[redacted]@db refused" },
    });
    expect(JSON.stringify(last())).not.toContain("hunter2");
  });

  it("stays bounded for values that are deep, long or refer to themselves", () => {
    const loop: Record<string, unknown> = { text: "x".repeat(100_000) };
    loop["self"] = loop;
    const { log, lines } = given();
    log.info(loop, "loop");
    expect(lines[0]!.length).toBeLessThan(100_000);
    expect(lines[0]).toContain("[too deep]");
  });

  it("is left out below the level", () => {
    const { log, lines } = given({ level: "warn" });
    log.info({}, "quiet");
    log.warn({}, "loud");
    expect(lines).toHaveLength(1);
  });

  it("is one readable line on a terminal, and what others wrote cannot steer it", () => {
    const { log, lines } = given({ pretty: true });
    log.warn({ pod: "api-0", why: "a\u001b[2Jb" }, "step failed\u001b]0;x\u0007");
    // oxlint-disable-next-line no-control-regex -- takes the colours out
    const plain = lines[0]!.replaceAll(/\u001b\[\d+m/g, "");
    expect(plain).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}step failed�\]0;x� {2}pod=api-0 why="a\\u001b\[2Jb"\n$/,
    );
    expect(plain).not.toContain("\u001b");
  });
});
