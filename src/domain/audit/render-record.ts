// A history becomes the three files and the commit message of its record. Pure: the same events give the same bytes, so that
// the database and Git can be compared and a commit can be made again after a crash.
import { upcast } from "../execution/event-versions.ts";
import type { RecordedEvent } from "../execution/events.ts";
import { commitMessage } from "./commit-message.ts";
import { renderExecutionFile } from "./execution-file.ts";
import { recordLines } from "./record-lines.ts";
import { renderReport } from "./report.ts";
import { type Milestone, tellStory } from "./story.ts";

export interface RecordInput {
  readonly executionId: string;
  readonly milestone: Milestone;
  /** From seq 1 to the milestone, as they were stored: that is what the lines say and what is hashed. */
  readonly events: readonly RecordedEvent[];
  /**
   * What the first line carries: head of the record published before (any execution), null at the beginning. When a record is
   * written again it must be what its first line carries already: `firstPrevious` of its events.jsonl.
   */
  readonly previousHead: string | null;
}

export interface RenderedRecord {
  readonly files: Readonly<Record<string, string>>;
  readonly message: string;
  /** sha256 of the last line. */
  readonly head: string;
  readonly lines: number;
  /** Time of the last event: the commit's date. */
  readonly at: string;
}

/** @throws Problem INTERNAL for a history that is none (see tellStory), EVENT_UNKNOWN. */
export function renderRecord({ executionId, milestone, events, previousHead }: RecordInput): RenderedRecord {
  const { lines, head, events: shown } = recordLines(events, previousHead);
  const story = tellStory(
    executionId,
    milestone,
    shown.map((one) => upcast(one)),
  );
  const folder = recordFolder(executionId, shown[0]!.at);
  return {
    files: {
      [`${folder}/REPORT.md`]: renderReport(story),
      [`${folder}/events.jsonl`]: lines.map((line) => `${line}\n`).join(""),
      [`${folder}/execution.yaml`]: renderExecutionFile(story),
    },
    message: commitMessage(story, head),
    head,
    lines: lines.length,
    at: events.at(-1)!.at,
  };
}

/** @param requestedAt time of the first event: the folder never moves */
export function recordFolder(executionId: string, requestedAt: string): string {
  const [year, month, day] = requestedAt.slice(0, 10).split("-");
  return `executions/${year}/${month}/${day}/${executionId}`;
}

/** Which milestone of which execution a commit holds: a stream has one for each seq at most. */
export function milestoneKey(executionId: string, seq: number): string {
  return `${executionId}/${seq}`;
}
