-- The catalog whose guards hold until people have approved weaker ones: its files, because Git may lose the commit to a force push.
-- Locks nothing: both tables are new. Programs from 0013 on work with it.
create table approved_catalog (
  singleton boolean primary key default true check (singleton),
  revision text not null,
  -- gzip of a JSON array of {path, text}.
  files bytea not null,
  approved_at timestamptz not null default now()
);

-- Revisions that were found to stop less than the approved one.
create table loosenings (
  revision text primary key,
  found_at timestamptz not null default now(),
  -- Null: held back. What was approved once, and replaced since, is not approved again by the same signatures.
  approved_at timestamptz
);
