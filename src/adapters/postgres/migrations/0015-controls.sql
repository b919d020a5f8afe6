-- Acts of control (pauses, resumes, breakers) on their way to the audit repository. Locks nothing: it is new.
-- Programs from 0014 on work with it.
create table controls (
  -- Published in this order; acts on one scope take it one after the other.
  seq bigint generated always as identity primary key,
  -- What the commit is found by. Not the number: another database over the same repository would begin with 1 again.
  id uuid not null unique default gen_random_uuid(),
  at timestamptz not null default clock_timestamp(),
  -- See ControlAct.
  act jsonb not null,
  published_at timestamptz,
  commit text
);
create index controls_unpublished on controls (seq) where published_at is null;
