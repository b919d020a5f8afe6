-- One partition a month for what grows with executions: a month that is over, finished and published is dropped whole. Ids are
-- UUIDv7, so a range of ids is a range of time. What is there already becomes the first partition, up to the end of this month,
-- and is not copied. Locks events, audit_outbox and assessments against everything while it is read once to prove that it is in
-- range: some seconds for ten million events.
-- Programs from 0007 on work with it.

create table snapshots (
  execution_id uuid primary key,
  -- The last event that it was folded from.
  seq integer not null,
  -- What it was folded as: a program that folds otherwise does not use it.
  shape text not null,
  text text not null
) partition by range (execution_id);

-- Months that retention has let go. The root hash is the sha256 of one line `<execution id> <head of its record>` for each
-- execution of the range, in order of the ids: what Git has to say about them can be held against it.
create table retired (
  -- The range of ids, without `upper_id`.
  lower_id uuid not null,
  upper_id uuid primary key,
  executions integer not null,
  root_hash text not null,
  began_at timestamptz not null default now(),
  -- null: its rows are being removed.
  dropped_at timestamptz
);

alter table events rename to events_before;
alter index events_pkey rename to events_before_pkey;
drop trigger events_append_only on events_before;
alter trigger events_not_truncated on events_before rename to events_before_not_truncated;
create table events (like events_before, primary key (execution_id, seq)) partition by range (execution_id);

alter table audit_outbox rename to audit_outbox_before;
alter index audit_outbox_unpublished rename to audit_outbox_before_unpublished;
alter table audit_outbox_before rename constraint audit_outbox_once to audit_outbox_before_once;
alter table audit_outbox_before drop constraint audit_outbox_pkey;
alter table audit_outbox_before alter column id drop identity;
create sequence audit_outbox_ids;
select setval('audit_outbox_ids', coalesce(max(id), 0) + 1, false) from audit_outbox_before;
create table audit_outbox (like audit_outbox_before including defaults, constraint audit_outbox_once unique (execution_id, seq))
  partition by range (execution_id);
alter table audit_outbox alter column id set default nextval('audit_outbox_ids');
alter sequence audit_outbox_ids owned by audit_outbox.id;

alter table assessments rename to assessments_before;
alter index assessments_pkey rename to assessments_before_pkey;
alter index assessments_due rename to assessments_before_due;
create table assessments (like assessments_before including defaults, primary key (execution_id)) partition by range (execution_id);

-- A clock that was wrong once must not keep the rest from being a range: what lies beyond goes where nothing is ever refused.
do $$
declare
  bound uuid := (lpad(to_hex((extract(epoch from date_trunc('month', now(), 'UTC') + interval '1 month') * 1000)::bigint), 12, '0')
    || repeat('0', 20))::uuid;
  name text;
begin
  create table snapshots_before (like snapshots including all);
  foreach name in array array['events', 'audit_outbox', 'assessments', 'snapshots'] loop
    execute format('create table %I partition of %I default', name || '_default', name);
    execute format('with beyond as (delete from %I where execution_id >= %L returning *) insert into %I select * from beyond',
      name || '_before', bound, name || '_default');
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', name, name || '_before', bound);
  end loop;
end
$$;

create index audit_outbox_unpublished on audit_outbox (id) where published_at is null;
create index assessments_due on assessments (due_at) where due_at is not null;
create trigger events_append_only before update or delete on events
  for each row execute function refuse_change();
create trigger events_not_truncated before truncate on events
  for each statement execute function refuse_change();
create trigger events_default_not_truncated before truncate on events_default
  for each statement execute function refuse_change();
