// Requests for approval on GitHub, over HTTP, held against GitHub's own description of its API; and what faults of a forge do.
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectGithub } from "../../../../src/adapters/forges/github/github-api.ts";
import { githubForge } from "../../../../src/adapters/forges/github/github-forge.ts";
import type { Problem } from "../../../../src/domain/problem.ts";
import { type ForgeWorld, forgeContract, request, type Who } from "../../../contracts/forge.ts";
import { type ForgeServerWorld, forgeServerContract } from "../../../contracts/forge-server.ts";
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
const connect = (token = github.token) =>
  connectGithub(github.url, { kind: "token", token }, () => Date.now() + time);
const forgeOf = (token?: string) =>
  githubForge({ api: connect(token), repository: github.repository, people });
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
  edit: async (who, content = `${request.content}more: true\n`) =>
    void github.push(branch, accounts[who], { [file]: content }),
  forgery: async (content) => void github.push(branch, accounts.ben, { [file]: content }, "unsigned"),
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
  forgeServerContract(async (): Promise<ForgeServerWorld> => {
    await github.stop();
    github = await startGithub();
    return {
      server: github,
      model: github.model,
      another: (token) => forgeOf(token),
      approve: (account) => github.review(branch, account),
      accounts: { ana: "ana-x", ben: "ben-x", mallory: "mallory" },
      writes: ["/git/trees", "/git/commits", "/git/refs", "/pulls", "/labels"],
      later: (seconds) => {
        time += seconds * 1000;
      },
    };
  });

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

  describe("that people edit", () => {
    const seen = async (head: string) => {
      const state = await read(head);
      return state.state === "open" ? state : null;
    };

    it("on its page is theirs: GitHub commits, and signs, for whoever is logged in", async () => {
      const { head } = await open();
      const edit = github.push(branch, "ben-x", { [file]: "other\n" }, "on the page");
      expect((await seen(head))?.edit).toEqual({ head: edit, by: ["ben"], text: "other\n" });
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
});

describe("when GitHub fails", () => {
  const problem = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error as Problem,
    );
  it("because its hour is used up, it is asked when that is over", async () => {
    const reset = String(Math.ceil(Date.now() / 1000) + 600);
    github.fault = () => ({
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset },
    });
    const failed = await problem(forgeOf().open(request));
    expect(Number(failed?.details["retryAfterSeconds"])).toBeGreaterThan(590);
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
