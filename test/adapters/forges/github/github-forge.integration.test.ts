// Requests for approval on GitHub, over HTTP, held against GitHub's own description of its API; and what faults of a forge do.
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectGithub } from "../../../../src/adapters/forges/github/github-api.ts";
import { githubForge } from "../../../../src/adapters/forges/github/github-forge.ts";
import type { Problem } from "../../../../src/domain/problem.ts";
import { type ForgeWorld, forgeContract, request, type Who } from "../../../contracts/forge.ts";
import { startGithub, type TestGithub } from "../../../support/github.ts";

let github: TestGithub;
const people = new Map([
  ["ana-x", "ana"],
  ["ana-y", "ana"],
  ["ben-x", "ben"],
]);
const accounts: Readonly<Record<Who, string>> = {
  ana: "Ana-X",
  "ana's other account": "ana-y",
  ben: "ben-x",
  mallory: "mallory",
  gitmend: "gitmend-bot[bot]",
};
let time = 0;
const connect = () =>
  connectGithub(github.url, { kind: "token", token: github.token }, () => Date.now() + time);
const forgeOf = () => githubForge({ api: connect(), repository: github.repository, people });
const { branch, file } = request;

beforeEach(async () => {
  time = 0;
  github = await startGithub();
});
afterEach(async () => {
  await github.stop();
});

const worldOf = async (): Promise<ForgeWorld> => ({
  forge: forgeOf(),
  another: async () => forgeOf(),
  approve: async (who, head) => github.review(branch, accounts[who], "APPROVED", head),
  edit: async (who) => void github.push(branch, accounts[who], { [file]: `${request.content}more: true\n` }),
  merge: async (who) => github.merge(branch, accounts[who]),
  reject: async (who) => github.close(branch, accounts[who]),
  deleteBranch: async () => github.deleteBranch(branch),
  requests: async () => github.pulls(branch).length,
  commits: async () =>
    github.calls.filter(({ path, status }) => path.endsWith("/git/refs") && status === 201).length - 1,
});

describe("GitHub", () => {
  forgeContract(worldOf);
});

