// The controller's FollowUpStore on PostgreSQL. All times are the database's. A commit whose answer was lost is remembered: if the
// execution is there, it is driven.
import type pg from "pg";
import type { FollowUpStore } from "../../controller/follow-up-ports.ts";
import type { Lease } from "../../controller/ports.ts";
import { admitExecution } from "./admit-execution.ts";
import type { DoubtfulDecisions } from "./doubtful-decisions.ts";
import { endFollowUp, lockFollowUp, putOffFollowUp, takeDueFollowUps } from "./queries/follow-ups.ts";
import { guarded, inTransaction, type Sql, sqlOf } from "./sql.ts";

type Started = Awaited<ReturnType<FollowUpStore["start"]>>;

export function followUpStore(pool: pg.Pool, lease: Lease, doubtful: DoubtfulDecisions): FollowUpStore {
  const sql = sqlOf(pool);
  return {
    takeDue: (limit, claimSeconds) => guarded(() => takeDueFollowUps(sql, limit, claimSeconds)),
    putOff: (due, problem, seconds) => guarded(() => putOffFollowUp(sql, due, problem, seconds)),
    async start(...asked) {
      let answer: Started = { result: "stale" };
      await doubtful.watch(asked[2], async () => {
        answer = await guarded(() => inTransaction(pool, (own) => start(own, lease.replicaId(), ...asked)));
        return { result: "committed" };
      });
      return answer;
    },
  };
}

async function start(
  sql: Sql,
  replica: string,
  ...[due, alertName, decision]: Parameters<FollowUpStore["start"]>
): Promise<Started> {
  if (!(await lockFollowUp(sql, due))) return { result: "stale" };
  const admission = await admitExecution(sql, replica, alertName, decision);
  if (admission.result !== "admitted") return admission;
  await endFollowUp(sql, due);
  return { result: "committed" };
}
