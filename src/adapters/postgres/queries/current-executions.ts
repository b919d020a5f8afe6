// What runs, what waits, and what needs a person (ended in the last day, or nobody was reached yet; seen by none), each with what its events say about the present.
import type { CurrentExecution } from "../../../controller/views.ts";
import type { Gate } from "../../../domain/gate/gate.ts";
import type { Sql } from "../sql.ts";
import { isSeen, isUntold } from "./escalations.ts";
import { columns, type ExecutionRow, summary } from "./list-executions.ts";

interface Row extends ExecutionRow {
  readonly severity: string | null;
  readonly gate: Gate | null;
  readonly expires_at: string | null;
  readonly step: string | null;
  readonly step_at: Date | null;
  readonly reason: string | null;
  readonly paused: (NonNullable<CurrentExecution["paused"]> & { readonly type: string }) | null;
}

export async function currentExecutions(sql: Sql, limit: number): Promise<readonly CurrentExecution[]> {
  const rows = await sql.query<Row>(
    `with chosen as (
       select * from executions where outcome is null
       union all
       select * from executions where outcome is not null and escalated and ended_at > now() - interval '1 day' and not ${isSeen}
       union
       select * from executions where outcome is not null and escalated and ${isUntold}
     ), page as (
       select *, ${isUntold} as untold from chosen order by escalated desc, untold desc, id desc limit $1::integer
     )
     select ${columns}, said.* from page left join lateral (
       select
         (array_agg(event #>> '{alert,severity}') filter (where type = 'ExecutionRequested'))[1] as severity,
         (array_agg(event -> 'gate' order by seq desc) filter (where type = 'GateDecided'))[1] as gate,
         (array_agg(event ->> 'expiresAt' order by seq desc) filter (where type = 'ApprovalRequested'))[1] as expires_at,
         (array_agg(event ->> 'step' order by seq desc) filter (where type = 'StepStarted'))[1] as step,
         max(at) filter (where type = 'StepStarted') as step_at,
         (array_agg(event ->> 'reason' order by seq desc) filter (where type = 'Ended'))[1] as reason,
         (array_agg(event order by seq desc) filter (where type in ('Paused', 'Resumed')))[1] as paused
       from events v
       where v.execution_id = page.id
         and type in ('ExecutionRequested', 'GateDecided', 'ApprovalRequested', 'StepStarted', 'Ended', 'Paused', 'Resumed')
     ) said on true
     order by escalated desc, untold desc, id desc`,
    [limit],
  );
  return rows.map((row) => ({
    ...summary(row),
    severity: row.severity ?? "",
    gate: row.phase === "awaiting_approval" ? row.gate : null,
    expiresAt: row.phase === "awaiting_approval" ? row.expires_at : null,
    step:
      row.step === null || row.step_at === null
        ? null
        : { name: row.step, startedAt: row.step_at.toISOString() },
    reason: row.reason,
    paused: pausedOf(row),
  }));
}

function pausedOf({ paused, phase }: Row): CurrentExecution["paused"] {
  if (paused?.type !== "Paused" || phase === "ended") return null;
  const { by, reason, until } = paused;
  return { by, reason, until };
}
