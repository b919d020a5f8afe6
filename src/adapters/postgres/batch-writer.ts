// The one writer of events in a replica. No timer: it flushes when nothing is in flight, and what arrives meanwhile makes
// the next flush. One bad append fails alone; a lost connection fails the whole flush, and callers repeat the same append.
import type pg from "pg";
import type { Append } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";
import { appendEvents, type FencedAppend, fenced, storedAppends } from "./queries/append-events.ts";
import { databaseProblem, isRefused, sqlOf } from "./sql.ts";

interface Waiting {
  readonly append: FencedAppend;
  readonly bytes: number;
  readonly done: () => void;
  readonly failed: (problem: Problem) => void;
}

export type AppendEvents = (append: Append, owner: string) => Promise<void>;

const maximum = { events: 1_000, bytes: 4 * 1024 * 1024 };

/** `append` resolves when the events are durable. @throws Problem EXECUTION_MOVED_ON, DATABASE_UNAVAILABLE, INTERNAL */
export function batchWriter(pool: pg.Pool): AppendEvents {
  let waiting: Waiting[] = [];
  let flushing = false;

  const flushAll = async () => {
    flushing = true;
    await Promise.resolve(); // callers of this turn share the first flush
    while (waiting.length > 0) {
      const { batch, rest } = nextBatch(waiting);
      waiting = rest;
      await write(pool, batch);
    }
    flushing = false;
  };

  return (append, owner) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ready = fenced(append, owner);
    const bytes = ready.texts.reduce((sum, text) => sum + text.length, 0);
    waiting.push({ append: ready, bytes, done: resolve, failed: reject });
    if (!flushing) void flushAll();
    return promise;
  };
}

/** Whole appends in order, at most one of each execution: the statement moves a row once. */
function nextBatch(waiting: readonly Waiting[]): { batch: readonly Waiting[]; rest: Waiting[] } {
  const batch: Waiting[] = [];
  const rest: Waiting[] = [];
  const taken = new Set<string>();
  let events = 0;
  let bytes = 0;
  for (const item of waiting) {
    events += item.append.events.length;
    bytes += item.bytes;
    const fits = batch.length === 0 || (events <= maximum.events && bytes <= maximum.bytes);
    if (fits && !taken.has(item.append.id)) batch.push(item);
    else rest.push(item);
    taken.add(item.append.id);
  }
  return { batch, rest };
}

/** Settles every item; never throws. */
async function write(pool: pg.Pool, batch: readonly Waiting[]): Promise<void> {
  try {
    const moved = await appendEvents(
      sqlOf(pool),
      batch.map(({ append }) => append),
    );
    for (const { append, done } of batch) if (moved.has(append.id)) done();
    const lost = batch.filter(({ append }) => !moved.has(append.id));
    if (lost.length > 0) await settleLost(pool, lost);
  } catch (error) {
    if (isRefused(error) && batch.length > 1) return writeHalves(pool, batch);
    for (const { failed } of batch) failed(databaseProblem(error));
  }
}

async function writeHalves(pool: pg.Pool, batch: readonly Waiting[]): Promise<void> {
  const middle = Math.ceil(batch.length / 2);
  await write(pool, batch.slice(0, middle));
  await write(pool, batch.slice(middle));
}

async function settleLost(pool: pg.Pool, lost: readonly Waiting[]): Promise<void> {
  const stored = await storedAppends(
    sqlOf(pool),
    lost.map(({ append }) => append),
  );
  for (const { append, done, failed } of lost) {
    if (stored.has(append.id)) done();
    else failed(movedOn(append));
  }
}

function movedOn({ id, epoch, events }: FencedAppend): Problem {
  const seq = events[0]?.seq;
  return new Problem(
    "EXECUTION_MOVED_ON",
    `execution ${id} is no longer at epoch ${epoch} before event ${seq}`,
    {
      details: { executionId: id, epoch, seq },
    },
  );
}
