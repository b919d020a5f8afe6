// The catalog changed: firings without a match are decided anew.
import type { Sql } from "../sql.ts";

export async function wakeUnmatched(sql: Sql): Promise<void> {
  await sql.query(
    `with unmatched as materialized (
       select id from alerts where status = 'open' and unmatched_revision is not null
       order by cluster, fingerprint for update
     )
     update alerts a set decide_at = now(), unmatched_revision = null from unmatched u where a.id = u.id`,
  );
}