describe("a pull request on GitHub", () => {
  const open = () => forgeOf().open(request);
  const read = (head: string) => forgeOf().read({ branch, file, head });

  it("shows the plan in words, with labels, on a branch that nobody reads as configuration", async () => {
    const { repository, base } = await open();
    expect(base).toBe("gitmend-approvals");
    const [pull] = github.pulls(branch);
    expect(pull).toMatchObject({ title: request.title, body: request.body, base });
    expect([...(pull?.labels ?? [])]).toEqual(["gitmend", "risk:high"]);
    expect(repository).toBe(`https://github.test/example/approvals/pull/${pull?.number}`);
    expect(github.fileAt(branch, file)).toBe(request.content);
    expect(github.fileAt("gitmend-approvals", file)).toBeNull();
  });

  describe("shows how it stands", () => {
    const waits = { state: "pending", status: "waits for 1 more of ana", comment: null } as const;
    const remark = { ...waits, comment: "mallory does not count" };
    const bodies = () => github.comments(branch).map(({ body }) => body);

    it("as a status of the commit that is approved, written once, also after a restart", async () => {
      const forge = forgeOf();
      const { head } = await forge.open(request);
      await forge.tell({ branch, head }, waits);
      await forge.tell({ branch, head }, waits);
      const status = { sha: head, context: "gitmend/approval", state: "pending" };
      expect(github.statuses).toEqual([{ ...status, description: waits.status }]);
      expect(bodies()).toEqual([]);
      await forge.tell({ branch, head }, { state: "success", status: "approved by ana", comment: null });
      expect(github.statuses.at(-1)).toEqual({ ...status, state: "success", description: "approved by ana" });
    });

    it("in one comment that changes in place, whoever drives it, and beside what people say", async () => {
      const { head } = await forgeOf().open(request);
      github.comment(branch, "mallory", "let me in");
      await forgeOf().tell({ branch, head }, remark);
      await forgeOf().tell({ branch, head }, { ...remark, comment: "two do not count" });
      expect(bodies()).toEqual(["let me in", "two do not count"]);
      const forge = forgeOf();
      await forge.tell({ branch, head }, { ...remark, comment: "two do not count" });
      await forge.tell({ branch, head }, waits);
      expect(bodies()).toEqual(["let me in", "waits for 1 more of ana."]);
    });

    it("once, although the answer to it was lost", async () => {
      const forge = forgeOf();
      const { head } = await forge.open(request);
      let left = 1;
      github.fault = (method, at) =>
        method === "POST" && at.endsWith("/comments") && (left -= 1) === 0
          ? { status: 500, after: true }
          : null;
      await expect(forge.tell({ branch, head }, remark)).rejects.toMatchObject({ code: "FORGE_UNAVAILABLE" });
      await forge.tell({ branch, head }, remark);
      expect(bodies()).toEqual([remark.comment]);
    });
  });

  it("counts the last opinion of a person, and none of who objects with another account", async () => {
    const { head } = await open();
    github.review(branch, "ana-x");
    github.review(branch, "ben-x", "CHANGES_REQUESTED");
    github.review(branch, "ben-x", "COMMENTED");
    expect(await read(head)).toMatchObject({ approvals: [{ by: "ana", commit: head, verified: true }] });
    github.review(branch, "ben-x");
    github.review(branch, "ana-y", "CHANGES_REQUESTED");
    expect(await read(head)).toMatchObject({ approvals: [{ by: "ben" }] });
    github.review(branch, "ben-x", "DISMISSED");
    expect(await read(head)).toMatchObject({ approvals: [] });
  });

  it("counts all reviews, however many pages of them there are", async () => {
    const { head } = await open();
    for (let index = 0; index < 250; index += 1) github.review(branch, `fan-${index}`, "COMMENTED");
    github.review(branch, "ben-x");
    expect(await read(head)).toMatchObject({ approvals: [{ by: "ben" }] });
  });

  it("is approved by nobody who has pushed to it, even where the file is what it was", async () => {
    const { head } = await open();
    github.push(branch, "ana-x", { "other.txt": "x" });
    github.review(branch, "ana-x");
    github.review(branch, "ben-x");
    github.merge(branch, "ben-x");
    expect(await read(head)).toMatchObject({
      state: "merged",
      approvals: [],
      problem: expect.stringContaining("somebody has pushed to it"),
    });
  });

  it("that was merged elsewhere, or changed while it was merged, is no approval", async () => {
    const { head } = await open();
    github.review(branch, "ana-x");
    github.retarget(branch, "main");
    github.merge(branch, "ben-x");
    expect(await read(head)).toMatchObject({ problem: "it was merged into main, not gitmend-approvals" });
  });

  it("whose file the merge changed is no approval", async () => {
    const { head } = await open();
    github.review(branch, "ana-x");
    github.merge(branch, "ben-x", { [file]: "something else\n" });
    expect(await read(head)).toMatchObject({ approvals: [], problem: "the merge changed the file" });
  });

  it("that somebody else opens for the same branch is not gitmend's", async () => {
    const { head } = await open();
    github.review(branch, "ana-x");
    expect(await read(head)).toMatchObject({ state: "open", approvals: [{ by: "ana" }] });
  });

  it("is asked for again and again without being counted against the limit", async () => {
    const forge = forgeOf();
    const { head } = await forge.open(request);
    await forge.read({ branch, file, head });
    const before = github.calls.length;
    await forge.read({ branch, file, head });
    expect(new Set(github.calls.slice(before).map(({ status }) => status))).toEqual(new Set([304]));
  });
});

