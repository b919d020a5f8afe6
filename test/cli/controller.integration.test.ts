import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLocalForge } from "../../src/adapters/forges/local/local-forge.ts";
import { writeControllerFile } from "../../src/config/controller-file.ts";
import type { ExecutionCommand } from "../../src/controller/ports.ts";
import type { RecordedEvent } from "../../src/domain/execution/events.ts";
import { approvalBranch, approvalPath } from "../../src/domain/gate/approval-file.ts";
import { executionsOf, givenServer, noDeadLetters, token } from "../server/given-server.ts";
import { cli } from "./given-cli.ts";
import { sampleExecution } from "./sample-execution.ts";

const { summary, events } = sampleExecution("rolled-back");
const short = summary.id.slice(-12);
const environment = (url: string) => ({ GITMEND_SERVER: url, GITMEND_TOKEN: token });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gitmend-cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a command that asks a controller", () => {
  const given = () => givenServer({}, { executions: executionsOf([{ summary, events }]) });

  it("finds it by the data folder's file, the environment or --server", async () => {
    await using server = await given();
    await writeControllerFile(join(folder, ".gitmend"), { url: server.url, token });
    await writeControllerFile(join(folder, "other"), { url: server.url, token });
    const list = ["executions", "list"];
    for (const [args, settings] of [
      [list, { workingFolder: folder }],
      [list, { environment: { GITMEND_DATA_DIR: join(folder, "other") } }],
      [list, { environment: environment(server.url) }],
      [[...list, "--server", server.url], { environment: { GITMEND_TOKEN: token } }],
      [[...list, "--server", server.url], { workingFolder: folder }],
    ] as const) {
      expect(await cli(args, settings)).toMatchObject({
        code: 0,
        err: "",
        out: expect.stringContaining(short),
      });
    }
  });

  it("never sends the file's token to another address", async () => {
    await using server = await given();
    await writeControllerFile(join(folder, ".gitmend"), { url: "http://127.0.0.1:1", token });
    const run = await cli(["executions", "list", "--server", server.url], { workingFolder: folder });
    expect(run).toMatchObject({ code: 1, err: expect.stringContaining("UNAUTHENTICATED") });
  });

  it("says what to do when there is none", async () => {
    const none = await cli(["executions", "list"], { workingFolder: folder });
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining("gitmend run") });
    const dead = await cli(["executions", "list", "--server", "http://127.0.0.1:1"], {
      workingFolder: folder,
    });
    expect(dead).toMatchObject({
      code: 1,
      err: expect.stringMatching(/no controller answers at http:\/\/127.0.0.1:1/),
    });
    const wrong = await cli(["executions", "list", "--server", "localhost"], { workingFolder: folder });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("(USAGE)") });
  });

  it("says when something else answers there", async () => {
    await using server = await given();
    const run = await cli(["executions", "list", "--server", `${server.url}/healthz`], {
      environment: { GITMEND_TOKEN: token },
    });
    expect(run.code).toBe(0);
    const other = await cli(["executions", "show", "ffffffff"], { environment: environment(server.url) });
    expect(other).toMatchObject({ code: 1, out: "", err: expect.stringContaining("NOT_FOUND") });
  });
});

