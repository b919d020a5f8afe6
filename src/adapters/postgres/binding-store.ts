// The controller's BindingStore on PostgreSQL.
import type pg from "pg";
import type { BindingStore } from "../../controller/binding-ports.ts";
import { knownBindings, sawBindings } from "./queries/role-bindings.ts";
import { guarded, sqlOf } from "./sql.ts";

export function bindingStore(pool: pg.Pool): BindingStore {
  const sql = sqlOf(pool);
  return {
    saw: (cluster, namespace, bindings) => guarded(() => sawBindings(sql, cluster, namespace, bindings)),
    known: (cluster, namespace, settledSeconds) =>
      guarded(() => knownBindings(sql, cluster, namespace, settledSeconds)),
  };
}
