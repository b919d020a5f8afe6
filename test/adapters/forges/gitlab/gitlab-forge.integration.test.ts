// Requests for approval on GitLab, over HTTP, held against what its documentation says of its API.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectGitlab } from "../../../../src/adapters/forges/gitlab/gitlab-api.ts";
import { gitlabForge } from "../../../../src/adapters/forges/gitlab/gitlab-forge.ts";
import type { Problem } from "../../../../src/domain/problem.ts";
import { type ForgeWorld, forgeContract, request, type Who } from "../../../contracts/forge.ts";
import { type ForgeServerWorld, forgeServerContract } from "../../../contracts/forge-server.ts";
import { startGitlab, type TestGitlab } from "../../../support/gitlab.ts";

let gitlab: TestGitlab;
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
  gitmend: "project_7_bot",
};
const { branch, file } = request;
const forgeOf = (token = gitlab.token) =>
  gitlabForge({
    api: connectGitlab(gitlab.url, token, () => Date.now() + time),
    repository: gitlab.repository,
    people,
  });
/** Long after whatever was pushed. */
const approve = (account: string) => {
  gitlab.wait(60);
  gitlab.approve(branch, account);
};

beforeEach(async () => {
  time = 0;
  gitlab = await startGitlab();
});
afterEach(async () => {
  await gitlab.stop();
});

const worldOf = async (): Promise<ForgeWorld> => ({
  forge: forgeOf(),
  another: async () => forgeOf(),
  approve: async (who, head) => {
    if (head !== undefined) throw new Error("nobody can approve another commit than the last");
    approve(accounts[who]);
  },
  edit: async (who, content = `${request.content}more: true\n`) =>
    void gitlab.push(branch, accounts[who], { [file]: content }),
  forgery: async (content) => {
    gitlab.knowsPushes = false;
    gitlab.push(branch, "mallory", { [file]: content }, accounts.ben);
  },
  merge: async (who) => gitlab.model.merge(branch, accounts[who]),
  reject: async (who) => gitlab.model.close(branch, accounts[who]),
  deleteBranch: async () => gitlab.model.deleteBranch(branch),
  requests: async () => gitlab.model.pullsOf(branch).length,
  commits: async () =>
    gitlab.calls.filter(({ path, status }) => path.endsWith("/repository/commits") && status === 201).length,
});

describe("GitLab", () => {
  forgeContract(worldOf);
});

