// The controller's BreakerStore on PostgreSQL.
import type pg from "pg";
import type { BreakerStore } from "../../controller/breaker-ports.ts";
import { holdingBreaker, listBreakers, resetBreaker, tripBreakers } from "./queries/breakers.ts";
import { guarded, inTransaction, sqlOf } from "./sql.ts";

export function breakerStore(pool: pg.Pool): BreakerStore {
  const sql = sqlOf(pool);
  return {
    trip: (rules) => guarded(() => inTransaction(pool, (transaction) => tripBreakers(transaction, rules))),
    holding: (question) => guarded(() => holdingBreaker(sql, question)),
    list: (query) => guarded(() => listBreakers(sql, query)),
    reset: (id, said) =>
      guarded(() => inTransaction(pool, (transaction) => resetBreaker(transaction, id, said))),
  };
}