describe("when GitHub fails", () => {
  const problem = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error as Problem,
    );
  const writes = ["/git/trees", "/git/commits", "/git/refs", "/pulls", "/labels"];

  it.each(writes.flatMap((path) => [500, "reset", "lost"].map((kind) => [path, kind] as const)))(
    "at %s with %s, asking again makes one request",
    async (path, kind) => {
      let left = 1;
      github.fault = (method, at) => {
        if (method !== "POST" || !at.includes(path) || (path === "/git/commits" && at.includes("refs")))
          return null;
        if ((left -= 1) !== 0) return null;
        return kind === "reset" ? "reset" : { status: 500, after: kind === "lost" };
      };
      const failed = await problem(forgeOf().open(request));
      expect(failed).toMatchObject({ code: "FORGE_UNAVAILABLE", retryable: true });
      const { head } = await forgeOf().open(request);
      expect(github.pulls(branch)).toHaveLength(1);
      expect([...(github.pulls(branch)[0]?.labels ?? [])]).toEqual(["gitmend", "risk:high"]);
      expect(head).toBe(github.tip(branch));
      expect(await forgeOf().read({ branch, file, head })).toMatchObject({ state: "open" });
    },
  );

  it("because it was asked too often, it is not asked again before the time that it gave", async () => {
    github.fault = () => ({ status: 429, headers: { "retry-after": "90" } });
    const forge = forgeOf();
    const first = await problem(forge.open(request));
    expect(first).toMatchObject({
      code: "FORGE_UNAVAILABLE",
      retryable: true,
      details: { retryAfterSeconds: 90 },
    });
    const { length } = github.calls;
    expect(await problem(forge.open(request))).toMatchObject({ code: "FORGE_UNAVAILABLE" });
    expect(github.calls).toHaveLength(length);
    github.fault = () => null;
    time = 91_000;
    expect((await forge.open(request)).base).toBe("gitmend-approvals");
  });

  it("because its hour is used up, it is asked when that is over", async () => {
    const reset = String(Math.ceil(Date.now() / 1000) + 600);
    github.fault = () => ({
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset },
    });
    const failed = await problem(forgeOf().open(request));
    expect(Number(failed?.details["retryAfterSeconds"])).toBeGreaterThan(590);
  });

  it("because the credential is wrong, nobody is told to wait, and the credential is not shown", async () => {
    const api = connectGithub(github.url, { kind: "token", token: "wrong-token" });
    const failed = await problem(githubForge({ api, repository: github.repository, people }).open(request));
    expect(failed).toMatchObject({ code: "FORGE_REFUSED", retryable: false });
    expect(JSON.stringify([failed?.message, failed?.details])).not.toContain("wrong-token");
  });

  it("with a redirect, the credential does not follow it", async () => {
    github.fault = () => ({ status: 301, headers: { location: "http://127.0.0.1:1/elsewhere" } });
    expect(await problem(forgeOf().open(request))).toMatchObject({ code: "FORGE_REFUSED" });
  });
});

describe("gitmend's rights on GitHub", () => {
  const refusal = () =>
    forgeOf()
      .reach()
      .then(String, (error: unknown) => (error as Problem).message);

  it("are enough where it may push, and only people may merge", async () => {
    expect(await refusal()).toContain("there is no branch gitmend-approvals yet");
    await forgeOf().open(request);
    expect(await refusal()).toBe("example/approvals as gitmend-bot[bot], gitmend-approvals is protected");
  });

  it("are too many, or too few, and the doctor says which", async () => {
    await forgeOf().open(request);
    github.protects = () => false;
    expect(await refusal()).toContain("gitmend could merge what it asks for itself");
    github.permissions = { pull: true, push: true, maintain: true, admin: false };
    expect(await refusal()).toContain("may change the protection of branches");
    github.permissions = { pull: true, push: false };
    expect(await refusal()).toContain("gitmend-bot[bot] may not push branches");
  });
});

describe("a GitHub App", () => {
  it("asks with a token of its installation, and never shows its key", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const credential = { kind: "app", appId: "7", privateKey: pem, installationId: 9 } as const;
    const forge = githubForge({
      api: connectGithub(github.url, credential),
      repository: github.repository,
      people,
    });
    const { head } = await forge.open(request);
    github.review(branch, "ben-x");
    expect(await forge.read({ branch, file, head })).toMatchObject({ approvals: [{ by: "ben" }] });
    const asked = github.calls.filter(({ path }) => path.includes("access_tokens"));
    expect(asked).toHaveLength(1);
  });
});
