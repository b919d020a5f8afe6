// Which commit a revert takes back, in a real repository over http, and what it refuses to take back.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActionContext, ActionTools } from "../../../src/actions/action.ts";
import { effects } from "../../../src/actions/effects.ts";
import { gitRevertCommit } from "../../../src/actions/git/git-revert-commit.ts";
import { openSources } from "../../../src/adapters/git/source-repositories.ts";
import type { BranchEffect } from "../../../src/domain/planning/effect.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import {
  bareRepository,
  type GitServer,
  git,
  gitEnvironment,
  serveGitOverHttp,
  temporaryFolder,
  type WorkCopy,
  workCopy,
} from "../../support/git.ts";

const token = "only-for-this-one";
const target = {
  cluster: "test",
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace: "shop",
  name: "api",
  uid: "u1",
};
const context: ActionContext = {
  executionId: "01935f00-0000-7000-8000-00000000abcd",
  step: "revert",
  effectKey: "01935f00-0000-7000-8000-00000000abcd/revert",
  cluster: "test",
  target,
};
const branch = "gitmend/00000000abcd-revert";
const settings = (database: string, last = "a") =>
  `apiVersion: v1
kind: ConfigMap
metadata: {name: api}
data:
  database: ${database} # ask team data
${Array.from({ length: 12 }, (_, index) => `  key${index}: ${index === 11 ? last : "a"}\n`).join("")}`;

