// How much is under way and was started, by what executions count in. Inside a deciding transaction the keys are locked first,
// so that two deciders never count the same place at once.
import { type Counts, neverRan } from "../../../domain/gate/limits.ts";
import type { TakenOut } from "../../../domain/gate/shares.ts";
import type { Sql } from "../sql.ts";

/** @param before only executions that were created before this one */
export async function countUsage(
  sql: Sql,
  keys: readonly string[],
  { perSeconds, before }: { readonly perSeconds: number; readonly before?: string },
): Promise<Counts> {
  const rows = await sql.query<{ key: string; running: number; starts: number }>(
    `select k.key,
       (select count(*) from executions e
        where e.outcome is null and e.counts_in @> array[k.key] and ($3::uuid is null or e.id < $3::uuid)
       )::integer as running,
       (select count(*) from executions e
        where e.counts_in <> '{}' and e.created_at > now() - $2::double precision * interval '1 second'
          and e.counts_in @> array[k.key] and ($3::uuid is null or e.id < $3::uuid)
          and coalesce(e.outcome, '') <> all($4::text[])
       )::integer as starts
     from unnest($1::text[]) as k(key)`,
    [keys, perSeconds, before ?? null, neverRan],
  );
  return new Map(rows.map(({ key, running, starts }) => [key, { running, starts }]));
}

/** @param keys of parts, whose members count in `<key>#<member>` */
export async function takenOut(
  sql: Sql,
  keys: readonly string[],
  { perSeconds, before }: { readonly perSeconds: number; readonly before?: string },
): Promise<TakenOut> {
  if (keys.length === 0) return new Map();
  const rows = await sql.query<{ key: string; members: string[] }>(
    `with counted as (
       select e.counts_in from executions e
       where e.outcome is null and e.counts_in && $1::text[] and ($3::uuid is null or e.id < $3::uuid)
       union all
       select e.counts_in from executions e
       where e.outcome <> all($4::text[]) and e.counts_in <> '{}' and e.counts_in && $1::text[]
         and e.created_at > now() - $2::double precision * interval '1 second' and ($3::uuid is null or e.id < $3::uuid)
     )
     select k.key, array_agg(distinct substr(m.name, length(k.key) + 2)) as members
     from counted c cross join unnest(c.counts_in) as m(name)
     join unnest($1::text[]) as k(key) on starts_with(m.name, k.key || '#')
     group by k.key`,
    [keys, perSeconds, before ?? null, neverRan],
  );
  return new Map(rows.map(({ key, members }) => [key, members]));
}

/** Until the transaction ends; in one order, so that nobody waits for whom they hold up. */
export async function lockKeys(sql: Sql, keys: readonly string[]): Promise<void> {
  for (const key of [...new Set(keys)].toSorted())
    await sql.query("select pg_advisory_xact_lock(hashtextextended('limit ' || $1::text, 0))", [key]);
}
