// The person's side of the local forge, for `gitmend approve` and `gitmend reject`: one signed commit on the request's branch and,
// when that was the last approval needed, the merge. Works in a throw-away clone; whatever fails, nothing is half done at the remote.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { approvalLine, rejectionLine } from "../../../domain/gate/approval-file.ts";
import { Problem } from "../../../domain/problem.ts";
import { localProblem, remoteProblem } from "../../git/git-problem.ts";
import { checkRemote, type GitCredential, remoteEnvironment, withoutPassword } from "../../git/git-remote.ts";
import { type GitOptions, type GitResult, runGit } from "../../git/run-git.ts";
import { commitAt, contains, fileAt } from "./branch-history.ts";

export interface LocalDecision {
  /** A path or any Git URL. */
  readonly repositoryUrl: string;
  readonly credential?: GitCredential | null;
  /** `gitmend/<short id>`. */
  readonly branch: string;
  readonly base: string;
  /** `approvals/<execution id>.yaml`. */
  readonly file: string;
  /** The commit that gitmend wrote, as the request names it. */
  readonly head: string;
  /** Id of the person in `approvals.people`. */
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** File of the person's SSH private key; null: unsigned, which counts only in the demo. */
  readonly signingKey: string | null;
  /** An existing folder for the throw-away clone. */
  readonly workDir: string;
}

export interface LocalApproval extends LocalDecision {
  /** Whether the people who have approved now, this one included, are enough: then it is merged too. */
  readonly mergeWhen: (people: readonly string[]) => boolean;
}

/**
 * @returns the commit, and the merge when there was one
 * @throws Problem APPROVAL_INVALID: the request is closed, decided, changed since `head`, or `by` has approved already;
 *   GIT_UNREACHABLE, GIT_REFUSED; GIT_NOT_FAST_FORWARD: others were faster three times, try again
 */
export async function approveLocally(
  approval: LocalApproval,
): Promise<{ readonly commit: string; readonly merged: string | null }> {
  return await inClone(approval, async (clone) => {
    const { content, tip } = await openRequest(clone, approval);
    const people = approvers(content);
    if (people.includes(approval.by)) throw refusal(`${approval.by} has approved this already`);
    const line = approvalLine({ by: approval.by, at: approval.at, head: approval.head });
    const commit = await commitFile(clone, approval, tip, content + line, `Approve ${approval.branch}`);
    if (!approval.mergeWhen([...people, approval.by])) {
      await push(clone, approval, [`${commit}:refs/heads/${approval.branch}`]);
      return { commit, merged: null };
    }
    const merged = await mergeCommit(clone, approval, commit);
    await push(clone, approval, [
      `${commit}:refs/heads/${approval.branch}`,
      `${merged}:refs/heads/${approval.base}`,
    ]);
    return { commit, merged };
  });
}

/** Closes the request. @throws Problem as approveLocally */
export async function rejectLocally(
  rejection: LocalDecision & { readonly reason: string },
): Promise<{ readonly commit: string }> {
  return await inClone(rejection, async (clone) => {
    const { content, tip } = await openRequest(clone, rejection);
    const { by, at, head, reason } = rejection;
    const text = content + rejectionLine({ by, at, head, reason });
    const commit = await commitFile(clone, rejection, tip, text, `Reject ${rejection.branch}`);
    await push(clone, rejection, [`${commit}:refs/heads/${rejection.branch}`]);
    return { commit };
  });
}

