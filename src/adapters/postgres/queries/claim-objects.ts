// Claims of the objects that a plan changes: all or none.
// Every execution holds its own target from the start and may want another's: two could wait for each other for ever. So what an
// execution holds that has not begun yields to an older one, and it takes all of it together when its own turn comes.
import { Problem } from "../../../domain/problem.ts";
import type { Sql } from "../sql.ts";

/** Inside a transaction. @throws Problem EXECUTION_MOVED_ON when the execution has ended or is not this replica's. */
export async function claimObjects(
  sql: Sql,
  replica: string,
  id: string,
  keys: readonly string[],
): Promise<boolean> {
  const own = await sql.query(
    "select 1 from executions where id = $1::uuid and owner = $2::text and outcome is null for share",
    [id, replica],
  );
  if (own.length === 0) throw new Problem("EXECUTION_MOVED_ON", `execution ${id} is not this replica's`);
  const taken = await sql.query<{ key: string }>(
    `insert into claims (key, execution_id)
     select distinct key collate "C" as key, $1::uuid from unnest($2::text[]) as key order by key
     on conflict (key) do nothing returning key`,
    [id, keys],
  );
  if (await holdFirmly(sql, id, keys)) return true;
  await sql.query("delete from claims where execution_id = $1::uuid and key = any($2::text[])", [
    id,
    taken.map(({ key }) => key),
  ]);
  return false;
}

/**
 * What is counted are rows that are held, not rows of others that are not there: one that is freed in this moment is nobody's. Rows
 * that somebody is at are left out, so that nobody waits for anybody here. Ids are UUIDv7: the older is the smaller.
 */
async function holdFirmly(sql: Sql, id: string, keys: readonly string[]): Promise<boolean> {
  const held = await sql.query<{ key: string }>(
    `select c.key from claims c join executions e on e.id = c.execution_id
     where c.key = any($2::text[])
       and (c.execution_id = $1::uuid
         or (c.execution_id > $1::uuid and not c.firm and e.phase = 'waiting' and e.outcome is null))
     order by c.key for update of c skip locked`,
    [id, keys],
  );
  if (held.length < new Set(keys).size) return false;
  await sql.query("update claims set execution_id = $1::uuid, firm = true where key = any($2::text[])", [
    id,
    keys,
  ]);
  return true;
}
