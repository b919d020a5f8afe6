// Takes executions over whose owner has no lease any more, which were given back, or
// whose decision this replica committed without getting the answer (`doubtful`): nobody drives those. What holds an event that
// only another version of gitmend can read is left to that one.
import type { OwnedExecution } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";
import { isReadable, knownEventsText } from "./is-readable.ts";

/** Nothing for a replica whose own lease has ended. Skips what another replica is taking. */
export async function claimAbandoned(
  sql: Sql,
  replica: string,
  limit: number,
  doubtful: readonly string[],
): Promise<readonly OwnedExecution[]> {
  return sql.query<{ id: string; epoch: number }>(
    `with abandoned as materialized (
       select id from executions e
       where outcome is null
         and (owner is null or owner = any(array(select id from replicas where expires_at <= now()))
           or (id = any($3::uuid[]) and owner = $1::text and epoch = 1))
         and exists (select from replicas where id = $1::text and expires_at > now())
         and ${isReadable("e.id", "$4")}
       limit $2::integer for update skip locked
     )
     update executions e set owner = $1::text, epoch = e.epoch + 1, updated_at = now()
     from abandoned a where e.id = a.id
     returning e.id::text, e.epoch`,
    [replica, limit, doubtful, knownEventsText()],
  );
}
