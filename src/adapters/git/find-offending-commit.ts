// The commit that broke what a folder of a branch holds: the newest that touched it within a time, on the line of the branch itself, and
// the texts that its files would have without it. What cannot be taken back plainly is refused, with the way to do it by hand.
import type { RevertableCommit, RevertFolder } from "../../actions/action.ts";
import { oneLine } from "../../domain/plain-text.ts";
import { Problem } from "../../domain/problem.ts";
import type { GitOptions, GitResult } from "./run-git.ts";

export interface GitIn {
  /** @throws Problem when it fails */
  local(args: readonly string[], options?: GitOptions): Promise<string>;
  run(args: readonly string[], options?: GitOptions): Promise<GitResult>;
  /** For messages. */
  readonly name: string;
  /** An index of its own. */
  readonly indexFile: string;
}

const mostFiles = 50;
const shown = 5;
const plainModes = new Set(["100644", "100755"]);

/** @param head of the branch. @throws Problem PRECONDITION_FAILED */
export async function findOffendingCommit(
  git: GitIn,
  head: string,
  { path, since, before }: RevertFolder,
): Promise<RevertableCommit> {
  const found = await newest(git, head, path, since, before);
  if (found === null)
    throw refusal(`no commit has touched ${pathText(path)} of ${git.name} between ${since} and ${before}`);
  const { sha, subject, message } = found;
  const byHand = `; by hand: git revert ${sha.slice(0, 12)}`;
  const named = `commit ${sha.slice(0, 12)} ("${oneLine(subject, 60)}")`;
  if (/^Gitmend-Effect: /m.test(message))
    throw refusal(`${named} is gitmend's own repair: it is not taken back by another one`);
  const files = await changedBy(git, sha, byHand);
  const outside = files.filter((file) => path !== "" && file !== path && !file.startsWith(`${path}/`));
  if (outside.length > 0)
    throw refusal(`${named} changes more than ${pathText(path)}: ${listed(outside)}${byHand}`);
  await applyBackwards(
    git,
    head,
    sha,
    `${named} cannot be taken back plainly: later commits have changed the same lines`,
    byHand,
  );
  const texts: RevertableCommit["files"][number][] = [];
  for (const file of files)
    texts.push({
      path: file,
      from: await git.local(["cat-file", "blob", `${head}:${file}`]),
      to: await git.local(["cat-file", "blob", `:${file}`], { environment: indexOf(git) }),
    });
  return { sha, subject, files: texts };
}

/** The newest of the branch's own line: what a merge brought is one change. */
async function newest(git: GitIn, head: string, path: string, since: string, before: string) {
  const below = path === "" ? [] : ["--", path];
  const listed = await git.local([
    "log",
    "--first-parent",
    "--max-count=1",
    `--since=${since}`,
    `--until=${before}`,
    "--format=%H%x00%P%x00%s%x00%B",
    head,
    ...below,
  ]);
  const [sha = "", parents = "", subject = "", message = ""] = listed.split("\0");
  if (!/^[0-9a-f]{40}$/.test(sha)) return null;
  if (parents === "")
    throw refusal(`commit ${sha.slice(0, 12)} is the first of ${git.name}: there is nothing before it`);
  return { sha, subject, message };
}

/** Paths of plain files that it changes, and nothing else. */
async function changedBy(git: GitIn, sha: string, byHand: string): Promise<readonly string[]> {
  const raw = await git.local(["diff-tree", "-r", "-z", "--raw", "--no-renames", `${sha}^1`, sha]);
  const parts = raw.split("\0").filter((part) => part !== "");
  const files: string[] = [];
  for (let index = 0; index + 1 < parts.length; index += 2) {
    // `:100644 100644 <blob> <blob> M`
    const [old, now, , , status] = (parts[index] ?? "").slice(1).split(" ");
    const file = parts[index + 1] ?? "";
    if (status !== "M" || !plainModes.has(old ?? "") || !plainModes.has(now ?? ""))
      throw refusal(
        `commit ${sha.slice(0, 12)} adds, removes or replaces ${file}, which only people take back${byHand}`,
      );
    files.push(file);
  }
  if (files.length > mostFiles)
    throw refusal(
      `commit ${sha.slice(0, 12)} changes ${files.length} files, which only people take back${byHand}`,
    );
  return files;
}

/** Into the index. */
async function applyBackwards(
  git: GitIn,
  head: string,
  sha: string,
  conflict: string,
  byHand: string,
): Promise<void> {
  const environment = indexOf(git);
  const patch = await git.local(["diff-tree", "-p", "--no-renames", "--full-index", `${sha}^1`, sha]);
  await git.local(["read-tree", head], { environment });
  const applied = await git.run(["apply", "--cached", "--reverse", "--whitespace=nowarn", "-"], {
    environment,
    input: patch,
  });
  if (applied.exitCode === 0) return;
  const later = await git.local(["log", "--first-parent", "--max-count=5", "--format=%h", `${sha}..${head}`]);
  const which = later.trim() === "" ? "" : ` (${later.trim().split("\n").join(", ")})`;
  throw refusal(`${conflict}${which}${byHand}`);
}

function indexOf({ indexFile }: GitIn): Readonly<Record<string, string>> {
  return { GIT_INDEX_FILE: indexFile };
}

function pathText(path: string): string {
  return path === "" ? "anything" : path;
}

function listed(files: readonly string[]): string {
  const more = files.length > shown ? ` and ${files.length - shown} more` : "";
  return `${files.slice(0, shown).join(", ")}${more}`;
}

function refusal(message: string): Problem {
  return new Problem("PRECONDITION_FAILED", message);
}
