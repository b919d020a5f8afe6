// The cool-down of one alert name and target, counted in the database. Inside a deciding transaction its key is locked first, so
// that of two replicas that decide at once one counts the other.
import type { RestCheck, Resting } from "../../../controller/refused.ts";
import { neverRan } from "../../../domain/gate/limits.ts";
import { manualAlert } from "../../../domain/intake/manual-alert.ts";
import { escalationName } from "../../../domain/templates/escalation.ts";
import type { Sql } from "../sql.ts";

export async function lockRest(sql: Sql, { target }: RestCheck): Promise<void> {
  await sql.query("select pg_advisory_xact_lock(hashtextextended('rest ' || $1::text, 0))", [target]);
}

/**
 * Remedies and messages to people rest apart: what did not help must be told at once, and what was told long ago may be tried
 * again. An alert waits for what was decided for its own name, and for its template that a person has started; a person for the
 * same template, whoever it ran for.
 */
export async function restingUntil(
  sql: Sql,
  { target, alertName, template, cooldownSeconds, except }: RestCheck,
): Promise<Resting | null> {
  const rows = await sql.query<{ template: string; outcome: string | null; until: Date; seconds: number }>(
    `select e.template, e.outcome, e.created_at + $4::double precision * interval '1 second' as until,
       extract(epoch from e.created_at + $4::double precision * interval '1 second' - now())::double precision as seconds
     from executions e
     where e.target_key = $1::text and e.follows is null and e.created_at > now() - $4::double precision * interval '1 second'
       and (e.template = $5::text) = ($3::text = $5::text)
       and ($6::uuid is null or e.id <> $6::uuid)
       and (e.alert_name = $2::text or (e.template = $3::text and ($2::text is null or e.alert_name = $7::text)
         and coalesce(e.outcome, '') <> all($8::text[])))
     order by e.created_at desc limit 1`,
    [target, alertName, template, cooldownSeconds, escalationName, except, manualAlert, neverRan],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const ended = row.outcome ?? "not yet";
  const reason = `cool-down until ${row.until.toISOString()}: ${row.template} ended ${ended}`;
  return { result: "resting", reason, seconds: row.seconds };
}
