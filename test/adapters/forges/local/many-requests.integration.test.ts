import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openLocalForge } from "../../../../src/adapters/forges/local/local-forge.ts";
import type { Forge } from "../../../../src/controller/forge-ports.ts";
import { git, temporaryFolder } from "../../../support/git.ts";

const count = 60;
const base = "gitmend-approvals";

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
let calls: string;
let broken: string;
let path: string | undefined;
let forge: Forge;
let waiting: readonly { readonly branch: string; readonly file: string; readonly head: string }[];

/** A `git` before the real one: it writes down what it is asked, and fails at what it is told to fail at. */
function watchGit(): void {
  const real = execFileSync("which", ["git"]).toString().trim();
  const tools = join(folder.path, "tools");
  mkdirSync(tools);
  const script = `#!/bin/sh\necho "$*" >> ${calls}\nif [ -f ${broken} ] && echo "$*" | grep -q "$(cat ${broken})"; then echo "out of memory" >&2; exit 128; fi\nexec ${real} "$@"\n`;
  writeFileSync(join(tools, "git"), script);
  chmodSync(join(tools, "git"), 0o755);
  path = process.env["PATH"];
  process.env["PATH"] = `${tools}${delimiter}${path ?? ""}`;
}

const asked = () =>
  readFileSync(calls, "utf8")
    .split("\n")
    .filter((line) => line !== "");
const readAll = () => Promise.all(waiting.map((request) => forge.read(request)));
const states = async () => (await readAll()).map(({ state }) => state);
function mergeByHand(tip: string): void {
  const tree = git(repository, ["merge-tree", "--write-tree", base, tip]).split("\n")[0]!;
  const merge = git(repository, ["commit-tree", "-m", "merge", "-p", base, "-p", tip, tree]);
  git(repository, ["update-ref", `refs/heads/${base}`, merge]);
}

beforeAll(async () => {
  folder = temporaryFolder();
  [repository, calls, broken] = ["approvals.git", "calls", "broken"].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  appendFileSync(calls, "");
  watchGit();
  const clock = { now: () => "2026-11-17T10:00:08.000Z" };
  const people = [{ id: "ana", signer: null }];
  forge = await openLocalForge({ folder: repository, people, unsignedAllowed: true, clock });
  const requests = Array.from({ length: count }, (_, index) => ({
    executionId: `x-${index}`,
    branch: `gitmend/r${index}`,
    file: `approvals/x-${index}.yaml`,
    content: `plan: ${index}\napprovals:\n`,
    title: "a plan",
    body: "",
    labels: [],
  }));
  waiting = await Promise.all(
    requests.map(async (one) => ({ branch: one.branch, file: one.file, head: (await forge.open(one)).head })),
  );
  await readAll();
}, 60_000);
afterAll(() => {
  process.env["PATH"] = path;
  folder.remove();
});
beforeEach(() => writeFileSync(calls, ""));

describe("many requests that wait for people", () => {
  it("are one question to git while nothing moves", async () => {
    expect(await states()).toEqual(Array.from({ length: count }, () => "open"));
    const [first, ...more] = asked();
    expect(first).toContain("cat-file --batch-check");
    // The first of them asks alone, all others together.
    expect(more.length).toBeLessThanOrEqual(1);
  });

  it("see at once what was done before they asked", async () => {
    await readAll();
    git(repository, ["update-ref", "-d", `refs/heads/${waiting[1]!.branch}`]);
    expect((await forge.read(waiting[1]!)).state).toBe("closed");
    expect((await forge.read(waiting[2]!)).state).toBe("open");
  });

  it("cost one question each when another one is merged", async () => {
    mergeByHand(waiting[0]!.head);
    const others = waiting.slice(3);
    await Promise.all(others.map((request) => forge.read(request)));
    expect(asked().filter((line) => line.includes("--is-ancestor"))).toHaveLength(others.length);
    expect(asked().length).toBeLessThanOrEqual(others.length + 2);
    writeFileSync(calls, "");
    await Promise.all(others.map((request) => forge.read(request)));
    expect(asked().filter((line) => line.includes("--is-ancestor"))).toEqual([]);
  });

  it("a git that fails while one is merged says nothing, and the merge is seen afterwards", async () => {
    const request = waiting[5]!;
    expect((await forge.read(request)).state).toBe("open");
    mergeByHand(request.head);
    writeFileSync(broken, "is-ancestor");
    await expect(forge.read(request)).rejects.toThrow("out of memory");
    rmSync(broken);
    expect((await forge.read(request)).state).toBe("merged");
  });

  it("all hear of it when git cannot answer, and go on when it can", async () => {
    const others = waiting.slice(10);
    writeFileSync(broken, "batch-check");
    const results = await Promise.allSettled(others.map((request) => forge.read(request)));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    rmSync(broken);
    expect((await forge.read(others[0]!)).state).toBe("open");
  });
});
