// When each source has given its last sign of life.
import type { Watchdog } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

/**
 * `sources` may name one twice. Inside the transaction that applied their deliveries, after it. Peers send it seconds apart: that is
 * one sign of life, and no shorter interval.
 */
export async function rememberWatchdogs(sql: Sql, sources: readonly string[]): Promise<void> {
  if (sources.length === 0) return;
  await sql.query(
    `insert into watchdogs (source) select distinct source from unnest($1::text[]) as s(source) order by source
     on conflict (source) do update
     set last_at = now(), gap_seconds = case when now() - watchdogs.last_at < interval '1 minute'
       then watchdogs.gap_seconds else extract(epoch from now() - watchdogs.last_at) end`,
    [sources],
  );
}

export async function readWatchdogs(sql: Sql): Promise<readonly Watchdog[]> {
  const rows = await sql.query<{ source: string; last_at: Date; gap_seconds: number }>(
    "select source, last_at, gap_seconds from watchdogs order by source",
  );
  return rows.map(({ source, last_at, gap_seconds }) => ({
    source,
    lastAt: last_at.toISOString(),
    gapSeconds: gap_seconds,
  }));
}
