// Whether a firing opens and resolves again and again, by what is stored of its past.
import type { Flapping } from "../../../controller/hold-ports.ts";
import type { Alert } from "../../../domain/facts/alert.ts";
import type { Sql } from "../sql.ts";

// Each half is one look into the index of its status: asked as one condition, all firings of the past would be walked.
const opened = `
  select opened_at from alerts
  where cluster = $1::text and fingerprint = $2::text and status <> 'resolved'
    and opened_at > now() - $4::double precision * interval '1 second'
  union all
  select opened_at from alerts
  where cluster = $1::text and fingerprint = $2::text and status = 'resolved'
    and ends_at > now() - $4::double precision * interval '1 second' and resolved_at > opened_at
    and opened_at > now() - $4::double precision * interval '1 second'`;

/** The episode goes on while it is asked about: what was told of it is not told again. */
export async function flapping(
  sql: Sql,
  { cluster, fingerprint }: Pick<Alert, "cluster" | "fingerprint">,
  { openings, windowSeconds, notice }: Flapping["asked"],
): Promise<Flapping | null> {
  const rows = await sql.query<{ count: number; seconds: number; told: boolean }>(
    `with opened as (${opened}), many as (
       select count(*)::integer as count,
         (select opened_at from opened order by opened_at desc offset $3::integer - 1 limit 1) as nth
       from opened
     ), told as (
       update notices n set told_at = now() from many
       where n.key = $5::text and many.nth is not null and n.told_at > now() - $4::double precision * interval '1 second'
       returning 1
     )
     select count, extract(epoch from nth + $4::double precision * interval '1 second' - now())::double precision as seconds,
       exists (select from told) as told
     from many where nth is not null`,
    [cluster, fingerprint, openings, windowSeconds, notice],
  );
  const [row] = rows;
  return row === undefined ? null : { ...row, asked: { openings, windowSeconds, notice } };
}
