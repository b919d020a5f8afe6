// The config repository over ssh: the key and the known host are both needed.
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openCatalogSource } from "../../../src/adapters/git/catalog-source.ts";
import type { GitCredential } from "../../../src/adapters/git/git-remote.ts";
import { bareRepository, sshKey, temporaryFolder, workCopy } from "../../support/git.ts";
import { serveGitOverSsh } from "../../support/ssh-server.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe("the config repository over ssh", () => {
  it("is read with the key from a host that is known, and not otherwise", async () => {
    const remote = bareRepository(join(folder.path, "config.git"));
    const engineer = workCopy(join(folder.path, "work"), remote);
    const ours = sshKey(folder.path, "ours");
    const server = await serveGitOverSsh(folder.path, ours);
    const source = (credential: GitCredential) =>
      openCatalogSource({
        url: `${server.url}${remote}`,
        branch: "main",
        path: "",
        credential,
        cacheDir: join(folder.path, "cache"),
        silenceSeconds: 20,
      });
    try {
      const commit = engineer.push({ "templates/a.yaml": "name: a\n", "policies/b.yaml": "name: b\n" });
      const credential = {
        kind: "ssh",
        privateKeyFile: ours.privateKeyFile,
        knownHostsFile: server.knownHostsFile,
      } as const;
      expect(await source(credential).head()).toBe(commit);
      expect(await source(credential).read(commit)).toHaveLength(2);

      const stranger = { ...credential, privateKeyFile: sshKey(folder.path, "stranger").privateKeyFile };
      await expect(source(stranger).head()).rejects.toMatchObject({ code: "GIT_REFUSED" });
      const unknownHost = { ...credential, knownHostsFile: "/dev/null" };
      await expect(source(unknownHost).head()).rejects.toMatchObject({ code: "GIT_REFUSED" });
    } finally {
      server.close();
    }
  });
});
