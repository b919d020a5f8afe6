// Opens the state of record: a PostgreSQL server by URL, or the embedded one in a data folder. One code path serves both;
// only the lease differs.
import type pg from "pg";
import type { BindingStore } from "../../controller/binding-ports.ts";
import type { BreakerStore } from "../../controller/breaker-ports.ts";
import type { Asks, Escalations, Lifts, NextAsks } from "../../controller/escalation-ports.ts";
import type { EventLog } from "../../controller/event-log.ts";
import type { FollowUpStore } from "../../controller/follow-up-ports.ts";
import type { GuardStore } from "../../controller/guard-ports.ts";
import type { HoldStore } from "../../controller/hold-ports.ts";
import type { PauseStore } from "../../controller/pause-ports.ts";
import type {
  AlertStore,
  Assessments,
  CatalogState,
  Clock,
  ExecutionStore,
  Lease,
  Log,
  Outbox,
} from "../../controller/ports.ts";
import type { Views } from "../../controller/views.ts";
import { alertStore } from "./alert-store.ts";
import { assessments } from "./assessments.ts";
import { bindingStore } from "./binding-store.ts";
import { breakerStore } from "./breaker-store.ts";
import { openPool, probe, type Where } from "./connect.ts";
import { doubtfulDecisions } from "./doubtful-decisions.ts";
import { type Embedded, startEmbedded } from "./embedded/start-embedded.ts";
import { askStore, escalationStore, liftStore, nextAskStore } from "./escalation-store.ts";
import { eventLog } from "./event-log.ts";
import { executionStore } from "./execution-store.ts";
import { followUpStore } from "./follow-up-store.ts";
import { guardStore } from "./guard-store.ts";
import { holdStore } from "./hold-store.ts";
import { makeMonths } from "./keep-months.ts";
import { holdEmbeddedLease, holdLease } from "./lease.ts";
import { type Migration, migrate } from "./migrate.ts";
import { catalogState, outbox } from "./outbox.ts";
import { pauseStore } from "./pause-store.ts";
import { databaseProblem } from "./sql.ts";
import { views } from "./views.ts";

export type DatabaseAddress =
  | { readonly url: string; readonly log?: Log }
  /** Made if it is not there; belongs to one controller at a time. */
  | { readonly dataDir: string; readonly log?: Log };

/** A connection without a lease: for `migrate`, `doctor` and the like. */
export interface DatabaseConnection {
  readonly kind: "server" | "embedded";
  readonly pool: pg.Pool;
  /** Asks the database, for at most a second. @throws Problem DATABASE_UNAVAILABLE */
  ready(): Promise<void>;
  /** @returns what was, or with `dryRun` would be, applied. @throws Problem DATABASE_TOO_NEW */
  migrate(options?: { readonly dryRun?: boolean }): Promise<readonly Migration[]>;
  close(): Promise<void>;
}

export interface Database extends DatabaseConnection {
  readonly alerts: AlertStore;
  readonly executions: ExecutionStore;
  readonly assessments: Assessments;
  readonly followUps: FollowUpStore;
  readonly catalog: CatalogState;
  readonly guards: GuardStore;
  readonly outbox: Outbox;
  readonly pauses: PauseStore;
  readonly breakers: BreakerStore;
  readonly bindings: BindingStore;
  readonly escalations: Escalations;
  readonly asks: Asks;
  readonly nextAsks: NextAsks;
  readonly lifts: Lifts;
  readonly holds: HoldStore;
  readonly views: Views;
  readonly eventLog: EventLog;
  readonly lease: Lease;
  readonly clock: Clock;
  /** Ends the lease and closes everything. Executions that were not released are claimed by others at once. */
  close(): Promise<void>;
}

const connections = 10;
const readyTimeoutMs = 1_000;

/** @throws Problem DATA_FOLDER_IN_USE; a server is not asked yet. */
export async function connectDatabase(address: DatabaseAddress): Promise<DatabaseConnection> {
  if ("url" in address) return connection("server", { url: address.url }, null);
  const embedded = await startEmbedded(address.dataDir, address.log);
  return connection("embedded", { socketFolder: embedded.socketFolder }, embedded);
}

function connection(
  kind: DatabaseConnection["kind"],
  where: Where,
  embedded: Embedded | null,
): DatabaseConnection {
  const pool = openPool(where, connections);
  return {
    kind,
    pool,
    ready: () =>
      probe(pool, readyTimeoutMs).catch((error: unknown) => {
        throw databaseProblem(error);
      }),
    async migrate(options) {
      const applied = await migrate(pool, options);
      if (options?.dryRun !== true) await makeMonths(pool);
      return applied;
    },
    async close() {
      await pool.end();
      await embedded?.stop();
    },
  };
}

/**
 * Connects, migrates and takes a lease.
 * @throws Problem DATABASE_UNAVAILABLE, DATABASE_TOO_NEW, DATA_FOLDER_IN_USE (details: pid)
 */
export async function openDatabase(address: DatabaseAddress): Promise<Database> {
  const base = await connectDatabase(address);
  const opened: (() => Promise<void>)[] = [() => base.close()];
  try {
    await base.migrate();
    const held = "url" in address ? await holdLease(address.url) : await holdEmbeddedLease(base.pool);
    opened.unshift(() => held.end());
    const writerPool = "url" in address ? openPool(address, 1) : base.pool;
    if (writerPool !== base.pool) opened.unshift(() => writerPool.end());
    const doubtful = doubtfulDecisions();
    return {
      ...base,
      alerts: alertStore(base.pool, held.lease, doubtful),
      executions: executionStore(base.pool, writerPool, held.lease, doubtful),
      assessments: assessments(base.pool),
      followUps: followUpStore(base.pool, held.lease, doubtful),
      catalog: catalogState(base.pool),
      guards: guardStore(base.pool),
      outbox: outbox(base.pool, held.lease),
      pauses: pauseStore(base.pool),
      breakers: breakerStore(base.pool),
      bindings: bindingStore(base.pool),
      escalations: escalationStore(base.pool),
      asks: askStore(base.pool),
      nextAsks: nextAskStore(base.pool),
      lifts: liftStore(base.pool),
      holds: holdStore(base.pool),
      views: views(base.pool),
      eventLog: eventLog(base.pool),
      lease: held.lease,
      clock: held.clock,
      close: () => closeAll(opened),
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function closeAll(steps: readonly (() => Promise<void>)[]): Promise<void> {
  for (const step of steps) await step();
}