describe("a merge request on GitLab", () => {
  forgeServerContract(async (): Promise<ForgeServerWorld> => {
    await gitlab.stop();
    gitlab = await startGitlab();
    return {
      server: gitlab,
      model: gitlab.model,
      another: forgeOf,
      approve,
      accounts: { ana: "ana-x", ben: "ben-x", mallory: "mallory" },
      writes: ["/repository/commits", "/repository/branches", "/merge_requests"],
      statusInComment: true,
      later: (seconds) => {
        time += seconds * 1000;
      },
    };
  });
  const read = (head: string) => forgeOf().read({ branch, file, head });
  const replanned = async () =>
    (await forgeOf().open({ ...request, content: `# another\n${request.content}` })).head;

  it("is approved for what stood there when it was approved, and not for what was pushed afterwards", async () => {
    const { head } = await forgeOf().open(request);
    approve("ana-x");
    expect(await read(head)).toMatchObject({ approvals: [{ by: "ana", commit: head }] });
    const next = await replanned();
    expect(await read(next)).toMatchObject({
      approvals: [],
      remarks: [expect.stringContaining(`it approves ${head.slice(0, 12)}`)],
    });
  });

  it("is not approved by a click on what had just been replaced", async () => {
    await forgeOf().open(request);
    const next = await replanned();
    gitlab.wait(5);
    gitlab.approve(branch, "ana-x");
    expect(await read(next)).toMatchObject({ approvals: [] });
    gitlab.unapprove(branch, "ana-x");
    approve("ana-x");
    expect(await read(next)).toMatchObject({ approvals: [{ by: "ana", commit: next }] });
  });

  it("counts no approval that was taken back, by its person or by a setting of the project", async () => {
    const { head } = await forgeOf().open(request);
    approve("ana-x");
    gitlab.unapprove(branch, "ana-x");
    expect(await read(head)).toMatchObject({ approvals: [] });
    approve("ana-x");
    expect(await read(head)).toMatchObject({ approvals: [{ by: "ana" }] });
    gitlab.reset(branch);
    expect(await read(head)).toMatchObject({ approvals: [] });
  });

  it("counts none of who wants changes with another account", async () => {
    const { head } = await forgeOf().open(request);
    approve("ana-x");
    gitlab.requestChanges(branch, "ana-y");
    expect(await read(head)).toMatchObject({ approvals: [] });
  });

  it("is not approved by a comment that reads like GitLab's own words", async () => {
    const { head } = await forgeOf().open(request);
    gitlab.model.say(gitlab.model.openPull(branch), "ana-x", "approved this merge request");
    expect(await read(head)).toMatchObject({ approvals: [] });
  });

  it("is not approved at a time at which nothing stood there, whatever the clock of GitLab says", async () => {
    const { head } = await forgeOf().open(request);
    gitlab.approve(branch, "ana-x", "1999-01-01T00:00:00.000Z");
    expect(await read(head)).toMatchObject({ approvals: [], remarks: [expect.stringContaining("ana-x")] });
  });

  it("is edited by who has pushed, whoever the commit says it was", async () => {
    const { head } = await forgeOf().open(request);
    gitlab.push(branch, "ben-x", { [file]: "other\n" }, "ana-x");
    expect(await read(head)).toMatchObject({ edit: { by: ["ben"], text: "other\n" } });
    gitlab.push(branch, "mallory", { [file]: "more\n" }, "ben-x");
    expect(await read(head)).toMatchObject({
      edit: null,
      remarks: [expect.anything(), expect.stringContaining("mallory may not edit it")],
    });
  });

  it("whose branch is gone although it is open was rejected", async () => {
    const { head } = await forgeOf().open(request);
    gitlab.model.refs.delete(branch);
    expect(await read(head)).toEqual({ state: "closed", by: null, reason: "the branch was deleted" });
  });

  it("is not the one that somebody opens for a branch of the same name, here or in a fork", async () => {
    const { head } = await forgeOf().open(request);
    gitlab.model.close(branch, gitlab.bot);
    gitlab.request(branch, "mallory", "gitmend-approvals", head, true);
    expect(await read(head)).toMatchObject({ state: "closed", by: gitlab.bot });
  });
});

describe("gitmend's rights on GitLab", () => {
  const refusal = () =>
    forgeOf()
      .reach()
      .then(String, (error: unknown) => (error as Problem).message);

  it("are enough where it may push, and only people may merge", async () => {
    expect(await refusal()).toContain("there is no branch gitmend-approvals yet");
    await forgeOf().open(request);
    expect(await refusal()).toBe("example/team/approvals as project_7_bot, gitmend-approvals is protected");
  });

  it.each([
    [{ protected: false }, "gitmend could merge what it asks for itself"],
    [{ can_push: true }, "project_7_bot may push to gitmend-approvals"],
    [{ developers_can_merge: true }, "project_7_bot may merge into gitmend-approvals"],
  ])("are too many with %o", async (protection, why) => {
    await forgeOf().open(request);
    gitlab.protection = { ...gitlab.protection, ...protection };
    expect(await refusal()).toContain(why);
  });

  it("are too many for a Maintainer, and too few for a Reporter", async () => {
    await forgeOf().open(request);
    gitlab.accessLevel = 40;
    expect(await refusal()).toContain("may change the protection of branches");
    gitlab.accessLevel = 20;
    expect(await refusal()).toContain("may not push branches");
  });
});
