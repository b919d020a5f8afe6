// One execution as the database has it, held against what its events say. Pure: what is wrong comes with the row that would be
// right, so that whoever repairs writes only what follows from events. Events themselves are never mended.
import { recordLines } from "../domain/audit/record-lines.ts";
import type { Milestone } from "../domain/audit/story.ts";
import { assessmentOf } from "../domain/effectiveness/assessable.ts";
import { upcast } from "../domain/execution/event-versions.ts";
import type { RecordedEvent } from "../domain/execution/events.ts";
import { evolve } from "../domain/execution/evolve.ts";
import { type Execution, newExecution } from "../domain/execution/execution.ts";
import { keepSecondsOf } from "../domain/execution/follow-up.ts";
import { readSnapshot, snapshotText } from "../domain/execution/snapshot.ts";
import { assertLegal } from "../domain/execution/transitions.ts";
import type { ObjectRef } from "../domain/facts/objects.ts";
import { plusSeconds } from "../domain/instant.ts";
import { canonicalJson, isObject, type Json } from "../domain/json.ts";
import { changesSomething } from "../domain/planning/plan.ts";
import { toProblem } from "../domain/problem.ts";
import { claimKeyOf } from "./decide-firing.ts";
import type { Projection } from "./ports.ts";

/** What lists show and appends are fenced by, as far as it follows from the events. */
export interface ExecutionRow extends Projection {
  readonly version: number;
  readonly mode: string;
  readonly template: string;
  readonly incidentId: string;
}

/** Everything that is stored about one execution. */
export interface StoredStream {
  readonly id: string;
  /** null: there is none. */
  readonly row: ExecutionRow | null;
  readonly events: readonly {
    readonly seq: number;
    readonly type: string;
    readonly version: number;
    readonly text: string;
  }[];
  readonly milestones: readonly number[];
  readonly claims: readonly string[];
  readonly snapshot: { readonly seq: number; readonly text: string } | null;
  readonly record: {
    readonly head: string;
    readonly lines: number;
    readonly firstPrevious: string | null;
  } | null;
  readonly hasAssessment: boolean;
  /** Waiting or begun. */
  readonly hasFollowUp: boolean;
}

/** A change that follows from the events alone. */
export type Mend =
  | { readonly kind: "row"; readonly row: ExecutionRow; readonly rest: RebuiltRow }
  | { readonly kind: "remove-row" }
  /** `firm`: a step has started, so they yield to nobody. */
  | { readonly kind: "take-claims"; readonly keys: readonly string[]; readonly firm: boolean }
  | { readonly kind: "milestone"; readonly milestone: Milestone; readonly seq: number }
  | { readonly kind: "assessment"; readonly seconds: number }
  | { readonly kind: "follow-up"; readonly keepUntil: string }
  | { readonly kind: "drop-snapshot" };

/** For a row that is not there at all. */
export interface RebuiltRow {
  readonly alertName: string;
  readonly target: ObjectRef | null;
  readonly cooldownSeconds: number;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly follows: string | null;
}

export const streamFaults = [
  "gap",
  "unreadable",
  "unknown-version",
  "illegal",
  "no-events",
  "row-missing",
  "row-differs",
  "claims-missing",
  "milestone-missing",
  "assessment-missing",
  "follow-up-missing",
  "record-differs",
  "snapshot-differs",
] as const;

export interface StreamFinding {
  readonly fault: (typeof streamFaults)[number];
  readonly executionId: string;
  readonly detail: string;
  /** null: the events are what is wrong. */
  readonly mend: Mend | null;
}

type Finding = Omit<StreamFinding, "executionId">;

export function examineStream(stored: StoredStream): readonly StreamFinding[] {
  return findings(stored).map((finding) => ({ ...finding, executionId: stored.id }));
}

