// The IntegrityStore on PostgreSQL. Whatever it writes, it first makes sure that no replica is at work: a replica holds in memory
// what would be changed under it.
import type { IntegrityStore } from "../../controller/check-integrity.ts";
import { Problem } from "../../domain/problem.ts";
import type { DatabaseConnection } from "./open-database.ts";
import { findLeftover, mendLeftover } from "./queries/leftovers.ts";
import { mendExecution } from "./queries/mend-execution.ts";
import { readStreams } from "./queries/read-streams.ts";
import { guarded, inTransaction, type Sql, sqlOf } from "./sql.ts";

export function integrityStore({ pool, kind }: Pick<DatabaseConnection, "pool" | "kind">): IntegrityStore {
  const alone = (work: (sql: Sql) => Promise<void>) =>
    guarded(() =>
      inTransaction(pool, async (sql) => {
        if (kind === "server") await assertNoReplica(sql);
        await work(sql);
      }),
    );
  return {
    page: (after, limit) => guarded(() => inTransaction(pool, (sql) => readStreams(sql, after, limit))),
    leftover: (leftover, limit) => guarded(() => findLeftover(sqlOf(pool), leftover, limit)),
    mend: (id, mend) => alone((sql) => mendExecution(sql, id, mend)),
    mendLeftover: (leftover) => alone((sql) => mendLeftover(sql, leftover)),
  };
}

/** Of the embedded database the folder's lock says the same. @throws Problem REPLICA_ALIVE */
export async function assertNoReplica(sql: Sql): Promise<void> {
  const rows = await sql.query<{ id: string; seconds: number }>(
    `select id, extract(epoch from expires_at - now())::double precision as seconds
     from replicas where expires_at > now() order by id`,
  );
  if (rows.length === 0) return;
  const who = rows.length === 1 ? "a replica is" : `${rows.length} replicas are`;
  throw new Problem("REPLICA_ALIVE", `${who} at work on this database: stop gitmend first, then repair`, {
    details: { replicas: rows.map(({ id }) => id) },
  });
}
