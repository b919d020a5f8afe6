// `gitmend doctor --integrity|--repair`: the whole database held against its events, page by page, whatever its size. Only what
// follows from events is repaired, so that it can be repeated at any time and comes to the same.
import { examineStream, type Mend, type StoredStream, type StreamFinding } from "./examine-stream.ts";

/** Rows that belong to nothing: each kind is found and mended by one statement. */
export const leftovers = [
  "claims-left",
  "commands-left",
  "incident-missing",
  "incident-empty",
  "firing-nowhere",
] as const;
export type Leftover = (typeof leftovers)[number];

export interface IntegrityStore {
  /** In order of the ids, each as it was at one moment; without what retention is removing. */
  page(after: string | null, limit: number): Promise<readonly StoredStream[]>;
  /** For people, at most `limit`; and how many there are. */
  leftover(
    kind: Leftover,
    limit: number,
  ): Promise<{ readonly count: number; readonly examples: readonly string[] }>;
  /** @throws Problem REPLICA_ALIVE: nothing was changed */
  mend(executionId: string, mend: Mend): Promise<void>;
  /** @throws Problem REPLICA_ALIVE: nothing was changed */
  mendLeftover(kind: Leftover): Promise<void>;
}

export type Fault = StreamFinding["fault"] | Leftover;

export interface FaultReport {
  readonly fault: Fault;
  readonly meaning: string;
  readonly count: number;
  /** Some of them, for people. */
  readonly examples: readonly string[];
  /** How many were mended; 0 unless that was asked for. */
  readonly mended: number;
  /** Whether `--repair` can do anything about it. */
  readonly mendable: boolean;
}

export interface IntegrityReport {
  readonly executions: number;
  readonly events: number;
  readonly faults: readonly FaultReport[];
}

const pageStreams = 100;
const mostExamples = 10;

const meanings: Readonly<Record<Fault, string>> = {
  gap: "events are missing from a history: restore the database from a backup; the audit repository has what was published",
  unreadable: "an event is not what was stored: somebody or a disk has changed it; restore it from a backup",
  "unknown-version": "a newer version of gitmend wrote it: this version neither shows nor drives it",
  illegal: "a history says what cannot happen: report it with `gitmend executions events`; it is not driven",
  "no-events": "an execution is listed of which nothing is known: --repair takes it off the lists",
  "row-missing": "a history is not listed and nobody drives it: --repair lists it again from its events",
  "row-differs": "lists say something else than the history: --repair writes what the events say",
  "claims-missing":
    "another execution could change the same object at the same time: --repair claims it again",
  "milestone-missing": "the record in Git lacks a milestone: --repair has it published",
  "assessment-missing": "nobody would ask whether the remedy helped: --repair makes it due",
  "follow-up-missing":
    "nobody would take back what was left in place for the incident: --repair makes it due",
  "record-differs":
    "the record in Git and the database tell different stories: one of them was changed; compare `gitmend audit show` with `gitmend executions events`",
  "snapshot-differs": "a cached state is wrong: --repair drops it, and the events are read instead",
  "claims-left":
    "an execution that has ended, or is gone, keeps others from its objects: --repair frees them",
  "commands-left": "somebody asked something of an execution that has ended: --repair removes it",
  "incident-missing":
    "an execution belongs to an incident that is not there: --repair opens and closes it again",
  "incident-empty": "an incident is open for nothing: --repair closes it",
  "firing-nowhere": "an alert waits for an execution that is not there: --repair has it decided anew",
};

/** Reads everything; with `repair` mends what follows from the events. `progress` gets the executions read so far. */
export async function checkIntegrity(
  store: IntegrityStore,
  { repair, progress }: { readonly repair: boolean; readonly progress?: (executions: number) => void },
): Promise<IntegrityReport> {
  const tally = new Map<Fault, Tally>();
  let [executions, events] = [0, 0];
  let after: string | null = null;
  for (;;) {
    const streams: readonly StoredStream[] = await store.page(after, pageStreams);
    for (const stream of streams) {
      for (const finding of examineStream(stream)) await note(finding, tally, repair ? store : null);
      events += stream.events.length;
    }
    executions += streams.length;
    progress?.(executions);
    after = streams.at(-1)?.id ?? null;
    if (streams.length < pageStreams) break;
  }
  for (const kind of leftovers) await noteLeftover(kind, tally, store, repair);
  return { executions, events, faults: [...tally].map(([fault, counted]) => report(fault, counted)) };
}

interface Tally {
  count: number;
  mended: number;
  mendable: boolean;
  readonly examples: string[];
}

function tallyOf(fault: Fault, tally: Map<Fault, Tally>): Tally {
  const known = tally.get(fault) ?? { count: 0, mended: 0, mendable: false, examples: [] };
  tally.set(fault, known);
  return known;
}

async function note(
  finding: StreamFinding,
  tally: Map<Fault, Tally>,
  store: IntegrityStore | null,
): Promise<void> {
  const { fault, executionId, detail, mend } = finding;
  const counted = tallyOf(fault, tally);
  counted.count += 1;
  counted.mendable ||= mend !== null;
  if (counted.examples.length < mostExamples) counted.examples.push(`${executionId}: ${detail}`);
  if (mend === null || store === null) return;
  await store.mend(executionId, mend);
  counted.mended += 1;
}

async function noteLeftover(
  kind: Leftover,
  tally: Map<Fault, Tally>,
  store: IntegrityStore,
  repair: boolean,
): Promise<void> {
  const { count, examples } = await store.leftover(kind, mostExamples);
  if (count === 0) return;
  const counted = tallyOf(kind, tally);
  Object.assign(counted, { count, mendable: true });
  counted.examples.push(...examples);
  if (!repair) return;
  await store.mendLeftover(kind);
  counted.mended = count;
}

function report(fault: Fault, { count, mended, mendable, examples }: Tally): FaultReport {
  return { fault, meaning: meanings[fault], count, examples, mended, mendable };
}