describe("gitmend executions", () => {
  it("lists, shows and tells the events, for people and for programs", async () => {
    await using server = await givenServer({}, { executions: executionsOf([{ summary, events }]) });
    const run = (...args: string[]) => cli(["executions", ...args], { environment: environment(server.url) });
    expect((await run("list")).out).toMatch(/^ +ID +STATE +TARGET/);
    expect((await run("list", "-o", "wide")).out).toContain(summary.id);
    expect(JSON.parse((await run("list", "-o", "json")).out)).toEqual({ items: [summary], next: null });
    expect((await run("show", short)).out).toContain("spec.replicas: 2 -> 5");
    expect(JSON.parse((await run("show", short, "-o", "json")).out)).toMatchObject({ summary });
    expect((await run("events", short)).out).toContain("step undone");
    expect(JSON.parse((await run("events", short, "-o", "json")).out)).toHaveLength(events.length);
    expect(await run("show", "../../x")).toMatchObject({ code: 2, err: expect.stringContaining("(USAGE)") });
  });

  it("shows an execution as it was after an event or at a time, and says that it is the past", async () => {
    await using server = await givenServer({}, { executions: executionsOf([{ summary, events }]) });
    const run = (at: string, ...more: string[]) =>
      cli(["executions", "show", short, "--at", at, ...more], { environment: environment(server.url) });
    const past = await run("4");
    expect(past.out).toMatch(
      new RegExp(`^AS IT WAS at ${events[3]!.at}, after event 4 of ${events.length}\n`),
    );
    expect(past.out).not.toContain("rolled back");
    const programs = JSON.parse((await run(events[3]!.at, "-o", "json")).out) as { events: unknown[] };
    expect(programs).toMatchObject({ past: { seq: 4 }, summary: { outcome: null } });
    expect(await run("yesterday")).toMatchObject({
      code: 2,
      err: expect.stringContaining("2026-11-17T10:05:00Z"),
    });
    expect(await run("2001-01-01T00:00:00Z")).toMatchObject({
      code: 1,
      err: expect.stringContaining("it began at"),
    });
  });

  it("says so when there are none", async () => {
    await using server = await givenServer();
    const run = await cli(["executions", "list"], { environment: environment(server.url) });
    expect(run.out).toBe("no executions\n");
  });

  it("cancels in the name of whoever asks, and says what came of it", async () => {
    const sent: ExecutionCommand[] = [];
    const running = sampleExecution("running");
    const execution = { ...running };
    const executions = executionsOf([execution], async (_id, command) => {
      sent.push(command);
      execution.summary = { ...running.summary, phase: "ended", outcome: "cancelled" };
      return true;
    });
    await using server = await givenServer({}, { executions });
    const args = ["executions", "cancel", short, "--reason", "wrong workload", "--keep", "--as", "ana"];
    const run = await cli(args, { environment: environment(server.url) });
    expect(run).toMatchObject({ code: 0, out: `${short} ended: cancelled\n` });
    expect(sent).toEqual([{ type: "cancel", by: "ana", reason: "wrong workload", keep: true }]);
  });

  it("says that nothing was cancelled when it had ended", async () => {
    await using server = await givenServer({}, { executions: executionsOf([{ summary, events }]) });
    const run = await cli(["executions", "cancel", short, "--reason", "x"], {
      environment: environment(server.url),
    });
    expect(run).toMatchObject({ code: 1, out: expect.stringContaining("had ended already: rolled_back") });
  });
});

describe("gitmend executions watch", () => {
  const dataFolder = () => join(folder, ".gitmend");
  const watch = (...args: string[]) =>
    cli(["executions", "watch", short, ...args], { workingFolder: folder });

  it("finds a controller that was restarted meanwhile, and shows nothing twice", async () => {
    const half = events.slice(0, 6);
    const running = { ...summary, phase: "running" as const, outcome: null };
    const first = await givenServer({}, { executions: executionsOf([{ summary: running, events: half }]) });
    await writeControllerFile(dataFolder(), { url: first.url, token });
    let shown = "";
    const watched = cli(["executions", "watch", short], {
      workingFolder: folder,
      onOut: (text) => {
        shown += text;
      },
    });
    await expect.poll(() => shown.split("\n").length).toBeGreaterThanOrEqual(half.length);
    await first.server.close(0);
    await using second = await givenServer({}, { executions: executionsOf([{ summary, events }]) });
    await writeControllerFile(dataFolder(), { url: second.url, token });
    const { code, out, err } = await watched;
    expect([code, err]).toEqual([1, "the controller does not answer: waiting for it\n"]);
    expect(out.match(/^ +[\d.]+s {2}/gm)).toHaveLength(events.length);
  });

  it("speaks JSON, one event a line, and says that there is no such execution", async () => {
    await using server = await givenServer({}, { executions: executionsOf([{ summary, events }]) });
    await writeControllerFile(dataFolder(), { url: server.url, token });
    const { out } = await watch("-o", "json");
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as RecordedEvent).seq),
    ).toEqual(events.map(({ seq }) => seq));
    const none = await cli(["executions", "watch", "ffffffff"], { workingFolder: folder });
    expect(none).toMatchObject({ code: 1, out: "", err: expect.stringContaining("NOT_FOUND") });
  });
});

describe("gitmend dead-letters list", () => {
  it("shows the reason and the body, and nothing of it steers the terminal", async () => {
    const letter = {
      id: "1",
      receivedAt: "2026-11-17T10:00:00.000Z",
      source: "default",
      reason: "X: \u001b[2J",
      body: "{}",
    };
    await using server = await givenServer(
      {},
      {
        alerts: {
          receive: () => Promise.reject(new Error("unused")),
          ...noDeadLetters,
          deadLetters: async () => [letter],
        },
      },
    );
    const run = await cli(["dead-letters", "list"], { environment: environment(server.url) });
    expect(run.out).toBe("1  2026-11-17 10:00:00 UTC  default  X: \uFFFD[2J\n  {}\n");
  });
});

