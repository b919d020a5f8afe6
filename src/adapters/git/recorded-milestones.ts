// Which milestones of which executions the newest commits hold, read from their trailers. Bounded: a writer that crashed between
// commit and mark left at most the commits of one call unmarked, so older history is never walked.
import type { RecordedMilestone } from "../../controller/ports.ts";
import { milestoneKey } from "../../domain/audit/render-record.ts";
import { localProblem } from "./git-problem.ts";
import { runGit } from "./run-git.ts";

export interface KeyedMilestone extends RecordedMilestone {
  /** See milestoneKey. */
  readonly key: string;
}

/** Far more than a publisher commits before it marks. */
export const recentCommits = 5_000;
const separator = "\x1e";

export async function readMilestones(
  folder: string,
  head: string | null,
): Promise<Map<string, KeyedMilestone>> {
  const milestones = new Map<string, KeyedMilestone>();
  if (head === null) return milestones;
  const args = ["log", `--max-count=${recentCommits}`, "--reverse", `--format=%H%n%B${separator}`, head];
  const result = await runGit(folder, args);
  if (result.exitCode !== 0)
    throw localProblem("the audit repository cannot read its newest commits", result);
  for (const entry of result.stdout.split(separator)) {
    const [commit = "", ...message] = entry.trimStart().split("\n");
    const milestone = trailersOf(message.join("\n"), commit);
    if (milestone !== null) milestones.set(milestone.key, milestone);
  }
  return milestones;
}

/** null: not the commit of a record. */
export function trailersOf(message: string, commit: string): KeyedMilestone | null {
  const block = message.trimEnd().split(/\n\n+/).at(-1) ?? "";
  const trailers = new Map<string, string>();
  for (const line of block.split("\n")) {
    const [, key, value] = /^([A-Za-z-]+): (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) trailers.set(key, value);
  }
  const executionId = trailers.get("Execution-Id");
  const head = trailers.get("Events-Hash");
  const lines = Number(trailers.get("Seq"));
  if (executionId === undefined || head === undefined || !Number.isInteger(lines)) return null;
  return { key: milestoneKey(executionId, lines), commit, head, lines };
}
