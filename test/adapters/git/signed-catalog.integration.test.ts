// `config_repository.verify`: only what a person of the file signed is used. Real keys, real commits, git's own verification.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCatalogSource } from "../../../src/adapters/git/catalog-source.ts";
import type { Finding } from "../../../src/domain/finding.ts";
import { toProblem } from "../../../src/domain/problem.ts";
import { bareRepository, git, type SshKey, sshKey, temporaryFolder, workCopy } from "../../support/git.ts";

let folder: ReturnType<typeof temporaryFolder>;
let remote: string;
let signers: string;
let ana: SshKey;
let mallory: SshKey;
beforeEach(() => {
  folder = temporaryFolder();
  remote = bareRepository(join(folder.path, "config.git"));
  const keys = join(folder.path, "keys");
  ana = sshKey(keys, "ana");
  mallory = sshKey(keys, "mallory");
  signers = join(folder.path, "allowed_signers");
  writeFileSync(signers, `ana@example.com namespaces="git" ${ana.publicKey}\n`);
  workCopy(join(folder.path, "work"), remote).push({ "templates/a.yaml": "name: a\n" });
});
afterEach(() => folder.remove());

/** A commit on the branch, signed by a key or by nobody. */
const commitBy = (key: SshKey | null): string => {
  const tree = git(remote, ["rev-parse", "main^{tree}"]);
  const sign = key === null ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingKey=${key.privateKeyFile}`];
  const args = [...sign, "commit-tree", ...(key === null ? [] : ["-S"]), "-p", "main", "-m", "change", tree];
  const commit = git(remote, args);
  git(remote, ["update-ref", "refs/heads/main", commit]);
  return commit;
};
/** What is read of the commit: its number of files, or why it is refused. */
const read = async (commit: string) => {
  const source = openCatalogSource({
    url: remote,
    branch: "main",
    path: "",
    credential: null,
    allowedSignersFile: signers,
    cacheDir: join(folder.path, "cache"),
  });
  try {
    return (await source.read(commit)).length;
  } catch (error) {
    const { code, details, message } = toProblem(error);
    const findings = (details["findings"] ?? []) as readonly Finding[];
    return { code, findings: findings.map((one) => [one.code, one.message.split(":")[0]]), message };
  }
};
const refusedBecause = (why: string) => ({
  code: "CATALOG_INVALID",
  findings: [["COMMIT_NOT_SIGNED", why]],
  message: expect.stringContaining(why) as string,
});

describe("a config repository whose commits must be signed", () => {
  it("is read when one of the allowed signers signed the commit", async () => {
    expect(await read(commitBy(ana))).toBe(1);
  });

  it("is not read when nobody signed it, or somebody who is not allowed", async () => {
    expect(await read(commitBy(null))).toEqual(refusedBecause("it is not signed"));
    const why = "its key is not among the allowed signers, or not for that time";
    expect(await read(commitBy(mallory))).toEqual(refusedBecause(why));
  });

  it("is not read when a good signature stands on another commit", async () => {
    const signed = git(remote, ["cat-file", "commit", commitBy(ana)]);
    const forged = git(
      remote,
      ["hash-object", "-t", "commit", "-w", "--stdin"],
      `${signed.replace(/change\s*$/, "other")}\n`,
    );
    git(remote, ["update-ref", "refs/heads/main", forged]);
    expect(await read(forged)).toEqual(refusedBecause("its signature is wrong"));
  });

  it("does not take a key that signs other things, or whose time is over", async () => {
    writeFileSync(signers, `ana@example.com namespaces="file" ${ana.publicKey}\n`);
    expect(await read(commitBy(ana))).toMatchObject({ code: "CATALOG_INVALID" });
    writeFileSync(signers, `ana@example.com namespaces="git",valid-before="20200101" ${ana.publicKey}\n`);
    expect(await read(commitBy(ana))).toMatchObject({ code: "CATALOG_INVALID" });
  });

  it("reads the file of signers anew: who is added counts, who is removed does not", async () => {
    const commit = commitBy(mallory);
    expect(await read(commit)).toMatchObject({ code: "CATALOG_INVALID" });
    writeFileSync(signers, `mallory@example.com ${mallory.publicKey}\n`);
    expect(await read(commit)).toBe(1);
    expect(await read(commitBy(ana))).toMatchObject({ code: "CATALOG_INVALID" });
  });

  it("believes nobody while the file of signers is away or empty", async () => {
    const commit = commitBy(ana);
    rmSync(signers);
    expect(await read(commit)).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("allowed_signers") as string,
    });
    writeFileSync(signers, "");
    expect(await read(commit)).toMatchObject({ code: "CATALOG_INVALID" });
  });

  it("is not deceived by a replacement that was pushed beside the commit", async () => {
    const good = commitBy(ana);
    const bad = commitBy(null);
    git(remote, ["update-ref", `refs/replace/${bad}`, good]);
    expect(await read(bad)).toEqual(refusedBecause("it is not signed"));
  });
});
