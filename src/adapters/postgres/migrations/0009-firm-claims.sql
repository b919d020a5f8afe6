-- A claim becomes firm with the start of the first step; until then an older execution that waits for the object may take it over.
-- Locks claims for a moment: a default that is a constant rewrites nothing.
alter table claims add column firm boolean not null default false;
