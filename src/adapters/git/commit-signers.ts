// Who has signed a commit: the signature on it, and those of tags `loosening/<first 12 of the commit>/<name>` that point at it.
// A tag of another name, which a person may have signed for something else, says nothing here.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { localProblem } from "./git-problem.ts";
import { runGit } from "./run-git.ts";

/** More signatures than any number of people needs: whoever pushes tags without end gets no further. */
export const mostSignatures = 50;

export function signatureTags(commit: string): string {
  return `refs/tags/loosening/${commit.slice(0, 12)}/`;
}

/** @param tags ids of tag objects that are in the repository. @param signers text of an allowed_signers file */
export async function signersOf(
  repository: string,
  commit: string,
  tags: readonly string[],
  signers: string,
): Promise<readonly string[]> {
  const file = join(repository, "gitmend-signers");
  await writeFile(file, signers);
  const found = [await commitSigner(repository, commit, file)];
  for (const tag of tags.slice(0, mostSignatures)) found.push(await tagSigner(repository, tag, commit, file));
  return [...new Set(found.filter((person) => person !== null))];
}

const verifying = (file: string) => ["-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${file}`];

async function commitSigner(repository: string, commit: string, file: string): Promise<string | null> {
  const show = ["log", "--max-count=1", "--format=%G?%x00%GS%x00%GF", commit];
  const { exitCode, stdout, ...rest } = await runGit(repository, [...verifying(file), ...show]);
  if (exitCode !== 0) throw localProblem("the catalog cache", { exitCode, stdout, ...rest });
  const [status, signer = "", key = ""] = stdout.trimEnd().split("\0");
  return status === "G" && signer !== "" && key.startsWith("SHA256:") ? signer : null;
}

async function tagSigner(
  repository: string,
  tag: string,
  commit: string,
  file: string,
): Promise<string | null> {
  const { exitCode, stdout } = await runGit(repository, ["cat-file", "tag", tag]);
  if (exitCode !== 0) return null;
  const [object, type, name] = stdout.split("\n");
  const prefix = `tag ${signatureTags(commit).slice("refs/tags/".length)}`;
  if (object !== `object ${commit}` || type !== "type commit" || name?.startsWith(prefix) !== true)
    return null;
  const verified = await runGit(repository, [...verifying(file), "verify-tag", "--raw", tag]);
  if (verified.exitCode !== 0) return null;
  return /^Good "git" signature for (\S+) with \S+ key SHA256:/m.exec(verified.stderr)?.[1] ?? null;
}
