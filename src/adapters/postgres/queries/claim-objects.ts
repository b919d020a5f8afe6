// Claims of the other objects that a plan names: all or none.
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
  const others = await sql.query(
    "select 1 from claims where key = any($2::text[]) and execution_id <> $1::uuid limit 1",
    [id, keys],
  );
  if (others.length === 0) return true;
  await sql.query("delete from claims where execution_id = $1::uuid and key = any($2::text[])", [
    id,
    taken.map(({ key }) => key),
  ]);
  return false;
}