function findings(stored: StoredStream): readonly Finding[] {
  if (stored.events.length === 0)
    return [{ fault: "no-events", detail: "it is listed, and has no event", mend: { kind: "remove-row" } }];
  const read = readStream(stored);
  if ("fault" in read) return [read];
  const { raw, state } = read;
  return [
    ...rowFindings(stored, raw, state),
    ...claimFindings(stored, raw, state),
    ...milestoneFindings(stored, raw),
    ...assessmentFindings(stored, state),
    ...followUpFindings(stored, raw, state),
    ...recordFindings(stored, raw),
    ...snapshotFindings(stored, read.events),
  ];
}

interface Read {
  /** As stored: what was hashed. */
  readonly raw: readonly RecordedEvent[];
  readonly events: readonly RecordedEvent[];
  readonly state: Execution;
}

/** The first thing that is wrong ends the reading: what follows it says nothing. */
function readStream({ events }: StoredStream): Read | Finding {
  const raw: RecordedEvent[] = [];
  const present: RecordedEvent[] = [];
  let state = newExecution;
  for (const [index, stored] of events.entries()) {
    if (stored.seq !== index + 1) return wrong("gap", `after event ${index} comes event ${stored.seq}`);
    const recorded = readEvent(stored.text);
    if (recorded === null || !agrees(recorded, stored))
      return wrong("unreadable", `event ${stored.seq} is not the ${stored.type} that its row says`);
    try {
      const event = upcast(recorded);
      assertLegal(state.phase, event.event);
      state = evolve(state, event);
      raw.push(recorded);
      present.push(event);
    } catch (error) {
      const { code, message } = toProblem(error);
      if (code === "EVENT_UNKNOWN") return wrong("unknown-version", message);
      return wrong("illegal", `event ${stored.seq}: ${message}`);
    }
  }
  return { raw, events: present, state };
}

function wrong(fault: Finding["fault"], detail: string): Finding {
  return { fault, detail, mend: null };
}

function readEvent(text: string): RecordedEvent | null {
  try {
    const read = JSON.parse(text) as Json;
    return isObject(read) && isObject(read["event"]) ? (read as unknown as RecordedEvent) : null;
  } catch {
    return null;
  }
}

function agrees(recorded: RecordedEvent, row: StoredStream["events"][number]): boolean {
  return (
    recorded.seq === row.seq &&
    recorded.version === row.version &&
    recorded.event.type === row.type &&
    canonicalJson(recorded) === row.text
  );
}

function rowFindings(
  { row }: StoredStream,
  raw: readonly RecordedEvent[],
  state: Execution,
): readonly Finding[] {
  const right: ExecutionRow = {
    version: state.version,
    phase: state.phase,
    outcome: state.outcome,
    escalated: state.escalated,
    mode: state.mode,
    template: state.plan?.template.name ?? state.match?.template ?? "",
    incidentId: state.incident,
  };
  const mend: Mend = { kind: "row", row: right, rest: restOf(raw, state) };
  if (row === null) return [{ fault: "row-missing", detail: "it has events, and is not listed", mend }];
  const different = (Object.keys(right) as (keyof ExecutionRow)[]).filter((key) => row[key] !== right[key]);
  if (different.length === 0) return [];
  const detail = different.map((key) => `${key} is ${row[key]}, not ${right[key]}`).join("; ");
  return [{ fault: "row-differs", detail, mend }];
}

function restOf(raw: readonly RecordedEvent[], state: Execution): RebuiltRow {
  return {
    alertName: state.alert?.name ?? "",
    target: state.plan?.target ?? null,
    cooldownSeconds: state.plan?.cooldownSeconds ?? 0,
    createdAt: raw[0]?.at ?? "",
    endedAt: endedAt(raw),
    follows: state.follows,
  };
}

function endedAt(raw: readonly RecordedEvent[]): string | null {
  return raw.findLast(({ event }) => event.type === "Ended")?.at ?? null;
}

