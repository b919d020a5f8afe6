// Appends of many executions in one statement. Each moves its execution's row on, fenced by (owner, epoch, version); only
// what moved gets its events. Rows that do not come back have lost. An append of no events only takes commands away: it has
// no version of its own.

import type { Append } from "../../../controller/ports.ts";
import { canonicalJson } from "../../../domain/json.ts";
import type { Sql } from "../sql.ts";

/** An append as it waits for its flush: `texts` are the RFC 8785 texts of its events. */
export interface FencedAppend extends Append {
  readonly owner: string;
  readonly texts: readonly string[];
}

export function fenced(append: Append, owner: string): FencedAppend {
  return { ...append, owner, texts: append.events.map((event) => canonicalJson(event)) };
}

const move = `
with input as (
  select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::boolean[], $9::text[],
      $10::double precision[], $11::text[], $12::double precision[])
    as i(id, owner, epoch, version, size, phase, outcome, escalated, milestone, assess_after, escalation, keep)
), moved as (
  update executions e
  set version = e.version + i.size, phase = i.phase, outcome = i.outcome, escalated = i.escalated, updated_at = now(),
    ended_at = case when i.outcome is not null then now() end
  from input i
  where e.id = i.id and e.owner = i.owner and e.epoch = i.epoch and e.outcome is null
    and (e.version = i.version or i.size = 0)
  returning e.id, e.version, e.outcome, e.cooldown_seconds, i.milestone, i.assess_after, i.escalation, i.keep
), written as (
  insert into events (execution_id, seq, at, type, version, event, text)
  select n.id, n.seq, n.at, n.type, n.version, n.text::jsonb -> 'event', n.text
  from unnest($13::uuid[], $14::integer[], $15::timestamptz[], $16::text[], $17::integer[], $18::text[])
    as n(id, seq, at, type, version, text)
  join moved using (id)
  returning execution_id, seq, type
)`;

// Firings are locked in the order in which receivers lock them. What was superseded leaves its target to the worse alert first.
const settle = `, ended as (
  select id, case outcome when 'superseded' then greatest(cooldown_seconds, 60) else cooldown_seconds end as cooldown_seconds
  from moved where outcome is not null
), recorded as (
  insert into audit_outbox (execution_id, milestone, seq)
  select id, milestone, version from moved where milestone is not null
  on conflict (execution_id, seq) do nothing
), to_assess as (
  insert into assessments (execution_id, due_at)
  select id, now() + assess_after * interval '1 second' from moved where outcome is not null and assess_after is not null
), to_follow as (
  insert into follow_ups (execution_id, keep_until)
  select id, now() + keep * interval '1 second' from moved where outcome is not null and keep is not null
), to_tell as (
  insert into escalations (execution_id, told_at)
  select id, case when escalation = 'told' then now() end from moved where outcome is not null and escalation is not null
  on conflict (execution_id) do nothing
), to_lift as (
  -- In a live stream only a break-glass asks for this milestone: the plan itself is inserted with the execution.
  insert into lifts (execution_id) select id from moved where milestone = 'planned' on conflict do nothing
), to_ask_next as (
  insert into next_asks (execution_id, seq) select execution_id, seq from written where type = 'ApproversAdded'
), answered as (
  delete from commands c using moved m
  where c.execution_id = m.id and (m.outcome is not null or c.id = any($19::bigint[]))
), freed as (
  delete from claims c using ended where c.execution_id = ended.id
), open_firings as materialized (
  select a.id, ended.cooldown_seconds from alerts a join ended on a.execution_id = ended.id
  where a.status = 'open' order by a.cluster, a.fingerprint for update of a
), woken as (
  update alerts a set decide_at = now() + f.cooldown_seconds * interval '1 second', undecided_count = 0
  from open_firings f where a.id = f.id
)`;

const answer = "\nselect id::text from moved";

/** @returns the ids of the executions that moved on. */
export async function appendEvents(sql: Sql, appends: readonly FencedAppend[]): Promise<ReadonlySet<string>> {
  const settles = appends.some(
    ({ projection, milestone, commands, events }) =>
      projection.outcome !== null ||
      milestone !== null ||
      commands.length > 0 ||
      events.some(({ event }) => event.type === "ApproversAdded"),
  );
  const values = [...executionColumns(appends), ...eventColumns(appends)];
  if (settles) values.push(appends.flatMap(({ commands }) => commands));
  const rows = await sql.query<{ id: string }>(settles ? move + settle + answer : move + answer, values);
  return new Set(rows.map(({ id }) => id));
}

function executionColumns(appends: readonly FencedAppend[]): unknown[] {
  return [
    appends.map(({ id }) => id),
    appends.map(({ owner }) => owner),
    appends.map(({ epoch }) => epoch),
    appends.map(({ events }) => (events[0]?.seq ?? 0) - 1),
    appends.map(({ events }) => events.length),
    appends.map(({ projection }) => projection.phase),
    appends.map(({ projection }) => projection.outcome),
    appends.map(({ projection }) => projection.escalated),
    appends.map(({ milestone }) => milestone),
    appends.map(({ assessAfterSeconds }) => assessAfterSeconds),
    appends.map(({ escalation }) => escalation),
    appends.map(({ keepSeconds }) => keepSeconds),
  ];
}

function eventColumns(appends: readonly FencedAppend[]): unknown[] {
  const rows = appends.flatMap(({ id, events }) => events.map((event) => ({ id, ...event })));
  return [
    rows.map(({ id }) => id),
    rows.map(({ seq }) => seq),
    rows.map(({ at }) => at),
    rows.map(({ event }) => event.type),
    rows.map(({ version }) => version),
    appends.flatMap(({ texts }) => texts),
  ];
}

/**
 * Which of these appends are stored already, word for word, by the owner who asks: the answer to an earlier try was lost.
 * @returns the ids of their executions.
 */
export async function storedAppends(
  sql: Sql,
  appends: readonly FencedAppend[],
): Promise<ReadonlySet<string>> {
  const [ids, seqs, , , , texts] = eventColumns(appends);
  const rows = await sql.query<{ id: string }>(
    `with input as (
       select * from unnest($1::uuid[], $2::text[], $3::integer[]) as i(id, owner, epoch)
     ), missing as (
       select distinct n.id from unnest($4::uuid[], $5::integer[], $6::text[]) as n(id, seq, text)
       where not exists (select from events v where v.execution_id = n.id and v.seq = n.seq and v.text = n.text)
     )
     select i.id::text from input i join executions e on e.id = i.id and e.owner = i.owner and e.epoch = i.epoch
     where i.id not in (select id from missing)`,
    [
      appends.map(({ id }) => id),
      appends.map(({ owner }) => owner),
      appends.map(({ epoch }) => epoch),
      ids,
      seqs,
      texts,
    ],
  );
  return new Set(rows.map(({ id }) => id));
}