interface Clone {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Somebody else's approval may come in between: then it all begins again from what is there now. */
async function inClone<T>(decision: LocalDecision, work: (clone: Clone) => Promise<T>): Promise<T> {
  const remote = { url: decision.repositoryUrl, credential: decision.credential ?? null };
  checkRemote(remote);
  for (let attempt = 1; ; attempt += 1) {
    const folder = await mkdtemp(join(decision.workDir, "approval-"));
    try {
      const repository = join(folder, "clone.git");
      await mkdir(repository);
      const clone = { folder: repository, environment: await remoteEnvironment(remote, folder) };
      await git(clone, ["init", "--quiet", "--bare"]);
      return await work(clone);
    } catch (error) {
      const moved = error instanceof Problem && error.code === "GIT_NOT_FAST_FORWARD";
      if (!moved || attempt === 3) throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function openRequest(clone: Clone, decision: LocalDecision): Promise<{ content: string; tip: string }> {
  const { repositoryUrl, branch, base, file, head } = decision;
  const listed = await remote(clone, decision, ["ls-remote", "--heads", "--", repositoryUrl, branch, base]);
  if (!listed.stdout.includes(`\trefs/heads/${branch}\n`)) {
    throw refusal(`${branch} is no longer there: the request was closed or somebody rejected it`);
  }
  const references = [branch, base].map((name) => `refs/heads/${name}:refs/heads/${name}`);
  await remote(clone, decision, ["fetch", "--quiet", "--no-tags", "--", repositoryUrl, ...references]);
  const history = { repository: clone.folder, file, signersFile: "/dev/null" };
  if (await contains(clone.folder, `refs/heads/${base}`, head))
    throw refusal(`${branch} has been merged already`);
  if (!(await contains(clone.folder, `refs/heads/${branch}`, head))) {
    throw refusal(`${branch} has moved on since: gitmend asks about another plan now, look at it again`);
  }
  const asked = await fileAt(history, head);
  const tip = (await commitAt(clone.folder, `refs/heads/${branch}`))!;
  const content = await fileAt(history, tip);
  if (asked === null || content === null || !content.startsWith(asked)) {
    throw refusal(
      `${file} on ${branch} has moved on since: somebody has edited it, or gitmend asks about another plan now; look at it again`,
    );
  }
  if (/^rejected: /m.test(content.slice(asked.length))) throw refusal(`${branch} has been rejected already`);
  return { content, tip };
}

/** Names on the approval lines; whether each counts is for gitmend to judge. */
function approvers(content: string): readonly string[] {
  const lines = content
    .slice(content.lastIndexOf("\napprovals:\n"))
    .matchAll(/^ {2}- \{by: ("(?:[^"\\]|\\.)*"), at: /gm);
  return [...lines].map(([, name = '""']) => JSON.parse(name) as string);
}

async function commitFile(
  clone: Clone,
  decision: LocalDecision,
  parent: string,
  content: string,
  message: string,
): Promise<string> {
  const blob = (await git(clone, ["hash-object", "-w", "--stdin"], { input: content })).trim();
  const index = { GIT_INDEX_FILE: join(clone.folder, "approval-index") };
  await git(clone, ["read-tree", parent], { environment: index });
  await git(clone, ["update-index", "--cacheinfo", `100644,${blob},${decision.file}`], {
    environment: index,
  });
  const tree = (await git(clone, ["write-tree"], { environment: index })).trim();
  return await commitTree(clone, decision, tree, [parent], message);
}

async function mergeCommit(clone: Clone, decision: LocalDecision, commit: string): Promise<string> {
  const base = (await commitAt(clone.folder, `refs/heads/${decision.base}`))!;
  const tree = (await git(clone, ["merge-tree", "--write-tree", base, commit])).split("\n")[0]!;
  return await commitTree(clone, decision, tree, [base, commit], `Merge ${decision.branch}`);
}

async function commitTree(
  clone: Clone,
  { by, at, signingKey }: LocalDecision,
  tree: string,
  parents: readonly string[],
  message: string,
): Promise<string> {
  const email = `${by}@gitmend.local`;
  const environment = {
    GIT_AUTHOR_NAME: by,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: at,
    GIT_COMMITTER_NAME: by,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: at,
  };
  const key = signingKey === null ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingkey=${signingKey}`];
  const sign = signingKey === null ? [] : ["-S"];
  const onto = parents.flatMap((parent) => ["-p", parent]);
  return (
    await git(clone, [...key, "commit-tree", ...sign, ...onto, "-m", message, tree], { environment })
  ).trim();
}

/** Both references move or none. */
async function push(clone: Clone, decision: LocalDecision, refspecs: readonly string[]): Promise<void> {
  await remote(clone, decision, ["push", "--quiet", "--atomic", "--", decision.repositoryUrl, ...refspecs]);
}

async function remote(
  clone: Clone,
  { repositoryUrl }: LocalDecision,
  args: readonly string[],
): Promise<GitResult> {
  const result = await runGit(clone.folder, args, { environment: clone.environment });
  if (result.exitCode !== 0) throw remoteProblem(withoutPassword(repositoryUrl), result);
  return result;
}

async function git(clone: Clone, args: readonly string[], options: GitOptions = {}): Promise<string> {
  const result = await runGit(clone.folder, args, options);
  if (result.exitCode !== 0) throw localProblem(`cannot write the decision (git ${args[0]})`, result);
  return result.stdout;
}

function refusal(message: string): Problem {
  return new Problem("APPROVAL_INVALID", message);
}
