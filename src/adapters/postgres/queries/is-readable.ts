// Two versions of gitmend may run on one database: each takes only executions whose events it can read, and leaves the others.
import { knownEvents } from "../../../domain/execution/event-versions.ts";

/**
 * Condition: every event of the execution can be read here. An aggregate in a subquery, so that it is asked of each candidate alone
 * and never becomes a join with all events.
 * @param id the column that names the execution @param known the parameter that is knownEventsText()
 */
export function isReadable(id: string, known: string): string {
  return `(select bool_and(v.version <= coalesce((${known}::jsonb ->> v.type)::integer, 0))
    from events v where v.execution_id = ${id}) is not false`;
}

export function knownEventsText(): string {
  return JSON.stringify(knownEvents());
}