/** A live execution without its claim does not keep others from its objects. */
function claimFindings(
  { claims }: StoredStream,
  raw: readonly RecordedEvent[],
  state: Execution,
): readonly Finding[] {
  const claimed = raw.findLast(({ event }) => event.type === "Claimed")?.event;
  const others = claimed?.type === "Claimed" && state.claimed ? claimed.keys : [];
  const keys = [...new Set([...targetClaim(state), ...(state.phase === "ended" ? [] : others)])].filter(
    (key) => !claims.includes(key),
  );
  if (keys.length === 0) return [];
  const detail = `it may change ${keys.join(", ")} and has not claimed it`;
  const firm = [...state.steps.values()].some(({ startedAt }) => startedAt !== null);
  return [{ fault: "claims-missing", detail, mend: { kind: "take-claims", keys, firm } }];
}

/** Taken with the decision; the other objects are claimed when the gate opens. */
function targetClaim({ alert, plan, gate, mode, phase }: Execution): readonly string[] {
  if (phase === "ended" || mode !== "live" || alert === null || plan === null) return [];
  if (gate === null || gate.kind === "refused" || !changesSomething(plan)) return [];
  return [claimKeyOf(alert, plan.target)];
}

const milestoneEvents: Readonly<Record<string, Milestone>> = {
  ApprovalLifted: "planned",
  Ended: "ended",
  AssessmentMade: "assessed",
};

/** The gate's first decision, the end and each assessment are brought to the record. */
function milestoneFindings({ milestones }: StoredStream, raw: readonly RecordedEvent[]): readonly Finding[] {
  const gate = raw.find(({ event }) => event.type === "GateDecided");
  const due = raw.flatMap(({ seq, event }): readonly { milestone: Milestone; seq: number }[] => {
    const milestone = seq === gate?.seq ? "planned" : milestoneEvents[event.type];
    return milestone === undefined ? [] : [{ milestone, seq }];
  });
  return due
    .filter(({ seq }) => !milestones.includes(seq))
    .map(({ milestone, seq }) => ({
      fault: "milestone-missing",
      detail: `event ${seq} (${milestone}) was never to be published`,
      mend: { kind: "milestone", milestone, seq },
    }));
}

function assessmentFindings({ hasAssessment }: StoredStream, state: Execution): readonly Finding[] {
  const assessment = state.assessment === null ? assessmentOf(state) : null;
  if (assessment === null || hasAssessment) return [];
  const detail = "it left a change in place, and nobody will ask whether that helped";
  const mend = { kind: "assessment", seconds: assessment.delaySeconds } as const;
  return [{ fault: "assessment-missing", detail, mend }];
}

function followUpFindings(
  { hasFollowUp }: StoredStream,
  raw: readonly RecordedEvent[],
  state: Execution,
): readonly Finding[] {
  const seconds = keepSecondsOf(state);
  const at = endedAt(raw);
  if (seconds === null || at === null || hasFollowUp) return [];
  const detail = "what it left in place would stay when its incident is over";
  return [
    { fault: "follow-up-missing", detail, mend: { kind: "follow-up", keepUntil: plusSeconds(at, seconds) } },
  ];
}

/** What was published is the hash of these events; null in `firstPrevious`: only the published file knows where its chain began. */
function recordFindings({ record }: StoredStream, raw: readonly RecordedEvent[]): readonly Finding[] {
  if (record === null || record.firstPrevious === null) return [];
  const { head, lines } = recordLines(raw.slice(0, record.lines), record.firstPrevious);
  if (head === record.head && lines.length === record.lines) return [];
  const detail = `the ${record.lines} published events do not hash to ${record.head.slice(0, 12)}`;
  return [wrong("record-differs", detail)];
}

function snapshotFindings({ snapshot }: StoredStream, events: readonly RecordedEvent[]): readonly Finding[] {
  if (snapshot === null) return [];
  const folded = events.slice(0, snapshot.seq).reduce(evolve, newExecution);
  const cached = readSnapshot(snapshot.text);
  if (cached !== null && comparable(cached) === comparable(folded)) return [];
  const detail = `the snapshot at event ${snapshot.seq} is not what the events say`;
  return [{ fault: "snapshot-differs", detail, mend: { kind: "drop-snapshot" } }];
}

function comparable(state: Execution): string {
  return canonicalJson(JSON.parse(snapshotText(state)) as Json);
}
