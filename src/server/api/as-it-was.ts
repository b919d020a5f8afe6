// An execution as it was at a point of its history: the events up to there, and what lists would have shown of it then.
import type { ExecutionSummary } from "../../controller/ports.ts";
import type { RecordedEvent } from "../../domain/execution/events.ts";
import { fold } from "../../domain/execution/evolve.ts";
import type { JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";

export const pointInTime: JsonObject = {
  type: "string",
  pattern: "^(\\d{1,9}|\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2}))$",
  description:
    "the number of an event, or a time with its zone: 12, 2026-11-17T10:05:00Z, 2026-11-17T11:05+01:00",
};

export interface PastExecution {
  readonly summary: ExecutionSummary;
  readonly events: readonly RecordedEvent[];
  /** null: this is the present. */
  readonly past: {
    /** ISO 8601, UTC. */
    readonly at: string;
    /** The last event shown, and the last there is. */
    readonly seq: number;
    readonly lastSeq: number;
  } | null;
}

/** @param point as pointInTime describes it @throws Problem NOT_FOUND: there was no such execution then */
export function asItWas(
  summary: ExecutionSummary,
  events: readonly RecordedEvent[],
  point: string | undefined,
): PastExecution {
  if (point === undefined) return { summary, events, past: null };
  const time = /^\d+$/.test(point) ? null : timeOf(point);
  const last = events.findLastIndex(({ seq, at }) => (time === null ? seq <= Number(point) : at <= time));
  const [first] = events;
  const shown = events.slice(0, last + 1);
  const newest = shown.at(-1);
  if (newest === undefined || first === undefined) {
    const began = first === undefined ? "" : `: it began at ${first.at}, with event 1`;
    throw new Problem("NOT_FOUND", `there was no execution ${summary.id} at ${point}${began}`);
  }
  const { phase, outcome, escalated } = fold(shown);
  return {
    summary: { ...summary, phase, outcome, escalated, updatedAt: newest.at },
    events: shown,
    past: { at: time ?? newest.at, seq: newest.seq, lastSeq: events.at(-1)?.seq ?? newest.seq },
  };
}

function timeOf(point: string): string {
  const time = new Date(point);
  if (Number.isNaN(time.getTime())) throw new Problem("USAGE", `"${point}" is no time that there is`);
  return time.toISOString();
}
