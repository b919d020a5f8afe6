// Pauses of commands. Whoever changes one locks its scope first, then tells the firings that waited: a decision about one that
// is being made locks the pause that it names, so that no firing waits for a pause that is over.
import { isDeepStrictEqual } from "node:util";
import type { PausedCounts, Said } from "../../../controller/pause-ports.ts";
import type { ControlAct } from "../../../domain/audit/control.ts";
import type { Pause, PauseScope } from "../../../domain/facts/pause.ts";
import { escalationName } from "../../../domain/templates/escalation.ts";
import type { Sql } from "../sql.ts";
import { recordControls } from "./controls.ts";

interface Row extends Record<string, unknown> {
  readonly scope: PauseScope;
  readonly paused_by: string;
  readonly reason: string;
  readonly until: Date | null;
}

const columns = "scope, paused_by, reason, until";

export function scopeKey(scope: PauseScope): string {
  switch (scope.kind) {
    case "everything":
      return scope.cluster === null ? "everything" : `cluster/${scope.cluster}`;
    case "namespace":
      return `namespace/${scope.cluster ?? "*"}/${scope.namespace}`;
    case "execution":
      return `execution/${scope.execution}`;
    case "object":
      return `object/${scope.object}`;
  }
}

function pauseOf({ scope, paused_by, reason, until }: Row): Pause {
  return { scope, by: paused_by, reason, until: until?.toISOString() ?? null, source: "command" };
}

/** Without those of executions that have ended. */
export async function activePauses(sql: Sql): Promise<readonly Pause[]> {
  const rows = await sql.query<Row>(
    `select ${columns} from pauses p
     where ended_at is null and (until is null or until > now())
       and (execution_id is null or exists (select from executions e where e.id = p.execution_id and e.outcome is null))
     order by id`,
  );
  return rows.map(pauseOf);
}

/** Inside a transaction. */
export async function setPause(
  sql: Sql,
  scope: PauseScope,
  said: Said,
  seconds: number | null,
): Promise<Pause> {
  await endPause(sql, scope, said);
  const rows = await sql.query<Row>(
    `insert into pauses (scope_key, scope, cluster, namespace, execution_id, paused_by, reason, until)
     values ($1::text, $2::jsonb, $3::text, $4::text, $5::uuid, $6::text, $7::text,
       now() + $8::double precision * interval '1 second')
     returning ${columns}`,
    [
      scopeKey(scope),
      JSON.stringify(scope),
      "cluster" in scope ? scope.cluster : null,
      "namespace" in scope ? scope.namespace : null,
      "execution" in scope ? scope.execution : null,
      said.by,
      said.reason,
      seconds,
    ],
  );
  await wakePaused(sql);
  const pause = pauseOf(rows[0] as Row);
  const { until } = pause;
  await recordAct(sql, { act: "pause", scope, ...said, until });
  return pause;
}

/** Inside a transaction. */
export async function resume(sql: Sql, scope: PauseScope, said: Said): Promise<Pause | null> {
  const ended = await endPause(sql, scope, said);
  if (ended === null) return null;
  await wakePaused(sql);
  const { by, reason, until } = ended;
  await recordAct(sql, { act: "resume", scope, ...said, paused: { by, reason, until } });
  return ended;
}

/** What an execution was told stands in its own history. */
async function recordAct(sql: Sql, act: Extract<ControlAct, { scope: PauseScope }>): Promise<void> {
  if (act.scope.kind !== "execution") await recordControls(sql, [act]);
}

/** @returns what held; null: nothing did */
async function endPause(sql: Sql, scope: PauseScope, { by, reason }: Said): Promise<Pause | null> {
  await sql.query("select pg_advisory_xact_lock(hashtextextended('pause ' || $1::text, 0))", [
    scopeKey(scope),
  ]);
  const rows = await sql.query<Row & { held: boolean }>(
    `update pauses set ended_at = least(now(), until), ended_by = case when until <= now() then null else $2::text end,
       end_reason = case when until <= now() then null else $3::text end
     where scope_key = $1::text and ended_at is null
     returning ${columns}, (until is null or until > now()) as held`,
    [scopeKey(scope), by, reason],
  );
  const [ended] = rows;
  return ended === undefined || !ended.held ? null : pauseOf(ended);
}

/** A statement of its own: it sees what those have committed whom the one before has waited for. */
async function wakePaused(sql: Sql): Promise<void> {
  await sql.query(
    `with waiting as materialized (
       select id from alerts a
       where status = 'open' and (decide_at is null or decide_at > now())
         and 'paused' = (
           select kind from decisions d where d.alert_id = a.id and kind <> 'held' order by d.id desc limit 1
         )
       order by cluster, fingerprint for update
     )
     update alerts a set decide_at = now() from waiting w where a.id = w.id`,
  );
}

/** How somebody ended the last pause of the scope that is over. One whose time was over has no name: nobody ended it. */
export async function endOfPause(sql: Sql, scope: PauseScope): Promise<Said | null> {
  const rows = await sql.query<{ ended_by: string | null; end_reason: string | null }>(
    `select ended_by, end_reason from pauses
     where scope_key = $1::text and (ended_at is not null or until <= now()) order by id desc limit 1`,
    [scopeKey(scope)],
  );
  const { ended_by: by = null, end_reason: reason = null } = rows[0] ?? {};
  return by === null || reason === null ? null : { by, reason };
}

export async function pausedCounts(sql: Sql, scope: PauseScope): Promise<PausedCounts> {
  const rows = await sql.query<{ live: number; paused: number }>(
    `select count(*)::integer as live, count(*) filter (where said.type = 'Paused' and said.source <> 'annotation')::integer as paused
     from executions e left join lateral (
       select type, event ->> 'source' as source from events v where v.execution_id = e.id and type in ('Paused', 'Resumed') order by seq desc limit 1
     ) said on true
     where e.outcome is null and e.mode = 'live' and e.template <> $4::text
       and ($1::text is null or e.target_cluster = $1::text)
       and ($2::text is null or e.target_namespace = $2::text)
       and ($3::uuid is null or e.id = $3::uuid)`,
    [
      "cluster" in scope ? scope.cluster : null,
      "namespace" in scope ? scope.namespace : null,
      "execution" in scope ? scope.execution : null,
      escalationName,
    ],
  );
  return rows[0] ?? { live: 0, paused: 0 };
}

/**
 * A firing that waits for the end of a pause. One that is over already, or changed meanwhile, makes it due at once; an annotation
 * may be taken away before its time. Inside the deciding transaction.
 */
export async function waitForPause(
  sql: Sql,
  firing: string,
  { pause, revision }: { readonly pause: Pause; readonly revision: string },
): Promise<void> {
  const holds = pause.source !== "command" || (await stillHolds(sql, pause));
  await sql.query(
    `update alerts set token = token + 1, undecided_count = 0, unmatched_revision = $2::text,
       decide_at = case
         when not $3::boolean or exists (select from catalog where revision <> $2::text) then now() + interval '1 second'
         when $5::boolean then least($4::timestamptz, now() + interval '5 minutes')
         else $4::timestamptz end
     where id = $1::bigint`,
    [firing, revision, holds, pause.until, pause.source === "annotation"],
  );
}

/** Not so either when somebody else's took its place meanwhile: people are to read the reason that holds. Locks it. */
async function stillHolds(sql: Sql, pause: Pause): Promise<boolean> {
  const rows = await sql.query<Row>(
    `select ${columns} from pauses where scope_key = $1::text and ended_at is null for share`,
    [scopeKey(pause.scope)],
  );
  return rows.some((row) => isDeepStrictEqual(pauseOf(row), pause));
}
