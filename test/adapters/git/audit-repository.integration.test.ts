import { spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type AuditRepositoryOptions,
  openAuditRepository,
} from "../../../src/adapters/git/audit-repository.ts";
import type { AuditRepository, RecordCommit } from "../../../src/controller/ports.ts";
import { firstPrevious, linesOf, verifyChain } from "../../../src/domain/audit/record-lines.ts";
import { milestoneKey, recordFolder, renderRecord } from "../../../src/domain/audit/render-record.ts";
import type { Problem } from "../../../src/domain/problem.ts";
import { approvedByTwo, histories, hostile, succeededRollback } from "../../fixtures/executions.ts";
import { eventually } from "../../support/eventually.ts";
import {
  bareRepository,
  git,
  gitEnvironment,
  serveGitOverHttp,
  sshKey,
  temporaryFolder,
} from "../../support/git.ts";

let folder: ReturnType<typeof temporaryFolder>;
let audit: string;
beforeEach(() => {
  folder = temporaryFolder();
  audit = join(folder.path, "audit.git");
});
afterEach(() => folder.remove());

const open = (options: Partial<AuditRepositoryOptions> = {}): Promise<AuditRepository> =>
  openAuditRepository({
    folder: audit,
    branch: "audit",
    remote: null,
    signingKey: null,
    silenceSeconds: 20,
    ...options,
  });
const commitOf = (index: number): RecordCommit => ({
  files: { [`executions/2026/11/17/e-${index}/REPORT.md`]: `report ${index}\n` },
  message: `remediate(x): number ${index}\n\nExecution-Id: e-${index}\nOutcome: succeeded\nSeq: 3\nEvents-Hash: ${"a".repeat(64)}\n`,
  at: "2026-11-17T10:00:00.000Z",
});
const many = (count: number, from = 0) => Array.from({ length: count }, (_, index) => commitOf(from + index));
const log = (format = "%H") => git(audit, ["log", "--reverse", `--format=${format}`, "audit"]).split("\n");
const sound = () => expect(git(audit, ["fsck", "--full", "--strict", "--no-dangling"])).toBe("");
const problem = async (promise: Promise<unknown>): Promise<Problem> =>
  await promise.then(
    () => {
      throw new Error("did not fail");
    },
    (error: unknown) => error as Problem,
  );
const rendered = () => {
  const commits: RecordCommit[] = [];
  let previousHead: string | null = null;
  for (const { executionId, events, plannedSeq } of Object.values(histories)) {
    const planned = {
      executionId,
      milestone: "planned",
      events: events.slice(0, plannedSeq),
      previousHead,
    } as const;
    const ended = renderRecord({ executionId, milestone: "ended", events, previousHead });
    commits.push(renderRecord(planned), ended);
    previousHead = ended.head;
  }
  return commits.map(({ files, message, at }) => ({ files, message, at }));
};

