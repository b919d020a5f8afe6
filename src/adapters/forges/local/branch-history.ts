// Reads from a bare repository what approval-commits.ts judges: the commits on top of the head that gitmend wrote.
import { localProblem } from "../../git/git-problem.ts";
import { runGit } from "../../git/run-git.ts";
import type { BranchCommit } from "./approval-commits.ts";

/** More commits than people could need; a branch with more is treated as edited by whoever judges. */
export const maximumCommits = 100;

export interface BranchHistory {
  readonly repository: string;
  readonly file: string;
  /** allowed_signers file. */
  readonly signersFile: string;
}

/** Commits after `head` up to `tip`, oldest first. Every one of them, merges and what they bring along included. */
export async function commitsAfter(
  history: BranchHistory,
  head: string,
  tip: string,
): Promise<readonly BranchCommit[]> {
  const ids = await commits(history, ["--reverse", "--topo-order", `${head}..${tip}`]);
  const read: BranchCommit[] = [];
  for (const id of ids.slice(0, maximumCommits + 1)) read.push(await readCommit(history, id));
  return read;
}

async function readCommit(history: BranchHistory, id: string): Promise<BranchCommit> {
  const verify = ["-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${history.signersFile}`];
  const shown = await git(history, [...verify, "log", "--max-count=1", "--format=%P%x00%G?%x00%GS", id]);
  const [parentText = "", signature = "", signer = ""] = shown.trimEnd().split("\0");
  const parents = parentText.split(" ").filter((parent) => parent !== "");
  const parent = parents[0];
  const changed =
    parent === undefined
      ? ""
      : await git(history, ["diff-tree", "-r", "-z", "--name-only", "--no-renames", parent, id]);
  return {
    id,
    parents,
    changed: changed.split("\0").filter((path) => path !== ""),
    before: parent === undefined ? null : await fileAt(history, parent),
    after: await fileAt(history, id),
    signature: signature.trim(),
    signer: signer.trim(),
  };
}

/** The approval file in a commit; null when it is not there or no plain file. */
export async function fileAt({ repository, file }: BranchHistory, commit: string): Promise<string | null> {
  const entry = await git({ repository }, ["ls-tree", "-z", commit, "--", file]);
  const [mode = "", kind = "", blob = ""] = entry.split("\t")[0]?.split(" ") ?? [];
  if (kind !== "blob" || mode !== "100644") return null;
  return await git({ repository }, ["cat-file", "blob", blob]);
}

async function commits(history: BranchHistory, which: readonly string[]): Promise<readonly string[]> {
  return (await git(history, ["rev-list", ...which])).split("\n").filter((id) => id !== "");
}

async function git(
  { repository }: Pick<BranchHistory, "repository">,
  args: readonly string[],
): Promise<string> {
  const result = await runGit(repository, args);
  if (result.exitCode !== 0) throw localProblem(`the approvals repository at ${repository}`, result);
  return result.stdout;
}

/** Whether `commit` is `tip` or an ancestor of it. What is not there is in nothing; a git that fails says neither yes nor no. */
export async function contains(repository: string, tip: string, commit: string): Promise<boolean> {
  const result = await runGit(repository, ["merge-base", "--is-ancestor", commit, tip]);
  if (result.exitCode <= 1) return result.exitCode === 0;
  if ((await commitAt(repository, commit)) === null) return false;
  throw localProblem(`the approvals repository at ${repository}`, result);
}

/** The commit that a reference names; null: there is none. */
export async function commitAt(repository: string, reference: string): Promise<string | null> {
  const result = await runGit(repository, ["rev-parse", "--verify", "--quiet", `${reference}^{commit}`]);
  return result.exitCode === 0 ? result.stdout.trim() : null;
}

/**
 * The merge that brought `head` into `base`, and the tip that it merged; null: not merged. A fast-forward is a merge too:
 * its tip is the last commit that changes nothing but the file.
 */
export async function findMerge(
  history: BranchHistory,
  head: string,
  base: string,
): Promise<{ readonly commit: string; readonly tip: string } | null> {
  const { repository } = history;
  if (!(await contains(repository, base, head))) return null;
  const main = await commits(history, ["--first-parent", base]);
  if (main.includes(head)) return await fastForwarded(history, head, base);
  // The oldest commit of the base's own line that descends from the head.
  const path = new Set(await commits(history, ["--ancestry-path", `${head}..${base}`]));
  const commit = main.findLast((id) => path.has(id));
  if (commit === undefined) return null;
  for (const parent of (await git(history, ["log", "--max-count=1", "--format=%P", commit]))
    .trim()
    .split(" ")
    .slice(1)) {
    if (await contains(repository, parent, head)) return { commit, tip: parent };
  }
  return null;
}

async function fastForwarded(
  history: BranchHistory,
  head: string,
  base: string,
): Promise<{ readonly commit: string; readonly tip: string }> {
  const later = await commits(history, ["--first-parent", "--reverse", `${head}..${base}`]);
  let tip = head;
  for (const id of later.slice(0, maximumCommits)) {
    const { parents, changed } = await readCommit(history, id);
    if (parents.length !== 1 || changed.some((path) => path !== history.file)) break;
    tip = id;
  }
  return { commit: tip, tip };
}
