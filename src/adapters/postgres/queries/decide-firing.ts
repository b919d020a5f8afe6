// The parts of committing a decision; commit-decision.ts puts them into one transaction. Locks are taken in the order
// firing, claim, limits, incident, execution.
import type { FiringDecision } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

type Of<Kind extends FiringDecision["kind"]> = Extract<FiringDecision, { kind: Kind }>;

/** Locks the firing. false: it was resolved, or taken or decided by somebody else. */
export async function lockFiring(sql: Sql, id: string, token: number): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from alerts where id = $1::bigint and token = $2::bigint and status = 'open' for update`,
    [id, token],
  );
  return rows.length > 0;
}

/** With every decision: what was decided, why, at which revision. */
export async function recordDecision(sql: Sql, firing: string, decision: FiringDecision): Promise<void> {
  await sql.query(
    `insert into decisions (alert_id, kind, revision, reasons, execution_id)
     values ($1::bigint, $2::text, $3::text, $4::jsonb, $5::uuid)`,
    [
      firing,
      decision.kind,
      decision.revision,
      JSON.stringify(decision.reasons),
      "executionId" in decision ? decision.executionId : null,
    ],
  );
}

/** Waits for another revision. Decided under one that is no longer current: due again soon. */
export async function noMatch(sql: Sql, firing: string, { revision }: Of<"no-match">): Promise<void> {
  await sql.query(
    `update alerts set token = token + 1, undecided_count = 0, unmatched_revision = $2::text,
       decide_at = (select now() + interval '2 seconds' from catalog where revision <> $2::text)
     where id = $1::bigint`,
    [firing, revision],
  );
}

export async function undecided(
  sql: Sql,
  firing: string,
  { retrySeconds }: Of<"undecided" | "superseding" | "stopped">,
): Promise<void> {
  await sql.query(
    `update alerts set token = token + 1, undecided_count = undecided_count + 1, unmatched_revision = null,
       decide_at = now() + $2::double precision * interval '1 second'
     where id = $1::bigint`,
    [firing, retrySeconds],
  );
}

/** Its owner ends it if it still waits for people then. Asked once. */
export async function askToGiveWay(sql: Sql, { executionId, reasons }: Of<"superseding">): Promise<void> {
  await sql.query(
    `insert into commands (execution_id, command)
     select id, jsonb_build_object('type', 'supersede', 'reason', $2::text) from executions e
     where id = $1::uuid and outcome is null
       and not exists (select from commands c where c.execution_id = e.id and c.command ->> 'type' = 'supersede')`,
    [executionId, reasons.join("; ")],
  );
}

/** It ends by itself, so nothing was tried in vain. */
export async function wait(sql: Sql, firing: string, { retrySeconds }: Of<"waiting">): Promise<void> {
  await sql.query(
    `update alerts set token = token + 1, unmatched_revision = null,
       decide_at = now() + $2::double precision * interval '1 second'
     where id = $1::bigint`,
    [firing, retrySeconds],
  );
}

/** The firing belongs to the live execution from now on, which is told. false: it has ended meanwhile; due again at once. */
export async function joinExecution(
  sql: Sql,
  firing: string,
  { executionId }: Of<"joined">,
): Promise<boolean> {
  const live = await sql.query<{ incident_id: string }>(
    "select incident_id from executions where id = $1::uuid and outcome is null for share",
    [executionId],
  );
  const incident = live[0]?.incident_id;
  await sql.query(
    `update alerts set token = token + 1, undecided_count = 0, unmatched_revision = null,
       execution_id = coalesce($2::uuid, execution_id), incident_id = coalesce($3::text, incident_id),
       decide_at = case when $2::uuid is null then now() end
     where id = $1::bigint`,
    [firing, incident === undefined ? null : executionId, incident],
  );
  if (incident === undefined) return false;
  await sql.query(
    `insert into commands (execution_id, command)
     select $2::uuid, jsonb_build_object('type', 'alert-joined', 'alert', jsonb_build_object(
       'cluster', cluster, 'fingerprint', fingerprint, 'status', 'firing', 'name', name, 'severity', severity,
       'labels', labels, 'annotations', annotations, 'endsAt', null, 'source', source, 'sanitised', sanitised,
       'startsAt', to_char(starts_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
     from alerts where id = $1::bigint`,
    [firing, executionId],
  );
  return true;
}

/** @returns null when the claim was had, else the execution that holds it. */
export async function takeClaim(sql: Sql, key: string, executionId: string): Promise<string | null> {
  const taken = await sql.query(
    `insert into claims (key, execution_id) values ($1::text, $2::uuid) on conflict (key) do nothing returning 1`,
    [key, executionId],
  );
  if (taken.length > 0) return null;
  const holders = await sql.query<{ id: string }>(
    "select execution_id::text as id from claims where key = $1::text",
    [key],
  );
  return holders[0]?.id ?? takeClaim(sql, key, executionId); // freed between the two statements
}

/** Of the transaction that took it. */
export async function releaseClaim(sql: Sql, key: string, executionId: string): Promise<void> {
  await sql.query("delete from claims where key = $1::text and execution_id = $2::uuid", [key, executionId]);
}

/** The open incident of this key, opened (or, closed a moment ago, opened again) with the given id if there is none. */
export async function openIncident(sql: Sql, key: string, id: string): Promise<string> {
  const rows = await sql.query<{ id: string }>(
    `with reopened as (
       update incidents set closed_at = null
       where id = $1::text and closed_at is not null
         and not exists (select from incidents o where o.key = $2::text and o.closed_at is null)
       returning id
     ), opened as (
       insert into incidents (id, key) select $1::text, $2::text where not exists (select from reopened)
       on conflict (key) where closed_at is null do update set key = excluded.key returning id
     )
     select id from opened union all select id from reopened`,
    [id, key],
  );
  return rows[0]?.id ?? id;
}

/** The firing waits for its execution; one that has ended already lets it wait for the cool-down. */
export async function giveToExecution(
  sql: Sql,
  firing: string,
  decision: Of<"execution">,
  incident: string,
): Promise<void> {
  await sql.query(
    `update alerts set token = token + 1, undecided_count = 0, unmatched_revision = null, execution_id = $2::uuid,
       incident_id = $3::text, decide_at = now() + $4::double precision * interval '1 second'
     where id = $1::bigint`,
    [
      firing,
      decision.executionId,
      incident,
      decision.projection.outcome === null ? null : decision.cooldownSeconds,
    ],
  );
}
