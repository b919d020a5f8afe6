// The controller's AlertStore on PostgreSQL. All times are the database's.
import type pg from "pg";
import type { AlertStore, Lease } from "../../controller/ports.ts";
import { commitDecision } from "./commit-decision.ts";
import { commitStart } from "./commit-start.ts";
import type { DoubtfulDecisions } from "./doubtful-decisions.ts";
import { countBacklog } from "./queries/count-backlog.ts";
import { countUsage, takenOut } from "./queries/count-usage.ts";
import { dropDeadLetter } from "./queries/drop-dead-letter.ts";
import { holdFirings, letGoFirings, openFirings } from "./queries/hold-firings.ts";
import { keepHouse } from "./queries/keep-house.ts";
import { hasFiringOf, liveExecution } from "./queries/live-execution.ts";
import { openAlike } from "./queries/open-alike.ts";
import { readDeadLetter, readDeadLetters } from "./queries/read-dead-letters.ts";
import { readHistory } from "./queries/read-history.ts";
import { rejectedBefore } from "./queries/rejected-before.ts";
import { restingUntil } from "./queries/resting.ts";
import { takeDueFirings } from "./queries/take-due-firings.ts";
import { wakeUnmatched } from "./queries/wake-unmatched.ts";
import { readWatchdogs } from "./queries/watchdogs.ts";
import { receiver } from "./receive.ts";
import { resolveUnheard } from "./resolve-unheard.ts";
import { guarded, sqlOf } from "./sql.ts";

/** Every method throws Problem DATABASE_UNAVAILABLE and may be repeated then, `decide` with the same decision. */
export function alertStore(pool: pg.Pool, lease: Lease, doubtful: DoubtfulDecisions): AlertStore {
  const sql = sqlOf(pool);
  return {
    receive: receiver(pool),
    takeDue: (limit, claimSeconds) => guarded(() => takeDueFirings(sql, limit, claimSeconds)),
    backlog: (limit) => guarded(() => countBacklog(sql, limit)),
    decide: (firing, decision) =>
      doubtful.watch(decision, () => commitDecision(pool, lease.replicaId(), firing, decision)),
    start: (alertName, decision) => commitStart(pool, lease.replicaId(), alertName, decision, doubtful),
    usage: (keys, options) => guarded(() => countUsage(sql, keys, options)),
    takenOut: (keys, options) => guarded(() => takenOut(sql, keys, options)),
    liveExecution: (claimKey) => guarded(() => liveExecution(sql, claimKey)),
    hasFiringOf: (executionId, severities) => guarded(() => hasFiringOf(sql, executionId, severities)),
    openAlike: (alert, limit) => guarded(() => openAlike(sql, alert, limit)),
    history: (alertName, target) => guarded(() => readHistory(sql, alertName, target)),
    resting: (check) => guarded(() => restingUntil(sql, check)),
    rejectedBefore: (template, target) => guarded(() => rejectedBefore(sql, template, target)),
    wakeUnmatched: () => guarded(() => wakeUnmatched(sql)),
    keepHouse: (staleSeconds, retention) => guarded(() => keepHouse(sql, staleSeconds, retention)),
    deadLetters: (query) => guarded(() => readDeadLetters(sql, query)),
    deadLetter: (id) => guarded(() => readDeadLetter(sql, id)),
    openFirings: () => guarded(() => openFirings(sql)),
    resolveUnheard: (firings, heardBefore) => guarded(() => resolveUnheard(pool, firings, heardBefore)),
    hold: (firings) => guarded(() => holdFirings(sql, firings)),
    letGo: (firings) => guarded(() => letGoFirings(sql, firings)),
    watchdogs: () => guarded(() => readWatchdogs(sql)),
    dropDeadLetter: (id) => guarded(() => dropDeadLetter(sql, id)),
  };
}
