// What the newest commits hold, read from their trailers: milestones of executions and acts of control. Bounded: a writer that
// crashed between commit and mark left at most the commits of one call unmarked, so older history is never walked.
import type { Recorded, RecordedMilestone } from "../../controller/ports.ts";
import { milestoneKey } from "../../domain/audit/render-record.ts";
import { localProblem } from "./git-problem.ts";
import { runGit } from "./run-git.ts";

export interface RecentCommits extends Recorded {
  readonly milestones: Map<string, RecordedMilestone>;
  readonly controls: Map<string, string>;
}

/** Far more than a publisher commits before it marks. */
const recentCommits = 5_000;
const separator = "\x1e";

export async function readRecorded(folder: string, head: string | null): Promise<RecentCommits> {
  const recorded: RecentCommits = { milestones: new Map(), controls: new Map() };
  if (head === null) return recorded;
  const args = ["log", `--max-count=${recentCommits}`, "--reverse", `--format=%H%n%B${separator}`, head];
  const result = await runGit(folder, args);
  if (result.exitCode !== 0)
    throw localProblem("the audit repository cannot read its newest commits", result);
  for (const entry of result.stdout.split(separator)) {
    const [commit = "", ...message] = entry.trimStart().split("\n");
    remember(recorded, message.join("\n"), commit);
  }
  return recorded;
}

/** The oldest are forgotten for it; a commit of something else is passed over. */
export function remember({ milestones, controls }: RecentCommits, message: string, commit: string): void {
  const trailers = trailersOf(message);
  const control = trailers.get("Gitmend-Control");
  const executionId = trailers.get("Execution-Id");
  const head = trailers.get("Events-Hash");
  const lines = Number(trailers.get("Seq"));
  if (control !== undefined) put(controls, control, commit);
  else if (executionId !== undefined && head !== undefined && Number.isInteger(lines))
    put(milestones, milestoneKey(executionId, lines), { commit, head, lines });
}

function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  const [oldest] = map.size > recentCommits ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}

function trailersOf(message: string): ReadonlyMap<string, string> {
  const block = message.trimEnd().split(/\n\n+/).at(-1) ?? "";
  const trailers = new Map<string, string>();
  for (const line of block.split("\n")) {
    const [, key, value] = /^([A-Za-z-]+): (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) trailers.set(key, value);
  }
  return trailers;
}