let folder: ReturnType<typeof temporaryFolder>;
let server: GitServer;
let bare: string;
let team: WorkCopy;
let url: string;
let bad: string;
beforeEach(async () => {
  folder = temporaryFolder();
  bare = bareRepository(join(folder.path, "served", "shop.git"));
  team = workCopy(join(folder.path, "team"), bare);
  team.push({
    "prod/settings.yaml": settings("db:5432"),
    "prod/api.yaml": "a: 1\n",
    "other/web.yaml": "b: 1\n",
  });
  team.push({ "prod/settings.yaml": settings("db:9999") });
  bad = git(bare, ["rev-parse", "main"]);
  team.push({ "other/web.yaml": "b: 2\n" });
  server = await serveGitOverHttp(join(folder.path, "served"), token);
  url = `${server.url}/shop.git`;
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

/** An hour after all the others, as Git says. */
function pushLater(files: Readonly<Record<string, string>>): void {
  team.push(files);
  const GIT_COMMITTER_DATE = new Date(Date.now() + 3_600_000).toISOString();
  const env = { ...gitEnvironment, GIT_COMMITTER_DATE };
  execFileSync("git", ["commit", "--quiet", "--amend", "--no-edit"], { cwd: team.folder, env });
  git(team.folder, ["push", "--quiet", "--force", "origin", "HEAD:main"]);
}

const tools = () =>
  ({
    sources: openSources(
      [
        {
          url,
          credential: { kind: "token", username: "gitmend", token },
          namespaces: ["shop"],
          values: [],
          forge: null,
        },
      ],
      join(folder.path, "cache"),
    ),
    now: () => new Date().toISOString(),
    sleep: async () => undefined,
    signal: new AbortController().signal,
  }) as unknown as ActionTools;
const prepare = async (more: object = {}) =>
  (await gitRevertCommit.prepare(
    { repository: url, path: "./prod/", ...more },
    context,
    tools(),
  )) as BranchEffect;
const refusal = async (more: object = {}) => {
  const problem = toProblem(await prepare(more).catch((error: unknown) => error));
  return `${problem.code}: ${problem.message}`;
};

describe("a revert", () => {
  it("takes back the commit that touched the folder, not the last one, and nothing else", async () => {
    const effect = await prepare();
    await effects.apply(effect, context, tools());
    expect(git(bare, ["diff", "--name-only", `main..${branch}`])).toBe("prod/settings.yaml");
    expect(git(bare, ["show", `${branch}:prod/settings.yaml`])).toBe(settings("db:5432").trimEnd());
    expect(git(bare, ["show", `${branch}:other/web.yaml`])).toBe("b: 2");
    const message = git(bare, ["log", "-1", "--format=%B", branch]);
    expect(message).toMatch(/^Revert "/);
    expect(message).toContain(`This reverts commit ${bad}. For test/shop/deploy/api.`);
  });

  it("keeps what was changed elsewhere in the same file after the alert", async () => {
    const before = git(bare, ["log", "-1", "--format=%cI", bad]);
    pushLater({ "prod/settings.yaml": settings("db:9999", "b") });
    const effect = await prepare({ before });
    await effects.apply(effect, context, tools());
    expect(git(bare, ["show", `${branch}:prod/settings.yaml`])).toBe(settings("db:5432", "b").trimEnd());
  });

  it("is the same commit in each replica, and found again", async () => {
    const effect = await prepare();
    expect(await effects.didItHappen(effect, context, tools())).toBe("no");
    await effects.apply(effect, context, tools());
    const made = git(bare, ["rev-parse", branch]);
    await effects.apply(effect, context, tools());
    expect(git(bare, ["rev-parse", branch])).toBe(made);
    expect(await effects.didItHappen(effect, context, tools())).toBe("yes");
  });

  it("takes back what a merge brought as one change", async () => {
    const side = git(bare, ["commit-tree", "-m", "wip", "-p", `${bad}`, `${bad}^{tree}`]);
    const tree = git(bare, ["rev-parse", "main^{tree}"]);
    const merge = git(bare, ["commit-tree", "-m", "Merge branch 'side'", "-p", `${bad}^`, "-p", side, tree]);
    git(bare, ["update-ref", "refs/heads/main", merge]);
    const effect = await prepare({ path: "" });
    expect(effect.title).toBe(`Revert "Merge branch 'side'"`);
    expect(effect.edits.map(({ path }) => path)).toEqual(["other/web.yaml", "prod/settings.yaml"]);
  });
});

describe("a commit that only people take back", () => {
  it("is one that changes more than the folder", async () => {
    team.push({ "prod/settings.yaml": settings("db:1"), "prod/api.yaml": "a: 2\n" });
    expect(await refusal({ path: "prod/settings.yaml" })).toMatch(
      /^PRECONDITION_FAILED: commit [0-9a-f]{12} .* changes more than prod\/settings\.yaml: prod\/api\.yaml; by hand: git revert/,
    );
  });

  it("is one that conflicts with what came after it", async () => {
    const at = git(bare, ["log", "-1", "--format=%cI", bad]);
    pushLater({ "prod/settings.yaml": settings("db:7777") });
    const later = git(bare, ["rev-parse", "--short", "main"]);
    const said = await refusal({ before: at });
    expect(said).toContain("later commits have changed the same lines");
    expect(said).toContain(later);
  });

  it("is one that adds or removes a file, or makes it a link", async () => {
    team.push({ "prod/more.yaml": "c: 1\n" });
    expect(await refusal()).toContain("adds, removes or replaces prod/more.yaml");
  });

  it("is gitmend's own", async () => {
    const effect = await prepare();
    await effects.apply(effect, context, tools());
    git(bare, ["update-ref", "refs/heads/main", branch]);
    expect(await refusal()).toContain("is gitmend's own repair");
  });

  it("is the first of all, or none within the time", async () => {
    expect(await refusal({ path: "prod/api.yaml" })).toMatch(
      /is the first of .*: there is nothing before it/,
    );
    expect(await refusal({ before: "2020-01-01T00:00:00Z" })).toContain("no commit has touched prod of");
    expect(await refusal({ before: "yesterday" })).toContain('before: "yesterday" is no RFC 3339 time');
  });

  it.each([
    ["../elsewhere", "leaves the repository"],
    ["--output=/tmp/x", "no commit has touched --output=/tmp/x"],
  ])("is not looked for in %s", async (path, why) => {
    expect(await refusal({ path })).toContain(why);
  });

  it("is in no repository that sources do not name, and no other namespace's", async () => {
    expect(await refusal({ repository: `${server.url}/other.git` })).toMatch(
      /^PRECONDITION_FAILED: .*is none of `sources`/,
    );
    const elsewhere = { ...context, target: { ...target, namespace: "till" } };
    const asked = gitRevertCommit.prepare({ repository: url, path: "prod" }, elsewhere, tools());
    await expect(asked).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
  });
});
