// Thread that renews the lease on a connection of its own, so that neither a busy pool nor a busy main loop delays it.
// It stops renewing when the main loop has stalled: a replica that cannot act must not keep its executions.
import { parentPort, workerData } from "node:worker_threads";
import pg from "pg";
import { clientConfig } from "./connect.ts";
import { leaseState } from "./lease-state.ts";
import { monotonicMs } from "./monotonic.ts";
import { endLease, type LeaseAnswer, renewLease, takeLease } from "./queries/lease.ts";
import type { Sql } from "./sql.ts";

/** How the main thread starts it. */
export interface LeaseWorkerData {
  readonly url: string;
  readonly memory: SharedArrayBuffer;
  readonly leaseMs: number;
  readonly renewMs: number;
  /** Effects stop this long before the lease ends. */
  readonly marginMs: number;
  /** A main loop that has not run for this long has stalled. */
  readonly stalledMs: number;
}

export type ToLeaseWorker = { readonly type: "take"; readonly replica: string } | { readonly type: "end" };
export type FromLeaseWorker =
  | { readonly type: "taken"; readonly replica: string }
  | { readonly type: "lost" }
  | { readonly type: "ended" };

const data = workerData as LeaseWorkerData;
const main = parentPort;
if (main === null) throw new TypeError("the lease worker runs in a worker thread");

const state = leaseState(data.memory);
const leaseSeconds = data.leaseMs / 1_000;
let client: pg.Client | null = null;
let replica: string | null = null;
let held = false;
let ending = false;
let timer: NodeJS.Timeout | undefined;

const post = (message: FromLeaseWorker) => main.postMessage(message);

async function connection(): Promise<Sql> {
  if (client === null) {
    const fresh = new pg.Client({
      ...clientConfig({ url: data.url }),
      connectionTimeoutMillis: data.leaseMs / 2,
      query_timeout: data.leaseMs / 2,
    });
    fresh.on("error", () => drop(fresh));
    await fresh.connect();
    client = fresh;
  }
  const current = client;
  return { query: async (text, values = []) => (await current.query(text, [...values])).rows };
}

function drop(broken: pg.Client | null): void {
  if (client === broken) client = null;
  broken?.end().catch(() => undefined);
}

/** The lease counts from before the question was sent; the clock from the middle between question and answer. */
function confirm(sentAt: number, answer: LeaseAnswer): void {
  const middle = (sentAt + monotonicMs()) / 2;
  state.setClockOffset(answer.databaseMs - middle);
  state.setValidUntil(sentAt + data.leaseMs - data.marginMs);
}

function lose(): void {
  held = false;
  replica = null;
  state.setValidUntil(0);
  post({ type: "lost" });
}

async function ask(current: string): Promise<void> {
  const sql = await connection();
  const sentAt = monotonicMs();
  const wasHeld = held;
  const answer = wasHeld
    ? await renewLease(sql, current, leaseSeconds)
    : await takeLease(sql, current, leaseSeconds);
  if (replica !== current) return; // given up while the question was on its way
  if (answer === null) return lose();
  confirm(sentAt, answer);
  held = true;
  if (!wasHeld) post({ type: "taken", replica: current });
}

async function step(): Promise<void> {
  if (replica === null || monotonicMs() - state.mainSeen() > data.stalledMs) return;
  const used = client;
  try {
    await ask(replica);
  } catch {
    drop(client ?? used);
  }
}

function loop(): void {
  void step().finally(() => {
    if (!ending) timer = setTimeout(loop, held ? data.renewMs : Math.min(data.renewMs, 100));
  });
}

function watch(): void {
  if (held && monotonicMs() >= state.validUntil()) lose();
}

async function end(): Promise<void> {
  ending = true;
  clearTimeout(timer);
  state.setValidUntil(0);
  try {
    if (replica !== null) await endLease(await connection(), replica);
    await client?.end();
  } catch {
    drop(client);
  }
  post({ type: "ended" });
}

main.on("message", (message: ToLeaseWorker) => {
  if (message.type === "end") return void end();
  replica = message.replica;
  held = false;
});
setInterval(watch, 50);
loop();