describe("the audit repository", () => {
  it("holds one commit per milestone, in order, and a folder per execution", async () => {
    const repository = await open();
    expect(await repository.read("executions/2026/11/17/nobody/events.jsonl")).toBeNull();
    const ids = await repository.commit(rendered());
    expect(log()).toEqual(ids);
    expect(new Set(log("%an %ae %cn"))).toEqual(new Set(["gitmend gitmend@localhost gitmend"]));
    expect(log("%aI")[0]).toBe("2026-11-17T10:00:07+00:00");
    const path = `${recordFolder(succeededRollback.executionId, succeededRollback.events[0]!.at)}/events.jsonl`;
    expect(await repository.read("executions/2026/11/17/nobody/events.jsonl")).toBeNull();
    const text = await (await open()).read(path);
    expect(await repository.read(path)).toBe(text);
    expect(text).toBe(`${git(audit, ["cat-file", "blob", `audit:${path}`])}\n`);
    expect(verifyChain(linesOf(text!))).toMatchObject({
      sound: true,
      lines: succeededRollback.events.length,
    });
    expect(firstPrevious(text!)).toBe("0".repeat(64));
    expect(await repository.read("executions/2026/11/17/nobody/events.jsonl")).toBeNull();
    sound();
  });

  it("answers an auditor's questions with git log and git interpret-trailers", async () => {
    await (await open()).commit(rendered());
    const approvedByAna = git(audit, ["log", "--format=%s", "--grep=^Approved-By: ana$", "audit"]);
    expect(approvedByAna).toBe("remediate(prod-eu/shop/deploy/api): rollback-workload succeeded in 39s");
    const trailers = git(audit, [
      "log",
      "-1",
      "--format=%(trailers)",
      `--grep=${approvedByTwo.executionId}`,
      "audit",
    ]);
    const names = trailers.split("\n").map((line) => line.split(":")[0]);
    expect(names).toEqual(
      expect.arrayContaining(["Execution-Id", "Plan-Digest", "Approved-By", "Outcome", "Events-Hash"]),
    );
    const message = git(audit, ["log", "-1", "--format=%B", "audit"]);
    expect(
      git(audit, ["interpret-trailers", "--parse"], message)
        .split("\n")
        .map((line) => line.split(":")[0]),
    ).toContain("Gate");
  });

  it("shows no approval that a label, annotation or error message made up", async () => {
    await (await open()).commit(rendered());
    const made = git(audit, [
      "log",
      "--format=%(trailers:key=Approved-By,valueonly)",
      `--grep=${hostile.executionId}`,
      "audit",
    ]);
    expect(made.trim()).toBe("");
    expect(git(audit, ["log", "--format=%s", "-i", "--grep=Approved-By: mallory", "audit"])).toBe("");
    const outcomes = git(audit, [
      "log",
      "-1",
      "--format=%(trailers:key=Outcome,valueonly)",
      `--grep=${hostile.executionId}`,
      "audit",
    ]);
    expect(outcomes.trim()).toBe("failed");
    expect(git(audit, ["log", "--patch", "audit"])).not.toContain("hunter2");
  });

  it("takes more than 500 commits in several flushes and repacks when packs pile up", async () => {
    const repository = await open();
    expect(await repository.commit(many(1_203))).toHaveLength(1_203);
    for (let index = 0; index < 55; index += 1) await repository.commit(many(1, 2_000 + index));
    expect(new Set(log("%H")).size).toBe(1_258);
    const packs = () => readdirSync(join(audit, "objects/pack")).filter((name) => name.endsWith(".pack"));
    await eventually("the packs are put together", () => packs().length < 50);
    expect(git(audit, ["for-each-ref", "--format=%(refname)"])).toBe("refs/heads/audit");
    sound();
  });

  it("refuses a path that is none of a record, and leaves the branch alone", async () => {
    const repository = await open();
    const [before] = await repository.commit(many(1));
    for (const path of ["../x", "a\nM 100644 inline b", '"x', ".git/config", "a//b"]) {
      await expect(repository.commit([{ ...commitOf(1), files: { [path]: "x" } }])).rejects.toThrow(
        "not a path of a record",
      );
    }
    expect(log()).toEqual([before]);
  });

  it("keeps a message whose lines look like fast-import commands as a message", async () => {
    const message = "subject\n\ndata 3\nreset refs/heads/audit\nfrom 0\n\n\ndone\n";
    await (await open()).commit([{ ...commitOf(1), message }]);
    expect(git(audit, ["cat-file", "commit", "audit"]).split("\n\n").slice(1).join("\n\n")).toBe(
      message.trimEnd(),
    );
    expect(git(audit, ["rev-list", "--count", "audit"])).toBe("1");
  });

  it("refuses a folder that holds something else", async () => {
    writeFileSync(join(folder.path, "notes.txt"), "mine");
    expect((await problem(open({ folder: folder.path }))).code).toBe("GIT_REFUSED");
  });
});

describe("signing", () => {
  it("signs the last commit of a flush, which git verifies, and covers the ones before", async () => {
    const key = sshKey(folder.path, "gitmend");
    writeFileSync(join(folder.path, "signers"), `gitmend namespaces="git" ${key.publicKey}\n`);
    const repository = await open({ signingKey: key.privateKeyFile });
    const ids = await repository.commit(rendered());
    await repository.commit(many(2));
    expect(log().slice(0, ids.length)).toEqual(ids);
    const verify = ["-c", `gpg.ssh.allowedSignersFile=${join(folder.path, "signers")}`];
    const states = git(audit, [...verify, "log", "--reverse", "--format=%G? %GS", "audit"]).split("\n");
    expect(states.flatMap((state, index) => (state === "G gitmend" ? [index] : []))).toEqual([
      ids.length - 1,
      ids.length + 1,
    ]);
    expect(git(audit, ["log", "-1", "--format=%s|%an|%aI", ids.at(-1)!])).toContain(
      "|gitmend|2026-11-17T10:00:08+00:00",
    );
    sound();
  });

  it("fails and moves nothing when the key cannot be used", async () => {
    const repository = await open({ signingKey: join(folder.path, "no-key") });
    await expect(repository.commit(many(2))).rejects.toMatchObject({ code: "INTERNAL" });
    expect(git(audit, ["for-each-ref", "refs/heads/"])).toBe("");
  });
});

