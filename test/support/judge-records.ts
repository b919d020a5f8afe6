// What stands in an audit repository, judged without gitmend's help where it can be: Git's own check, every record's chain, and
// that the records hang together.
import { linesOf, noHead, verifyChain } from "../../src/domain/audit/record-lines.ts";
import { sha256 } from "../../src/domain/json.ts";
import { git } from "./git.ts";

export interface JudgedRecords {
  /** Execution id -> lines of its record. */
  readonly lines: ReadonlyMap<string, number>;
  /** Subjects of all commits, oldest first. */
  readonly subjects: readonly string[];
  /** For people; empty: all is well. */
  readonly complaints: readonly string[];
}

/** @param repository bare */
export function judgeRecords(repository: string, branch = "audit"): JudgedRecords {
  const branches = git(repository, ["branch", "--list", branch]);
  if (branches === "")
    return { lines: new Map(), subjects: [], complaints: [`there is no branch ${branch}`] };
  const complaints: string[] = [];
  const lines = new Map<string, number>();
  const known = new Set([noHead]);
  const starts = new Map<string, string>();
  try {
    git(repository, ["fsck", "--strict", "--full"]);
  } catch (error) {
    complaints.push(`git fsck: ${String(error)}`);
  }
  for (const { path, text } of recordFiles(repository, branch)) {
    const record = linesOf(text);
    const verdict = verifyChain(record);
    if (!verdict.sound) {
      complaints.push(`${path}:${verdict.line}: ${verdict.why}`);
      continue;
    }
    for (const line of record) known.add(sha256(line));
    const other = starts.get(verdict.previousHead);
    if (other !== undefined) complaints.push(`${path} and ${other} go on from the same record`);
    starts.set(verdict.previousHead, path);
    lines.set(path.split("/").at(-2) ?? path, verdict.lines);
  }
  for (const [head, path] of starts)
    if (!known.has(head)) complaints.push(`${path} goes on from a record that is not there`);
  const subjects = git(repository, ["log", "--reverse", "--format=%s", branch]).split("\n");
  return { lines, subjects, complaints };
}

function recordFiles(repository: string, branch: string): readonly { path: string; text: string }[] {
  const paths = git(repository, ["ls-tree", "-r", "--name-only", branch])
    .split("\n")
    .filter((path) => path.endsWith("/events.jsonl"));
  return paths.map((path) => ({
    path,
    text: `${git(repository, ["cat-file", "blob", `${branch}:${path}`])}\n`,
  }));
}
