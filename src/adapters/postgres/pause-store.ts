// The controller's PauseStore on PostgreSQL.
import type pg from "pg";
import type { PauseStore } from "../../controller/pause-ports.ts";
import { activePauses, endOfPause, pausedCounts, resume, setPause } from "./queries/pauses.ts";
import { guarded, inTransaction, sqlOf } from "./sql.ts";

export function pauseStore(pool: pg.Pool): PauseStore {
  const sql = sqlOf(pool);
  return {
    active: () => guarded(() => activePauses(sql)),
    pause: (scope, said, seconds) =>
      guarded(() => inTransaction(pool, (transaction) => setPause(transaction, scope, said, seconds))),
    resume: (scope, said) =>
      guarded(() => inTransaction(pool, (transaction) => resume(transaction, scope, said))),
    endOf: (scope) => guarded(() => endOfPause(sql, scope)),
    counts: (scope) => guarded(() => pausedCounts(sql, scope)),
  };
}
