// The controller's Escalations and Asks on PostgreSQL. All times are the database's.
import type pg from "pg";
import type { Asks, Escalations, Lifts, NextAsks } from "../../controller/escalation-ports.ts";
import { askTold, putOffAsk, takeDueAsks } from "./queries/asks.ts";
import {
  acknowledgeEscalation,
  escalationTold,
  putOffEscalation,
  takeDueEscalations,
} from "./queries/escalations.ts";
import { liftTold, putOffLift, takeDueLifts } from "./queries/lifts.ts";
import { nextAskTold, putOffNextAsk, takeDueNextAsks } from "./queries/next-asks.ts";
import { guarded, sqlOf } from "./sql.ts";

export function escalationStore(pool: pg.Pool): Escalations {
  const sql = sqlOf(pool);
  return {
    takeDue: (limit, claimSeconds) => guarded(() => takeDueEscalations(sql, limit, claimSeconds)),
    told: (due, channel) => guarded(() => escalationTold(sql, due, channel)),
    putOff: (due, problem, seconds) => guarded(() => putOffEscalation(sql, due, problem, seconds)),
    acknowledge: (id, said) => guarded(() => acknowledgeEscalation(sql, id, said)),
  };
}

export function askStore(pool: pg.Pool): Asks {
  const sql = sqlOf(pool);
  return {
    takeDue: (limit, claimSeconds) => guarded(() => takeDueAsks(sql, limit, claimSeconds)),
    told: (due, againSeconds) => guarded(() => askTold(sql, due, againSeconds)),
    putOff: (due, problem, seconds) => guarded(() => putOffAsk(sql, due, problem, seconds)),
  };
}

export function liftStore(pool: pg.Pool): Lifts {
  const sql = sqlOf(pool);
  return {
    takeDue: (limit, claimSeconds) => guarded(() => takeDueLifts(sql, limit, claimSeconds)),
    told: (due, channel) => guarded(() => liftTold(sql, due, channel)),
    putOff: (due, problem, seconds) => guarded(() => putOffLift(sql, due, problem, seconds)),
  };
}

export function nextAskStore(pool: pg.Pool): NextAsks {
  const sql = sqlOf(pool);
  return {
    takeDue: (limit, claimSeconds) => guarded(() => takeDueNextAsks(sql, limit, claimSeconds)),
    told: (due) => guarded(() => nextAskTold(sql, due)),
    putOff: (due, problem, seconds) => guarded(() => putOffNextAsk(sql, due, problem, seconds)),
  };
}
