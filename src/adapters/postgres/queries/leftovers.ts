// Rows that belong to nothing: what each kind is, and the statement that mends it. What retention has let go belongs to nothing on
// purpose.
import type { Leftover } from "../../../controller/check-integrity.ts";
import type { Sql } from "../sql.ts";

interface Statements {
  /** Rows of one column `example`. */
  readonly find: string;
  readonly mend: string;
}

const live = (id: string) => `exists (select from executions e where e.id = ${id} and e.outcome is null)`;
const emptyIncident = `closed_at is null and opened_at < now() - interval '15 minutes'
  and not exists (select from executions e where e.incident_id = i.id and e.outcome is null)
  and not exists (select from alerts a where a.incident_id = i.id
    and (a.status = 'open' or a.resolved_at > now() - interval '15 minutes'))`;
const lostFiring = `status = 'open' and execution_id is not null
  and not exists (select from executions e where e.id = a.execution_id)`;
const lostIncident = `e.incident_id <> '' and not exists (select from incidents i where i.id = e.incident_id)`;

const statements: Readonly<Record<Leftover, Statements>> = {
  "claims-left": {
    find: `select key || ' by ' || execution_id as example from claims c where not ${live("c.execution_id")}`,
    mend: `delete from claims c where not ${live("c.execution_id")}`,
  },
  "commands-left": {
    find: `select (command ->> 'type') || ' for ' || execution_id as example from commands c where not ${live("c.execution_id")}`,
    mend: `delete from commands c where not ${live("c.execution_id")}`,
  },
  "incident-missing": {
    find: `select distinct incident_id as example from executions e where ${lostIncident}`,
    mend: `insert into incidents (id, key, opened_at, closed_at)
      select e.incident_id, coalesce(min(e.target_key), min(e.alert_name)), min(e.created_at), now()
      from executions e where ${lostIncident} group by e.incident_id`,
  },
  "incident-empty": {
    find: `select id || ': ' || key as example from incidents i where ${emptyIncident}`,
    mend: `update incidents i set closed_at = now() where ${emptyIncident}`,
  },
  "firing-nowhere": {
    find: `select name || ' in ' || cluster || ' waits for ' || execution_id as example from alerts a where ${lostFiring}`,
    mend: `update alerts a set execution_id = null, decide_at = now(), token = token + 1, undecided_count = 0
      where ${lostFiring}`,
  },
};

export async function findLeftover(sql: Sql, kind: Leftover, limit: number) {
  const rows = await sql.query<{ example: string; count: number }>(
    `select example, (count(*) over ())::integer as count from (${statements[kind].find}) found
     order by example limit $1::integer`,
    [limit],
  );
  return { count: rows[0]?.count ?? 0, examples: rows.map(({ example }) => example) };
}

export async function mendLeftover(sql: Sql, kind: Leftover): Promise<void> {
  await sql.query(statements[kind].mend);
}
