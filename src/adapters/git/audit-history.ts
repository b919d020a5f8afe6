// The record as Git alone tells it: commits with their trailers, and the files of one record. For people who have a repository
// and no controller. Reads only; a URL is cloned without blobs into a folder that goes when it is closed.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Problem } from "../../domain/problem.ts";
import { localProblem, remoteProblem } from "./git-problem.ts";
import { checkRemote, type GitRemote, remoteEnvironment, withoutPassword } from "./git-remote.ts";
import { type GitResult, runGit } from "./run-git.ts";

export interface AuditCommit {
  readonly commit: string;
  /** ISO 8601: of the milestone. */
  readonly at: string;
  readonly subject: string;
  /** Of one name several, in order. */
  readonly trailers: Readonly<Record<string, readonly string[]>>;
}

export interface AuditHistory {
  /** Newest first; commits of records only. */
  commits(limit: number): Promise<readonly AuditCommit[]>;
  /** All commits of executions and acts of control whose id begins or ends so, newest first. */
  of(part: string): Promise<readonly AuditCommit[]>;
  /** A file of the record as that commit left it. @throws Problem NOT_FOUND */
  file(commit: string, name: string): Promise<string>;
  close(): Promise<void>;
}

const idTrailer = "(Execution-Id|Gitmend-Control)";
const format = "--format=%H%x00%aI%x00%s%x00%(trailers:only,unfold)%x1e";

/** @param repository a folder or a URL. @throws Problem NOT_FOUND, CONFIG_INVALID (URL), GIT_* */
export async function openAuditHistory(repository: string, branch: string): Promise<AuditHistory> {
  const isUrl = repository.includes("://") || /^[^/\\]+@[^/\\]+:/.test(repository);
  const remote = isUrl ? { url: repository, credential: null } : null;
  const folder = remote === null ? gitFolder(repository) : await clone(remote, branch);
  const close = async () => {
    if (remote !== null) await rm(dirname(folder), { recursive: true, force: true });
  };
  const reference = `refs/heads/${branch}`;
  const known = await runGit(folder, ["rev-parse", "--verify", "--quiet", reference]);
  if (known.exitCode !== 0) {
    await close();
    throw new Problem("NOT_FOUND", `${withoutPassword(repository)} has no branch ${branch}`);
  }
  const log = (args: readonly string[]) => readLog(folder, [...args, reference]);
  return {
    commits: (limit) => log(["-E", `--grep=^${idTrailer}: `, `--max-count=${limit}`]),
    of: (part) => log(["-E", `--grep=^${idTrailer}: (${part}[0-9a-f-]*|[0-9a-f-]*${part})$`]),
    file: (commit, name) => readRecordFile(folder, remote, commit, name),
    close,
  };
}

/** A bare repository, or the work tree of one. */
function gitFolder(repository: string): string {
  const folder = resolve(repository);
  if (existsSync(join(folder, "objects"))) return folder;
  if (existsSync(join(folder, ".git", "objects"))) return join(folder, ".git");
  throw new Problem("NOT_FOUND", `${folder} is no Git repository`);
}

async function clone(remote: GitRemote, branch: string): Promise<string> {
  const { url } = remote;
  checkRemote(remote);
  const root = await mkdtemp(join(tmpdir(), "gitmend-audit-"));
  const folder = join(root, "audit.git");
  await mkdir(folder);
  const environment = await remoteEnvironment(remote, folder);
  const args = ["clone", "--quiet", "--bare", "--filter=blob:none", "--single-branch", `--branch=${branch}`];
  const result = await runGit(folder, [...args, "--", url, folder], { environment }).catch(
    async (error: unknown) => {
      await rm(root, { recursive: true, force: true });
      throw error;
    },
  );
  if (result.exitCode === 0) return folder;
  await rm(root, { recursive: true, force: true });
  throw remoteProblem(`${withoutPassword(url)}: cannot read the branch ${branch}`, result);
}

async function readLog(folder: string, args: readonly string[]): Promise<readonly AuditCommit[]> {
  const result = answered(await runGit(folder, ["log", format, ...args]));
  return result
    .split("\x1e")
    .map((entry) => entry.trimStart())
    .filter((entry) => entry !== "")
    .map((entry) => {
      const [commit = "", at = "", subject = "", trailers = ""] = entry.split("\0");
      return { commit, at, subject, trailers: trailersOf(trailers) };
    });
}

function trailersOf(text: string): AuditCommit["trailers"] {
  const trailers: Record<string, string[]> = {};
  for (const line of text.split("\n")) {
    const [, name, value] = /^([A-Za-z][A-Za-z-]*): (.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) (trailers[name] ??= []).push(value);
  }
  return trailers;
}

/** Blobs of a clone are fetched when they are read. */
async function readRecordFile(
  folder: string,
  remote: GitRemote | null,
  commit: string,
  name: string,
): Promise<string> {
  const environment = remote === null ? {} : await remoteEnvironment(remote, folder);
  const args = ["diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", commit];
  const paths = answered(await runGit(folder, args)).split("\0");
  const path = paths.find((one) => one.endsWith(`/${name}`));
  if (path === undefined)
    throw new Problem("NOT_FOUND", `commit ${commit.slice(0, 12)} holds no ${name}: it is no record`);
  return answered(await runGit(folder, ["cat-file", "blob", `${commit}:${path}`], { environment }));
}

function answered(result: GitResult): string {
  if (result.exitCode !== 0) throw localProblem("the audit repository cannot be read", result);
  return result.stdout;
}
