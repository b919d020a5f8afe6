// Two replicas, one remote: whoever publishes next goes on from what the other one pushed.
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openAuditRepository } from "../../../src/adapters/git/audit-repository.ts";
import { bareRepository, git, temporaryFolder } from "../../support/git.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const commit = (name: string) => ({
  files: { [`${name}.txt`]: name },
  message: `${name}\n`,
  at: "2026-11-17T10:00:00.000Z",
});

describe("an audit repository whose remote another replica pushes to", () => {
  it("takes in what was pushed, keeps what was not, and never needs force", async () => {
    const remote = { url: bareRepository(join(folder.path, "remote.git"), "audit"), credential: null };
    const open = (name: string) =>
      openAuditRepository({ folder: join(folder.path, name), branch: "audit", remote, signingKey: null });
    const [first, second] = [await open("first"), await open("second")];
    const publish = async (replica: typeof first, name: string) => {
      await replica.follow();
      await replica.commit([commit(name)]);
      await replica.push();
    };
    await publish(first, "a");
    await publish(second, "b");
    await publish(first, "c");
    await second.follow();
    await second.commit([commit("unpushed")]);
    await second.follow();
    await publish(second, "d");
    const subjects = git(remote.url, ["log", "--reverse", "--format=%s", "audit"]).trim().split("\n");
    expect(subjects).toEqual(["a", "b", "c", "unpushed", "d"]);
  });
});
