// The controller's GuardStore on PostgreSQL.
import type pg from "pg";
import type { GuardStore } from "../../controller/guard-ports.ts";
import { approveCatalog, approvedCatalog, holdLoosening, isSpent } from "./queries/approved-guards.ts";
import { guarded, inTransaction, sqlOf } from "./sql.ts";

export function guardStore(pool: pg.Pool): GuardStore {
  const sql = sqlOf(pool);
  return {
    approved: () => guarded(() => approvedCatalog(sql)),
    approve: (expected, next, loosened) =>
      guarded(() =>
        inTransaction(pool, (transaction) => approveCatalog(transaction, expected, next, loosened)),
      ),
    hold: (loosening) =>
      guarded(() => inTransaction(pool, (transaction) => holdLoosening(transaction, loosening))),
    isSpent: (revision) => guarded(() => isSpent(sql, revision)),
  };
}
