-- Assessments, and a record for each of their rounds. Locks alerts, audit_outbox and records against writes while indexes are
-- built: about a second for a million rows.

-- One row for each execution that has to be assessed, from its end on.
create table assessments (
  execution_id uuid primary key,
  -- The round that comes next; after the last one, that one.
  round integer not null default 1,
  -- When somebody looks; moved on by whoever takes it and while a cluster is away. null: the verdict is final.
  due_at timestamptz,
  -- When this round was looked at first.
  tried_at timestamptz,
  -- Raised by whoever takes it: a verdict under an older claim is stale.
  claim bigint not null default 0,
  verdict text,
  made_at timestamptz
);
create index assessments_due on assessments (due_at) where due_at is not null;

-- An assessment has several rounds, each a milestone of its own.
alter table audit_outbox drop constraint audit_outbox_execution_id_milestone_key;
alter table audit_outbox add constraint audit_outbox_once unique (execution_id, seq);

-- What the first line of the record carries: whoever writes it again begins with the same. null: read it from the record.
alter table records add column first_previous text;

-- What fires under one name in one cluster.
create index alerts_alike on alerts (name, cluster) where status = 'open';
