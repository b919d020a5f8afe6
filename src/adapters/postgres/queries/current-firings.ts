// Open firings that no live execution is about, oldest first, each with the last decision about it.
import type { CurrentFiring } from "../../../controller/views.ts";
import { subjectOf } from "../../../domain/intake/subject-of.ts";
import type { Sql } from "../sql.ts";

interface Row {
  readonly id: string;
  readonly cluster: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly opened_at: Date;
  readonly decide_at: Date | null;
  readonly held_why: string | null;
  readonly kind: string | null;
  readonly reasons: readonly string[] | null;
  readonly execution_id: string | null;
  readonly template: string | null;
  readonly outcome: NonNullable<CurrentFiring["execution"]>["outcome"];
  readonly escalated: boolean | null;
  readonly reason: string | null;
}

export async function currentFirings(sql: Sql, limit: number): Promise<readonly CurrentFiring[]> {
  const rows = await sql.query<Row>(
    `select a.id, a.cluster, a.fingerprint, a.name, a.severity, a.labels, a.opened_at, a.decide_at,
       case when a.held_until is null or a.held_until > now() then a.held_why end as held_why, d.kind, d.reasons,
       e.id::text as execution_id, e.template, e.outcome, e.escalated, said.reason
     from alerts a
     left join executions e on e.id = a.execution_id
     left join lateral (
       select event ->> 'reason' as reason from events where execution_id = e.id and type = 'Ended'
     ) said on true
     left join lateral (
       select kind, reasons from decisions where alert_id = a.id and kind <> 'held' order by id desc limit 1
     ) d on true
     where a.status = 'open' and (e.id is null or e.outcome is not null)
     order by a.opened_at, a.id limit $1::integer`,
    [limit],
  );
  return rows.map(firing);
}

function firing(row: Row): CurrentFiring {
  const { id, cluster, fingerprint, name, severity, labels, reasons, execution_id, template, outcome } = row;
  return {
    id,
    cluster,
    fingerprint,
    name,
    severity,
    subject: subjectOf({ name, labels }),
    openedAt: row.opened_at.toISOString(),
    state: row.held_why === null ? stateOf(row.kind) : "held",
    reasons: row.held_why === null ? (reasons ?? []) : [row.held_why],
    decideAt: row.decide_at?.toISOString() ?? null,
    execution:
      execution_id === null || template === null
        ? null
        : {
            id: execution_id,
            template,
            outcome,
            reason: row.reason ?? "",
            escalated: row.escalated === true,
          },
  };
}

function stateOf(kind: string | null): CurrentFiring["state"] {
  if (
    kind === "no-match" ||
    kind === "undecided" ||
    kind === "paused" ||
    kind === "stopped" ||
    kind === "waiting"
  )
    return kind;
  if (kind === "superseding") return "undecided";
  return kind === null ? "due" : "ended";
}
