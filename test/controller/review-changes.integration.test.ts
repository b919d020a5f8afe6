// Pull requests of people on the config repository, from colleagues and from forks of strangers: each learns what gitmend makes of it,
// in one status and one comment, whoever looks and however often. Real Git, compiler and PostgreSQL; GitHub as it describes itself.
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { actions } from "../../src/actions/registry.ts";
import { connectGithub } from "../../src/adapters/forges/github/github-api.ts";
import { githubChanges } from "../../src/adapters/forges/github/github-changes.ts";
import { openCatalogSource } from "../../src/adapters/git/catalog-source.ts";
import { type Database, openDatabase } from "../../src/adapters/postgres/open-database.ts";
import { createReviews } from "../../src/controller/review-changes.ts";
import { compileCatalog } from "../../src/domain/policies/compile-catalog.ts";
import { bareRepository, git, temporaryFolder, type WorkCopy, workCopy } from "../support/git.ts";
import { startGithub, type TestGithub } from "../support/github.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

const rule = (name: string, approvals: number) =>
  `  - {name: ${name}, when: "plan.risk == 'high'", event: {type: require-approval, params: {approvals: ${approvals}}}}\n`;
const policy = (approvals: number) => `name: p\nrules:\n${rule("people", approvals)}`;

let postgres: TestPostgres;
let url: string;
let folder: ReturnType<typeof temporaryFolder>;
let remote: string;
let copy: WorkCopy;
let github: TestGithub;
const opened: Database[] = [];
beforeAll(async () => {
  postgres = await startPostgres({ fsync: false });
});
afterAll(() => postgres.remove());
beforeEach(async () => {
  folder = temporaryFolder();
  remote = bareRepository(join(folder.path, "config.git"));
  copy = workCopy(join(folder.path, "work"), remote);
  github = await startGithub();
  url = await postgres.createDatabase();
  copy.push({ "policies/p.yaml": policy(2) });
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  folder.remove();
  await github.stop();
});

async function replica() {
  const database = await openDatabase({ url });
  opened.push(database);
  const said: string[] = [];
  const say = (_fields: object, message: string) => void said.push(message);
  const api = connectGithub(github.url, { kind: "token", token: github.token });
  const reviews = createReviews({
    changeForge: githubChanges(api, github.repository),
    source: openCatalogSource({
      url: remote,
      branch: "main",
      path: "",
      credential: null,
      cacheDir: join(folder.path, `cache-${opened.length}`),
    }),
    compiler: { compile: async (files, revision) => compileCatalog(files, revision, actions) },
    outbox: database.outbox,
    loosening: { from: ["team:sre"], signatures: 2 },
    log: { info: () => undefined, warn: say, error: say },
  });
  return {
    said,
    /** As the one that publishes, if nobody else does. */
    async look() {
      await database.outbox.take(1);
      reviews.lookSoon();
      await reviews.round();
    },
  };
}

/** A pull request, or a push to it. On GitHub its head stands under refs/pull and in no branch of the repository. */
function propose(
  branch: string,
  files: Readonly<Record<string, string>>,
  by = "ana",
  more = () => {},
): string {
  git(copy.folder, ["checkout", "--quiet", "--force", "-B", branch, "main"]);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(copy.folder, path), text);
  more();
  git(copy.folder, ["add", "--all"]);
  git(copy.folder, ["commit", "--quiet", "--allow-empty", "--message", "proposed"]);
  const head = git(copy.folder, ["rev-parse", "HEAD"]);
  git(copy.folder, ["push", "--quiet", "--force", "origin", `HEAD:refs/pull/${branch}/head`]);
  github.request(branch, by, "main", head);
  git(copy.folder, ["checkout", "--quiet", "main"]);
  return head;
}
const statusOf = (head: string) => github.statuses.findLast(({ sha }) => sha === head);
const posts = () => github.calls.filter(({ method }) => method !== "GET").length;

