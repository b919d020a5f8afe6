-- Breakers, and what people were told once. Locks executions and assessments against writes while their indexes are built: seconds
-- for a million rows.

-- A remedy that does not help, stopped until a person resets it. A row stays when it was reset.
create table breakers (
  id bigint generated always as identity primary key,
  -- `target/<template>/<alert name>/<target>`, `template/<template>/<cluster>`, `global`: one at a time is open.
  scope_key text not null,
  scope text not null check (scope in ('target', 'template', 'global')),
  template text,
  alert_name text,
  target_key text,
  cluster text,
  -- How many did not help or failed, within which time, and one of them.
  setbacks integer not null,
  per_seconds double precision not null,
  last_execution uuid not null,
  tripped_at timestamptz not null default now(),
  reset_at timestamptz,
  reset_by text,
  reset_reason text
);
create unique index breakers_open on breakers (scope_key) where reset_at is null;
create index breakers_past on breakers (scope_key, reset_at desc) where reset_at is not null;

-- What one execution has told people, so that no other tells it again.
create table notices (
  key text primary key,
  execution_id uuid not null,
  told_at timestamptz not null default now()
);

create index executions_setbacks on executions (ended_at)
  where outcome in ('failed', 'rolled_back', 'rollback_incomplete', 'unknown') and counts_in <> '{}';
create index assessments_ineffective on assessments (made_at) where verdict = 'ineffective';