describe("gitmend approve and reject", () => {
  const approvers = { sre: ["ana", "bo"] };

  /** A request on a real forge for the sample that waits, of an execution that demands as many people as given. */
  async function givenRequest(demanded: number) {
    const waiting = sampleExecution("awaiting-approval");
    const { id } = waiting.summary;
    const repository = join(folder, "approvals.git");
    const people = Object.values(approvers)
      .flat()
      .map((person) => ({ id: person, signer: null }));
    const clock = { now: () => "2026-11-17T10:01:00.000Z" };
    const forge = await openLocalForge({ folder: repository, people, unsignedAllowed: true, clock });
    const request = {
      executionId: id,
      branch: approvalBranch(id),
      file: approvalPath(id),
      title: "approve",
      body: "",
      labels: [],
    };
    const opened = await forge.open({ ...request, content: "plan: {}\n\napprovals:\n" });
    const asked = waiting.events.map((recorded): RecordedEvent => {
      const { event } = recorded;
      if (event.type === "ApprovalRequested") {
        return { ...recorded, event: { ...event, ...opened, branch: request.branch } };
      }
      if (event.type !== "GateDecided" || event.gate.kind !== "approval") return recorded;
      const demands = [{ from: ["team:sre"], approvals: demanded }];
      return { ...recorded, event: { ...event, gate: { ...event.gate, demands } } };
    });
    const executions = executionsOf([{ summary: waiting.summary, events: asked }]);
    const server = await givenServer({ teams: new Map(Object.entries(approvers)) }, { executions });
    const state = () => forge.read({ branch: request.branch, file: request.file, head: opened.head });
    const run = (...args: string[]) => cli(args, { environment: environment(server.url) });
    return { run, state, id: id.slice(-12), [Symbol.asyncDispose]: () => server.server.close(0) };
  }

  it("merges when one person is enough", async () => {
    await using given = await givenRequest(1);
    const run = await given.run("approve", given.id, "--as", "ana");
    expect(run).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringContaining("approved by ana and merged"),
    });
    expect(await given.state()).toMatchObject({ state: "merged", approvals: [{ by: "ana" }] });
  });

  it("does not merge while more people are needed", async () => {
    await using given = await givenRequest(2);
    const run = await given.run("approve", given.id, "--as", "ana");
    expect(run).toMatchObject({ code: 0, out: expect.stringContaining("waits for more approvals") });
    expect(await given.state()).toMatchObject({ state: "open" });
  });

  it("refuses a second approval of one person, with the reason", async () => {
    await using given = await givenRequest(2);
    await given.run("approve", given.id, "--as", "ana");
    const again = await given.run("approve", given.id, "--as", "ana");
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining("ana has approved this already") });
  });

  it("closes a request that is rejected", async () => {
    await using given = await givenRequest(1);
    const run = await given.run("reject", given.id, "--as", "bo", "--reason", "not now");
    expect(run).toMatchObject({
      code: 0,
      out: "rejected by bo: not now; now to be read by its owner in a moment\n",
    });
    expect(await given.state()).toMatchObject({
      state: "closed",
      reason: expect.stringContaining("not now"),
    });
  });

  it("says so when nothing waits", async () => {
    await using server = await givenServer({}, { executions: executionsOf([{ summary, events }]) });
    const run = await cli(["approve", short, "--as", "ana"], { environment: environment(server.url) });
    expect(run).toMatchObject({ code: 1, err: expect.stringContaining("asks for no approval") });
  });
});

describe("bin/gitmend", () => {
  const bin = fileURLToPath(new URL("../../bin/gitmend", import.meta.url));
  const run = promisify(execFile);

  it("works from any folder and leaves the exit code", async () => {
    const { stdout } = await run(bin, ["version"], { cwd: folder });
    expect(stdout).toMatch(/^gitmend /);
    const failed = run(bin, ["executions", "list"], { cwd: folder, env: { PATH: process.env["PATH"] } });
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("gitmend run"),
    });
    await expect(run(bin, ["bogus"], { cwd: folder })).rejects.toMatchObject({ code: 2 });
  });
});
