// Requests for approval on Gitea and Forgejo, over HTTP, held against Gitea's own description of its API.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectGitea } from "../../../../src/adapters/forges/gitea/gitea-api.ts";
import { giteaForge } from "../../../../src/adapters/forges/gitea/gitea-forge.ts";
import type { Problem } from "../../../../src/domain/problem.ts";
import { type ForgeWorld, forgeContract, request, type Who } from "../../../contracts/forge.ts";
import { type ForgeServerWorld, forgeServerContract } from "../../../contracts/forge-server.ts";
import { startGitea, type TestGitea } from "../../../support/gitea.ts";

let gitea: TestGitea;
let time = 0;
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
  gitmend: "gitmend-bot",
};
const { branch, file } = request;
const forgeOf = (token = gitea.token) => {
  const api = connectGitea(gitea.url, token, () => Date.now() + time);
  return giteaForge({ api, repository: gitea.repository, people });
};

beforeEach(async () => {
  time = 0;
  gitea = await startGitea();
});
afterEach(async () => {
  await gitea.stop();
});

const worldOf = async (): Promise<ForgeWorld> => ({
  forge: forgeOf(),
  another: async () => forgeOf(),
  approve: async (who, head) => gitea.review(branch, accounts[who], "APPROVED", head),
  edit: async (who, content = `${request.content}more: true\n`) =>
    void gitea.model.push(branch, accounts[who], { [file]: content }),
  forgery: async (content) => void gitea.model.push(branch, accounts.ben, { [file]: content }, "unsigned"),
  merge: async (who) => gitea.model.merge(branch, accounts[who]),
  reject: async (who) => gitea.model.close(branch, accounts[who]),
  deleteBranch: async () => gitea.model.deleteBranch(branch),
  requests: async () => gitea.model.pullsOf(branch).length,
  commits: async () =>
    gitea.calls.filter(({ method, path }) => method === "POST" && path.includes("/contents/")).length,
});

describe("Gitea", () => {
  forgeContract(worldOf);
});

describe("a pull request on Gitea", () => {
  forgeServerContract(async (): Promise<ForgeServerWorld> => {
    await gitea.stop();
    gitea = await startGitea();
    return {
      server: gitea,
      model: gitea.model,
      another: forgeOf,
      approve: (account) => gitea.review(branch, account),
      accounts: { ana: "ana-x", ben: "ben-x", mallory: "mallory" },
      writes: [`/contents/${file}`, "/branches", "/pulls", "/labels"],
      later: (seconds) => {
        time += seconds * 1000;
      },
    };
  });

  it("is not the one that somebody opens for a branch of the same name, here or in a fork", async () => {
    const { head } = await forgeOf().open(request);
    const evil = gitea.model.push("main", "mallory", { [file]: "evil\n" });
    gitea.model.close(branch, "gitmend-bot");
    gitea.request(branch, "mallory", "gitmend-approvals", evil, true);
    expect(await forgeOf().read({ branch, file, head })).toMatchObject({
      state: "closed",
      by: "gitmend-bot",
    });
  });

  it("counts no approval that was dismissed, and none of who objects with another account", async () => {
    const { head } = await forgeOf().open(request);
    gitea.review(branch, "ben-x", "DISMISSED");
    gitea.review(branch, "ana-x");
    gitea.review(branch, "ana-y", "REQUEST_CHANGES");
    gitea.review(branch, "mallory", "REQUEST_REVIEW");
    expect(await forgeOf().read({ branch, file, head })).toMatchObject({ state: "open", approvals: [] });
  });

  it("is edited by whose own key has signed it, however Gitea names them; what the server signs proves nothing", async () => {
    for (const signerIn of ["name", "username"] as const) {
      gitea.signerIn = signerIn;
      const { head } = await forgeOf().open({ ...request, content: `# ${signerIn}\n` });
      gitea.model.push(branch, "ben-x", { [file]: `${signerIn}\n` });
      const signed = await forgeOf().read({ branch, file, head });
      expect(signed).toMatchObject({ edit: { by: ["ben"], text: `${signerIn}\n` } });
      gitea.model.push(branch, "ben-x", { [file]: `more ${signerIn}\n` }, "on the page");
      expect(await forgeOf().read({ branch, file, head })).toMatchObject({ edit: null });
    }
  });

  it("is found among a thousand others", async () => {
    const { head } = await forgeOf().open(request);
    for (let count = 0; count < 120; count += 1)
      gitea.request(`other-${count}`, "ana-x", "gitmend-approvals", head);
    gitea.review(branch, "ana-x");
    expect(await forgeOf().read({ branch, file, head })).toMatchObject({ approvals: [{ by: "ana" }] });
  });
});

describe("gitmend's rights on Gitea", () => {
  const refusal = () =>
    forgeOf()
      .reach()
      .then(String, (error: unknown) => (error as Problem).message);

  it("are enough where it may push, and only people may merge", async () => {
    expect(await refusal()).toContain("there is no branch gitmend-approvals yet");
    await forgeOf().open(request);
    expect(await refusal()).toBe("example/approvals as gitmend-bot, gitmend-approvals is protected");
  });

  it.each([
    [{ protected: false }, "gitmend could merge what it asks for itself"],
    [{ push: true }, "gitmend-bot may push to gitmend-approvals"],
    [{ merge: true }, "gitmend-bot may merge into gitmend-approvals"],
  ])("are too many with %o", async (protection, why) => {
    await forgeOf().open(request);
    gitea.protection = { ...gitea.protection, ...protection };
    expect(await refusal()).toContain(why);
  });

  it("are too many for an administrator, and too few without the right to push", async () => {
    await forgeOf().open(request);
    gitea.permissions = { admin: true, push: true };
    expect(await refusal()).toContain("may change the protection of branches");
    gitea.permissions = { admin: false, push: false };
    expect(await refusal()).toContain("may not push branches");
  });
});
