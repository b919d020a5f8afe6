-- What ended executions have left in place until their incident is over, and which executions take it back. Locks executions for a
-- moment; nothing is rewritten.
-- Programs from 0013 on work with it.
create table follow_ups (
  execution_id uuid primary key,
  -- Later than that nothing is taken back: people are told.
  keep_until timestamptz not null,
  -- When somebody looks; moved on by whoever takes it. null: it was begun, or people were told.
  due_at timestamptz default now(),
  -- Raised by whoever takes it: a start under an older claim is stale.
  claim bigint not null default 0,
  -- Why it could not begin, the last time.
  problem text
);
create index follow_ups_due on follow_ups (due_at) where due_at is not null;

-- The execution that it takes back: no attempt of its own.
alter table executions add column follows uuid;
