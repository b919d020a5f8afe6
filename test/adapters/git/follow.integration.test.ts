// Two replicas, one remote: whoever publishes next goes on from what the other one pushed, and from nobody else's.
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { openAuditRepository } from "../../../src/adapters/git/audit-repository.ts";
import { bareRepository, git, temporaryFolder } from "../../support/git.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const commit = (name: string) => ({
  files: { [`${name}.txt`]: name },
  message: `${name}\n`,
  at: "2026-11-17T10:00:00.000Z",
});

let place = "";
let remote: { readonly url: string; readonly credential: null };
beforeEach(({ task }) => {
  place = join(folder.path, task.id);
  remote = { url: bareRepository(join(place, "remote.git"), "audit"), credential: null };
});
const open = (name: string) =>
  openAuditRepository({ folder: join(place, name), branch: "audit", remote, signingKey: null });
const publish = async (replica: Awaited<ReturnType<typeof open>>, name: string) => {
  await replica.follow();
  await replica.commit([commit(name)]);
  await replica.push();
};
const subjects = () => git(remote.url, ["log", "--reverse", "--format=%s", "audit"]).trim().split("\n");
const foreign = () => {
  const tree = git(remote.url, ["rev-parse", "audit^{tree}"]);
  const made = git(remote.url, ["commit-tree", "-m", "somebody else", "-p", "audit", tree]);
  git(remote.url, ["update-ref", "refs/heads/audit", made]);
  return made;
};

describe("an audit repository whose remote another replica pushes to", () => {
  it("takes in what was pushed, keeps what was not, and never needs force", async () => {
    const [first, second] = [await open("first"), await open("second")];
    await publish(first, "a");
    await publish(second, "b");
    await publish(first, "c");
    await second.follow();
    await second.commit([commit("unpushed")]);
    await second.follow();
    await publish(second, "d");
    expect(subjects()).toEqual(["a", "b", "c", "unpushed", "d"]);
  });

  it("lets go what it never pushed when the other one has gone on without it", async () => {
    const [first, second] = [await open("first"), await open("second")];
    await publish(first, "a");
    await first.commit([commit("never-pushed")]);
    await publish(second, "b");
    await expect(first.push()).rejects.toMatchObject({ code: "GIT_NOT_FAST_FORWARD" });
    await publish(first, "c");
    expect(subjects()).toEqual(["a", "b", "c"]);
    expect(git(join(place, "first"), ["fsck", "--full", "--strict", "--no-dangling"])).toBe("");
  });

  it("gives back what the remote has lost", async () => {
    const first = await open("first");
    await publish(first, "a");
    await publish(first, "b");
    git(remote.url, ["update-ref", "refs/heads/audit", "audit~1"]);
    await publish(first, "c");
    expect(subjects()).toEqual(["a", "b", "c"]);
  });
});

describe("an audit repository whose remote somebody else has written to", () => {
  it("stops and names the commit, until the branch is what gitmend left", async () => {
    const first = await open("first");
    await publish(first, "a");
    const commitOfSomebody = foreign();
    await expect(first.follow()).rejects.toMatchObject({
      code: "GIT_NOT_FAST_FORWARD",
      message: expect.stringContaining(`${commitOfSomebody} `),
    });
    git(remote.url, ["update-ref", "refs/heads/audit", "audit~1"]);
    await publish(first, "b");
    expect(subjects()).toEqual(["a", "b"]);
  });

  it("stops when what it has pushed was replaced", async () => {
    const [first, second] = [await open("first"), await open("second")];
    await publish(first, "a");
    await publish(first, "b");
    git(remote.url, ["update-ref", "refs/heads/audit", "audit~1"]);
    await publish(second, "instead");
    await expect(first.follow()).rejects.toMatchObject({
      code: "GIT_NOT_FAST_FORWARD",
      message: expect.stringContaining("which gitmend has pushed"),
    });
  });
});