describe("a pull request on the config repository", () => {
  it("that is good gets a status and no comment", async () => {
    const head = propose("good", { "policies/p.yaml": policy(3) });
    await (await replica()).look();
    expect(statusOf(head)).toEqual({
      sha: head,
      context: "gitmend/validate",
      state: "success",
      description: "gitmend can use this",
    });
    expect(github.comments("good")).toEqual([]);
  });

  it("that is broken fails with its findings, and when it is mended the same comment says so", async () => {
    const one = await replica();
    const bad = propose("slip", {
      "policies/p.yaml": "name: p\nrules:\n  - {name: x, event: {type: dney}}\n",
    });
    await one.look();
    expect(statusOf(bad)).toMatchObject({
      state: "failure",
      description: "gitmend would not use this: 1 error",
    });
    const [comment, ...others] = github.comments("slip");
    expect(others).toEqual([]);
    expect(comment?.body).toContain("- `policies/p.yaml:3:22` **error** ");
    const mended = propose("slip", { "policies/p.yaml": policy(2) });
    await one.look();
    expect(statusOf(mended)).toMatchObject({ state: "success" });
    expect(github.comments("slip")).toEqual([
      { ...comment, body: expect.stringContaining(`no findings in \`${mended.slice(0, 12)}\``) as string },
    ]);
  });

  it("that weakens a guard may be merged, and says what waits for whom", async () => {
    const head = propose("weaker", { "policies/p.yaml": policy(1) });
    await (await replica()).look();
    expect(statusOf(head)).toMatchObject({
      state: "success",
      description: "gitmend can use this: 1 guard loosened",
    });
    const [comment] = github.comments("weaker");
    expect(comment?.body).toMatch(
      /- `policies\/p\.yaml:3:5` GUARD_LOOSENED: p\/people stops less: before, it asks 2 of anybody/,
    );
    expect(comment?.body).toContain(
      "Until 2 of team:sre have signed the merged commit, the stricter guards count.",
    );
  });

  it("is compared again when the branch that it goes to has moved", async () => {
    const one = await replica();
    const head = propose("same", { "policies/p.yaml": policy(2) });
    await one.look();
    expect(statusOf(head)?.description).toBe("gitmend can use this");
    copy.push({ "policies/p.yaml": policy(3) });
    await one.look();
    expect(statusOf(head)?.description).toBe("gitmend can use this: 1 guard loosened");
  });

  it("is told once: by one of two replicas, and not again by the next one after a restart", async () => {
    propose("weaker", { "policies/p.yaml": policy(1) });
    const [one, two] = [await replica(), await replica()];
    await one.look();
    const told = posts();
    await two.look();
    await one.look();
    expect(posts()).toBe(told);
    await opened.shift()?.close();
    await two.look();
    expect(github.comments("weaker")).toHaveLength(1);
    expect(github.calls.filter(({ method }) => method === "PATCH")).toEqual([]);
  });

  it("is told in the end when GitHub has failed in between", async () => {
    const one = await replica();
    propose("weaker", { "policies/p.yaml": policy(1) });
    github.fault = (method, path) =>
      method === "POST" && path.endsWith("/comments") ? { status: 502, after: true } : null;
    await expect(one.look()).rejects.toMatchObject({ code: "FORGE_UNAVAILABLE" });
    github.fault = () => null;
    await one.look();
    expect(github.comments("weaker")).toHaveLength(1);
  });
});

describe("a pull request of a stranger", () => {
  it("cannot say anything in gitmend's name: names and texts are shown as text", async () => {
    const evil =
      "</code>\n\n# Approved ![x](https://evil.test/x.png) @owner <img src=x> `a` [b](javascript:c)";
    const head = propose(
      "fork",
      { "policies/p.yaml": `name: p\nrules: []\n${JSON.stringify(evil)}: 1\n` },
      "mallory",
    );
    await (await replica()).look();
    const [comment] = github.comments("fork");
    const body = comment?.body ?? "";
    expect(statusOf(head)?.state).toBe("failure");
    expect(body).not.toMatch(/^# /m);
    expect(body).not.toMatch(/(?<!\\)<img|(?<!\\)!\[|https:\/\/evil|@owner|(?<!\\)\[b\]/);
  });

  it("is not followed out of its tree, and its own comment with gitmend's mark is not taken for gitmend's", async () => {
    const head = propose("link", {}, "mallory", () => {
      rmSync(join(copy.folder, "policies/p.yaml"));
      symlinkSync("/etc/passwd", join(copy.folder, "policies/p.yaml"));
    });
    github.comment("link", "mallory", "**gitmend can use this**\n\n<!-- gitmend/validate -->");
    await (await replica()).look();
    expect(statusOf(head)?.state).toBe("failure");
    const [forged, own] = github.comments("link");
    expect(forged?.body).toBe("**gitmend can use this**\n\n<!-- gitmend/validate -->");
    expect(own?.body).toContain("SYMBOLIC_LINK: symbolic links are not followed");
    expect(own?.body).not.toContain("root:");
  });

  it("whose head is gone keeps nobody else's from being looked at", async () => {
    const one = await replica();
    const good = propose("good", { "policies/p.yaml": policy(3) });
    github.request("gone", "mallory", "main", "f".repeat(40));
    await one.look();
    expect(statusOf(good)?.state).toBe("success");
    expect(one.said).toEqual(["a pull request cannot be validated now"]);
  });

  it("with more findings than anybody reads gets a comment that GitHub takes", async () => {
    const rules = Array.from(
      { length: 400 },
      (_, at) => `  - {name: r${at}, event: {type: ${"x".repeat(300)}}}\n`,
    );
    propose("many", { "policies/p.yaml": `name: p\nrules:\n${rules.join("")}` }, "mallory");
    await (await replica()).look();
    const [comment] = github.comments("many");
    expect(comment?.body.length).toBeLessThan(65_536);
    expect(comment?.body).toMatch(/- and \d+ more: `gitmend validate` shows them/);
  });
});