describe("a writer that crashed", () => {
  it("finds what it has committed and not marked, by the trailers", async () => {
    const commits = rendered();
    const ids = await (await open()).commit(commits);
    const next = await open();
    const { executionId, events } = succeededRollback;
    const head = /Events-Hash: (\w+)/.exec(commits[1]!.message)![1];
    const found = await next.newest();
    expect(found.milestones.get(milestoneKey(executionId, events.length))).toMatchObject({
      commit: ids[1],
      head,
      lines: events.length,
    });
    expect(found.milestones.get(milestoneKey(executionId, 3))).toMatchObject({ commit: ids[0], lines: 3 });
    expect(found.milestones.get(milestoneKey(executionId, 4))).toBeUndefined();
    const [added] = await next.commit([commitOf(7)]);
    expect((await next.newest()).milestones.get(milestoneKey("e-7", 3))).toMatchObject({ commit: added });
  });

  it("is followed by one that finds no locks in its way, nor half a flush in the branch", async () => {
    const [first] = await (await open()).commit(many(1));
    git(audit, ["update-ref", "refs/gitmend/flush", first!]);
    for (const lock of [
      "refs/heads/audit.lock",
      "refs/gitmend/flush.lock",
      "packed-refs.lock",
      "config.lock",
      "HEAD.lock",
    ]) {
      writeFileSync(join(audit, lock), "");
    }
    writeFileSync(join(audit, "objects/pack/tmp_pack_x"), "half");
    const repository = await open();
    await repository.commit(many(2, 10));
    expect(log("%s")).toHaveLength(3);
    expect(readdirSync(join(audit, "objects/pack")).some((name) => name.startsWith("tmp_"))).toBe(false);
    sound();
  });

  it("survives kill -9 of fast-import: the branch has the old or the new commits", async () => {
    const repository = await open();
    const [first] = await repository.commit(many(1));
    const child = spawn("git", ["fast-import", "--quiet", "--done"], { cwd: audit, env: gitEnvironment });
    child.stdin.write(
      `commit refs/gitmend/flush\ncommitter x <x@x> 1 +0000\ndata 1\nx\nfrom ${first}\nM 100644 inline a\ndata 3\nabc\n`,
    );
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
    const next = await open();
    const [second] = await next.commit(many(1, 5));
    expect(log()).toEqual([first, second]);
    sound();
  });

  it("meets the lock of a git process that was killed while it runs", async () => {
    const repository = await open();
    await repository.commit(many(1));
    writeFileSync(join(audit, "refs/heads/audit.lock"), "");
    await repository.commit(many(1, 5));
    expect(log()).toHaveLength(2);
  });
});

describe("pushing the record", () => {
  it("does nothing without a remote", async () => {
    const repository = await open();
    await repository.commit(many(1));
    await expect(repository.push()).resolves.toBeUndefined();
  });

  it("brings the branch to the remote, over http with a token", async () => {
    bareRepository(join(folder.path, "remote.git"), "audit");
    const server = await serveGitOverHttp(folder.path, "t0ken");
    try {
      const credential = { kind: "token", username: "gitmend", token: "t0ken" } as const;
      const repository = await open({ remote: { url: `${server.url}/remote.git`, credential } });
      await repository.push();
      const ids = await repository.commit(many(3));
      await repository.push();
      await repository.push();
      expect(git(join(folder.path, "remote.git"), ["rev-parse", "audit"])).toBe(ids[2]);
      expect(server.arguments.join("\n")).not.toContain("t0ken");
    } finally {
      await server.close();
    }
  });

  it("stops when the remote has other commits, and never forces", async () => {
    const url = bareRepository(join(folder.path, "remote.git"), "audit");
    const repository = await open({ remote: { url, credential: null } });
    await repository.commit(many(1));
    await repository.push();
    const tree = git(url, ["rev-parse", "audit^{tree}"]);
    const foreign = git(url, ["commit-tree", "-m", "somebody else", "-p", "audit", tree]);
    git(url, ["update-ref", "refs/heads/audit", foreign]);
    await repository.commit(many(1, 5));
    const refused = await problem(repository.push());
    expect([refused.code, refused.retryable]).toEqual(["GIT_NOT_FAST_FORWARD", false]);
    expect(git(url, ["rev-parse", "audit"])).toBe(foreign);
  });

  it("says that it was refused when a hook declines", async () => {
    const url = bareRepository(join(folder.path, "remote.git"), "audit");
    writeFileSync(join(url, "hooks/pre-receive"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const repository = await open({ remote: { url, credential: null } });
    await repository.commit(many(1));
    expect((await problem(repository.push())).code).toBe("GIT_REFUSED");
  });

  it("is delayed, nothing else, while the remote is away", async () => {
    bareRepository(join(folder.path, "remote.git"), "audit");
    const server = await serveGitOverHttp(folder.path, null);
    const repository = await open({ remote: { url: `${server.url}/remote.git`, credential: null } });
    await repository.commit(many(1));
    await server.close();
    await repository.commit(many(1, 5));
    const away = await problem(repository.push());
    expect([away.code, away.retryable]).toEqual(["GIT_UNREACHABLE", true]);
    expect(log()).toHaveLength(2);
  });

  it("goes on with the remote's history when the data folder was lost", async () => {
    const url = bareRepository(join(folder.path, "remote.git"), "audit");
    const first = await open({ remote: { url, credential: null } });
    await first.commit(many(2));
    await first.push();
    audit = join(folder.path, "new.git");
    const second = await open({ remote: { url, credential: null } });
    await second.follow();
    await second.commit(many(1, 5));
    expect(log()).toHaveLength(3);
    expect((await second.newest()).milestones.has(milestoneKey("e-0", 3))).toBe(true);
    await second.push();
  });
});
