// The replica's lease as the main thread sees it. On a server a worker thread renews it; embedded, the folder's lock is the
// lease and it is always valid. The clock comes along: both are measured by the answers of the database.
import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import type pg from "pg";
import type { Clock, Lease } from "../../controller/ports.ts";
import { Problem } from "../../domain/problem.ts";
import { type LeaseState, leaseState, leaseStateBytes } from "./lease-state.ts";
import type { FromLeaseWorker, LeaseWorkerData, ToLeaseWorker } from "./lease-worker.ts";
import { monotonicMs } from "./monotonic.ts";
import { endAllLeases, readDatabaseMs, takeLease } from "./queries/lease.ts";
import { guarded, sqlOf } from "./sql.ts";

export interface HeldLease {
  readonly lease: Lease;
  readonly clock: Clock;
  /** Gives the lease up: others take over at once. */
  end(): Promise<void>;
}

const timing = { leaseMs: 2_000, renewMs: 500, marginMs: 300, stalledMs: 1_000 };
const beatMs = 100;
const firstLeaseTimeoutMs = 10_000;
const endTimeoutMs = 3_000;
const restartMs = 200;
const embeddedClockMs = 5_000;

/** @throws Problem DATABASE_UNAVAILABLE when the first lease is not had within 10 s. */
export async function holdLease(url: string): Promise<HeldLease> {
  const memory = new SharedArrayBuffer(leaseStateBytes);
  const state = leaseState(memory);
  const listeners = new Set<() => void>();
  let worker = startWorker({ url, memory, ...timing });
  const say = (message: ToLeaseWorker) => worker.postMessage(message);
  let replica = randomUUID() as string;
  let endedByUs = false;

  // The new id is asked for only after everybody has been told, so that valid() never speaks for work of the old one.
  const replace = () => {
    for (const listener of listeners) listener();
    replica = randomUUID();
    say({ type: "take", replica });
  };
  const beat = setInterval(() => state.setMainSeen(monotonicMs()), beatMs);
  beat.unref();
  const attend = () => {
    worker.on("message", (message: FromLeaseWorker) => {
      if (message.type === "lost" && !endedByUs) replace();
    });
    // `exit` follows an error. Without its thread nobody renews the lease, and nobody would say that it is lost.
    worker.on("error", () => undefined);
    worker.once("exit", () => {
      state.setValidUntil(0);
      setTimeout(again, restartMs).unref();
    });
  };
  const again = () => {
    if (endedByUs) return;
    worker = startWorker({ url, memory, ...timing });
    worker.unref();
    attend();
    replace();
  };
  attend();
  const end = async () => {
    endedByUs = true;
    clearInterval(beat);
    say({ type: "end" });
    await answerOf(worker, "ended", endTimeoutMs);
    await worker.terminate();
  };

  state.setMainSeen(monotonicMs());
  say({ type: "take", replica });
  if (!(await answerOf(worker, "taken", firstLeaseTimeoutMs))) {
    await end();
    throw new Problem("DATABASE_UNAVAILABLE", "no lease within 10 s", { retryable: true });
  }
  worker.unref();
  const lease: Lease = {
    replicaId: () => replica,
    valid: () => monotonicMs() < state.validUntil(),
    onLost: (listener) => void listeners.add(listener),
  };
  return { lease, clock: databaseClock(state), end };
}

function startWorker(workerData: LeaseWorkerData): Worker {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new Worker(new URL(`./lease-worker.${extension}`, import.meta.url), { workerData, execArgv: [] });
}

/** Whether the worker said `type` in time. */
async function answerOf(worker: Worker, type: FromLeaseWorker["type"], timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const listen = (message: FromLeaseWorker) => message.type === type && resolve(true);
  worker.on("message", listen);
  worker.once("exit", () => resolve(false));
  worker.once("error", () => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    worker.off("message", listen);
  }
}

/** Under the folder's lock every earlier lease is over, and this one ends with the process. */
export async function holdEmbeddedLease(pool: pg.Pool): Promise<HeldLease> {
  const state = leaseState(new SharedArrayBuffer(leaseStateBytes));
  const replica = randomUUID();
  const sql = sqlOf(pool);
  const measure = async () => {
    const sentAt = monotonicMs();
    const { databaseMs } = await readDatabaseMs(sql);
    state.setClockOffset(databaseMs - (sentAt + monotonicMs()) / 2);
  };
  await guarded(async () => {
    await endAllLeases(sql);
    await takeLease(sql, replica, null);
    await measure();
  });
  // An answer that does not come leaves the offset as it was.
  const timer = setInterval(() => void measure().catch(() => undefined), embeddedClockMs);
  timer.unref();
  return {
    lease: { replicaId: () => replica, valid: () => true, onLost: () => undefined },
    clock: databaseClock(state),
    end: async () => clearInterval(timer),
  };
}

/** Never goes back, whatever a new measurement says. */
function databaseClock(state: LeaseState): Clock {
  let latest = 0;
  return {
    now() {
      latest = Math.max(latest, Math.floor(monotonicMs() + state.clockOffset()));
      return new Date(latest).toISOString();
    },
  };
}
