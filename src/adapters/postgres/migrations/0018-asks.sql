-- Which people were told that an execution waits for them, how often, and when they are told again. Locks nothing: it is new.
-- Programs from 0016 on work with it.
create table asks (
  execution_id uuid primary key,
  -- When they are told, or told again; moved on by whoever takes it. null: they are not told again.
  due_at timestamptz,
  -- Raised by whoever takes it: what came of an older claim is stale.
  claim bigint not null,
  -- How often they were told.
  told integer not null default 0,
  -- Since they were told the last time, and why the last of these failed.
  attempts integer not null default 0,
  problem text
);
