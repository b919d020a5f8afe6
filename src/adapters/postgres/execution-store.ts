// The controller's ExecutionStore on PostgreSQL. Everything that an owner does names this replica's current id, so that
// work of a lost lease finds nothing.
import type pg from "pg";
import type { ExecutionStore, Lease } from "../../controller/ports.ts";
import { batchReader } from "./batch-reader.ts";
import { batchWriter } from "./batch-writer.ts";
import type { DoubtfulDecisions } from "./doubtful-decisions.ts";
import { makeMonths, retireMonth } from "./keep-months.ts";
import { claimAbandoned } from "./queries/claim-abandoned.ts";
import { claimObjects } from "./queries/claim-objects.ts";
import { findExecution, listExecutions } from "./queries/list-executions.ts";
import { readCommands } from "./queries/read-commands.ts";
import { readEvents } from "./queries/read-events.ts";
import { saveSnapshot } from "./queries/read-state.ts";
import { releaseExecutions } from "./queries/release-executions.ts";
import { saveEvidence } from "./queries/save-evidence.ts";
import { sendCommand } from "./queries/send-command.ts";
import { guarded, inTransaction, sqlOf } from "./sql.ts";

/** `writerPool` is for appends alone (embedded: the same pool). Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then. */
export function executionStore(
  pool: pg.Pool,
  writerPool: pg.Pool,
  lease: Lease,
  doubtful: DoubtfulDecisions,
): ExecutionStore {
  const sql = sqlOf(pool);
  const append = batchWriter(writerPool);
  return {
    append: (events) => append(events, lease.replicaId()),
    claimAbandoned: (limit) => guarded(() => claimAbandoned(sql, lease.replicaId(), limit, doubtful.ids())),
    events: async (id, after) => (isId(id) ? guarded(() => readEvents(sql, id, after)) : []),
    state: batchReader(sql),
    saveSnapshot: (id, state) => guarded(() => saveSnapshot(sql, id, state)),
    commands: () => guarded(() => readCommands(sql, lease.replicaId())),
    send: async (id, command) => isId(id) && guarded(() => sendCommand(sql, id, command)),
    claim: (id, keys) =>
      guarded(() =>
        inTransaction(pool, (transaction) => claimObjects(transaction, lease.replicaId(), id, keys)),
      ),
    list: (query) => guarded(() => listExecutions(sql, query)),
    find: (id) => guarded(() => findExecution(sql, id)),
    release: () => guarded(() => releaseExecutions(sql, lease.replicaId())),
    async keepMonths(retentionSeconds) {
      await makeMonths(pool);
      return retireMonth(pool, retentionSeconds);
    },
    saveEvidence: (evidence) => guarded(() => saveEvidence(sql, evidence)),
  };
}

/** What people type is asked for like any other id: there is no such execution. */
function isId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
