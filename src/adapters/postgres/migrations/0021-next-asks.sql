-- Who is told that they may approve too, because nobody has decided in time: one row for each ApproversAdded. Locks nothing: it is new.
-- Programs from 0016 on work with it.
create table next_asks (
  execution_id uuid not null,
  -- Of the event.
  seq integer not null,
  asked_at timestamptz not null default now(),
  -- When they are told; moved on by whoever takes it. null: they were told, or it is decided.
  due_at timestamptz default now(),
  -- Raised by whoever takes it: what came of an older claim is stale.
  claim bigint not null default 0,
  -- So often it was tried, and why the last attempt failed.
  attempts integer not null default 0,
  problem text,
  primary key (execution_id, seq)
);

create index next_asks_due on next_asks (due_at) where due_at is not null;
