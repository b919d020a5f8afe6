-- Executions that people have to look at, until somebody was reached. Locks nothing: it is new; what ended before has no row and
-- is told to nobody.
-- Programs from 0011 on work with it.
create table escalations (
  execution_id uuid primary key,
  escalated_at timestamptz not null default now(),
  due_at timestamptz not null default now(),
  -- Counts who took it; a result of an older claim is stale.
  claim bigint not null default 0,
  attempts integer not null default 0,
  -- Why the last attempt failed.
  problem text,
  told_at timestamptz,
  channel text,
  seen_at timestamptz,
  seen_by text,
  seen_reason text
);
create index escalations_open on escalations (due_at) where told_at is null and seen_at is null;
