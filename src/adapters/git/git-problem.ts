// What git's complaints mean: gone away for a while (try again), refused (people), moved on (people).
// Texts are git's, ssh's and curl's with LC_ALL=C; what is not recognised counts as unreachable, because trying again is safe.
import { Problem } from "../../domain/problem.ts";
import type { GitResult } from "./run-git.ts";

const refusals = [
  /authentication failed/i,
  /could not read (username|password)/i,
  /permission denied/i,
  /access denied/i,
  /host key verification failed/i,
  /returned error: 40[0134]/i,
  /repository .* not found/i,
  /does not appear to be a git repository/i,
  /not a git repository/i,
  /dubious ownership/i,
  /unsupported protocol|transport '.*' not allowed/i,
  /(server|certificate) verification failed/i,
  /remote rejected|pre-receive hook declined|protected branch/i,
];
const moved = /\[rejected\]|non-fast-forward|fetch first|stale info/i;
const absence =
  /connection (refused|reset|timed out|closed)|could not resolve|network is unreachable|timed out|early eof|hung up/i;

/** A Problem for a remote operation that did not end with 0. `doing` starts the sentence: "cannot read …". */
export function remoteProblem(doing: string, result: GitResult): Problem {
  const said = lastWords(result.stderr);
  if (moved.test(result.stderr)) {
    return new Problem(
      "GIT_NOT_FAST_FORWARD",
      `${doing}: the remote branch has commits that are not here (${said})`,
    );
  }
  const refused = !absence.test(result.stderr) && refusals.some((pattern) => pattern.test(result.stderr));
  return refused
    ? new Problem("GIT_REFUSED", `${doing}: ${said}`)
    : new Problem("GIT_UNREACHABLE", `${doing}: ${said}`, { retryable: true });
}

/** A Problem for a call that should have ended with 0 on a repository of gitmend's own. */
export function localProblem(doing: string, result: GitResult): Problem {
  return new Problem("INTERNAL", `${doing}: git ended with ${result.exitCode}: ${lastWords(result.stderr)}`);
}

/** The lines that say something, without git's advice, on one line, at most 300 characters. */
function lastWords(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.replace(/^(fatal|error|remote): /, "").trim());
  const telling = lines.filter(
    (line) => line !== "" && !line.startsWith("hint:") && !line.startsWith("warning:"),
  );
  return telling.slice(0, 3).join("; ").slice(0, 300) || "git said nothing";
}
