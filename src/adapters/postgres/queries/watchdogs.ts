// When each source has given its last sign of life.
import type { Watchdog } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

/** `sources` may name one twice. Inside the transaction that applied their deliveries, after it. */
export async function rememberWatchdogs(sql: Sql, sources: readonly string[]): Promise<void> {
  if (sources.length === 0) return;
  await sql.query(
    `insert into watchdogs (source) select distinct source from unnest($1::text[]) as s(source) order by source
     on conflict (source) do update set last_at = now()`,
    [sources],
  );
}

export async function readWatchdogs(sql: Sql): Promise<readonly Watchdog[]> {
  const rows = await sql.query<{ source: string; last_at: Date }>(
    "select source, last_at from watchdogs order by source",
  );
  return rows.map(({ source, last_at }) => ({ source, lastAt: last_at.toISOString() }));
}
