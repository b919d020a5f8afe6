// Asks a Git remote whether it answers and lets us in, without changing anything here or there.
import { Problem, toProblem } from "../../domain/problem.ts";
import { remoteProblem } from "./git-problem.ts";
import { type GitRemote, remoteEnvironment, withoutPassword } from "./git-remote.ts";
import { type GitResult, runGit } from "./run-git.ts";

const silenceSeconds = 8;

/**
 * @param folder a bare repository of ours; a branch of it that is there is pushed with --dry-run, which asks for the right to write
 * @throws Problem GIT_UNREACHABLE, GIT_REFUSED, GIT_NOT_FAST_FORWARD
 */
export async function reachForPush(remote: GitRemote, folder: string, branch: string): Promise<string> {
  const reference = `refs/heads/${branch}`;
  const own = await runGit(folder, ["rev-parse", "--verify", "--quiet", reference]);
  const push = ["push", "--dry-run", "--quiet", "--", remote.url, `${reference}:${reference}`];
  const listed = own.exitCode === 0 ? push : ["ls-remote", "--", remote.url, reference];
  const result = await ask(remote, folder, listed);
  const where = withoutPassword(remote.url);
  if (result.exitCode !== 0) throw remoteProblem(`${where}: cannot push ${branch}`, result);
  return own.exitCode === 0
    ? `${where}: ${branch} can be pushed`
    : `${where} answers; nothing was pushed yet`;
}

async function ask(remote: GitRemote, folder: string, args: readonly string[]): Promise<GitResult> {
  const environment = await remoteEnvironment(remote, folder);
  return runGit(folder, args, { environment, silenceSeconds }).catch((error: unknown) => {
    throw new Problem("GIT_UNREACHABLE", `${withoutPassword(remote.url)}: ${toProblem(error).message}`, {
      cause: error,
      retryable: true,
    });
  });
}
