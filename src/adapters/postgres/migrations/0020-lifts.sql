-- Which channels were told that the approvals of an execution were lifted (break-glass). Locks nothing: it is new.
-- Programs from 0016 on work with it.
create table lifts (
  execution_id uuid primary key,
  lifted_at timestamptz not null default now(),
  -- When the channels that are left are told; moved on by whoever takes it. null: all were told.
  due_at timestamptz default now(),
  -- Raised by whoever takes it: what came of an older claim is stale.
  claim bigint not null default 0,
  told text[] not null default '{}',
  -- So often it was tried, and why the last attempt failed.
  attempts integer not null default 0,
  problem text
);
