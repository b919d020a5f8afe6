// `gitmend simulate --at`: the catalog of a commit, a branch or a tag, from real repositories.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bareRepository, git, temporaryFolder, type WorkCopy, workCopy } from "../support/git.ts";
import { cli } from "./given-cli.ts";
import { crashLoops } from "./given-folder.ts";

const alert = { labels: { alertname: "KubePodCrashLooping", namespace: "shop", pod: "api-0" } };
const input = JSON.stringify(alert);
const broken = { "policies/crash-loops.yaml": "name: broken\n" };

let folder: ReturnType<typeof temporaryFolder>;
let copy: WorkCopy;
let bare: string;
beforeEach(() => {
  folder = temporaryFolder();
  bare = bareRepository(join(folder.path, "config.git"));
  copy = workCopy(join(folder.path, "work"), bare);
});
afterEach(() => folder.remove());

const simulate = (at: string | null, path: string, workingFolder = copy.folder) =>
  cli(["simulate", "--alert", "-", ...(at === null ? [] : ["--at", at]), path, "-o", "json"], {
    workingFolder,
    input,
  });
const chosen = (out: string) =>
  (JSON.parse(out) as { selection: { kind: string; template?: string } }[])[0]!.selection;

describe("simulate at a revision", () => {
  it("reads the catalog as it was, whatever lies in the folder now", async () => {
    const good = copy.push(crashLoops);
    git(copy.folder, ["tag", "v1"]);
    git(copy.folder, ["branch", "rules/old"]);
    copy.push(broken);
    expect((await simulate(null, ".")).code).toBe(2);
    for (const revision of [good, good.slice(0, 10), "v1", "rules/old", "HEAD~1"]) {
      const { code, out } = await simulate(revision, ".");
      expect([revision, code, chosen(out)]).toMatchObject([
        revision,
        0,
        { kind: "match", template: "restart" },
      ]);
    }
    const bad = await simulate("HEAD", ".");
    expect([bad.code, bad.err]).toEqual([2, expect.stringContaining("have errors (CATALOG_INVALID)")]);
    expect(git(copy.folder, ["status", "--porcelain"])).toBe("");
  });

  it("reads a folder of the repository, and a bare repository", async () => {
    const below = Object.entries(crashLoops).map(([path, text]) => [`clusters/prod/${path}`, text] as const);
    copy.push(Object.fromEntries(below));
    expect(chosen((await simulate("main", "clusters/prod")).out)).toMatchObject({ kind: "match" });
    const root = await simulate("main", ".");
    expect([root.code, root.err]).toEqual([2, expect.stringContaining("no templates and policies there")]);
    copy.push(crashLoops);
    expect(chosen((await simulate("main", bare)).out)).toMatchObject({ kind: "match" });
  });

  it("reads from a second work tree and from packed objects", async () => {
    copy.push(crashLoops);
    git(copy.folder, ["gc", "--quiet"]);
    git(copy.folder, ["worktree", "add", "--quiet", "--detach", join(folder.path, "second")]);
    expect(chosen((await simulate("main", join(folder.path, "second"))).out)).toMatchObject({
      kind: "match",
    });
  });

  it.each([
    ["a revision that is not there", "gone", 'no commit, branch or tag "gone"'],
    ["what looks like an option", "--all", 'no commit, branch or tag "--all"'],
    ["a file", "main:policies/crash-loops.yaml", "no commit, branch or tag"],
  ])("refuses %s", async (_, revision, words) => {
    copy.push(crashLoops);
    const { code, err } = await simulate(`${revision}`, ".");
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
  });

  it("refuses a folder that is in no repository", async () => {
    const { code, err } = await simulate("main", folder.path);
    expect([code, err]).toEqual([2, expect.stringContaining("is in no Git repository")]);
  });
});

describe("validate against a revision", () => {
  it("compares the guards of the folder with those of the commit", async () => {
    const good = copy.push(crashLoops);
    copy.push({
      "policies/crash-loops.yaml": crashLoops["policies/crash-loops.yaml"]!.replace(
        "approvals: 2",
        "approvals: 1",
      ),
    });
    const validate = (base: string) => cli(["validate", "--base", base], { workingFolder: copy.folder });
    expect(await validate(good)).toMatchObject({ code: 2, out: expect.stringContaining("GUARD_LOOSENED") });
    expect(await validate("HEAD")).toMatchObject({ code: 0 });
  });
});
