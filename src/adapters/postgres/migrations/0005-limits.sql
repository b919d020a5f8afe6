-- What each execution counts in, for limits and for guards that read `usage`. Locks executions while the indexes are built:
-- seconds for a million rows. Executions from before count in nothing.
alter table executions add column counts_in text[] not null default '{}';
create index executions_counted on executions using gin (counts_in) where outcome is null;
create index executions_counted_lately on executions (created_at) where counts_in <> '{}';
