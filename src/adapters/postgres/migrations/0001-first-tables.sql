-- The first tables. Locks nothing: they are all new.

-- Replicas and their leases. A row stays until no unended execution names it: that is how its executions are found.
create table replicas (
  id text primary key,
  expires_at timestamptz not null
);

-- Projection of the events, changed in the statement that appends them. (owner, epoch, version) fences every append.
create table executions (
  id uuid primary key,
  owner text,
  epoch integer not null,
  version integer not null,
  phase text not null,
  outcome text,
  escalated boolean not null,
  mode text not null,
  template text not null,
  alert_name text not null,
  incident_id text not null,
  target_key text,
  target_cluster text,
  target_api_version text,
  target_kind text,
  target_namespace text,
  target_name text,
  cooldown_seconds double precision not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz
) with (fillfactor = 70);
create index executions_live on executions (id) where outcome is null;
create index executions_live_owner on executions (owner) where outcome is null;
create index executions_live_incident on executions (incident_id) where outcome is null;
create index executions_history on executions (target_key, alert_name, created_at desc);
create index executions_suffix on executions (reverse(id::text) collate "C");

-- Append only. `text` is the RFC 8785 text of the whole recorded event: that is what is hashed; `event` is for queries.
create table events (
  execution_id uuid not null,
  seq integer not null,
  at timestamptz not null,
  type text not null,
  version integer not null,
  event jsonb not null,
  text text not null,
  primary key (execution_id, seq)
);
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'table % is append only', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger events_append_only before update or delete on events
  for each row execute function refuse_change();
create trigger events_not_truncated before truncate on events
  for each statement execute function refuse_change();

create table incidents (
  id text primary key,
  key text not null,
  opened_at timestamptz not null default now(),
  closed_at timestamptz
);
create unique index incidents_open on incidents (key) where closed_at is null;

-- One row per firing, open or past. Collation C: receivers lock in this order.
create table alerts (
  id bigint generated always as identity primary key,
  cluster text collate "C" not null,
  fingerprint text collate "C" not null,
  name text not null,
  severity text not null,
  labels jsonb not null,
  annotations jsonb not null,
  source text not null,
  sanitised boolean not null,
  status text not null check (status in ('open', 'resolved', 'stale')),
  starts_at timestamptz not null,
  ends_at timestamptz,
  opened_at timestamptz not null default now(),
  last_received_at timestamptz not null default now(),
  resolved_at timestamptz,
  -- null: not due (a live execution, no match, recorded only).
  decide_at timestamptz,
  -- Raised whenever it is taken, decided or closed: an older decision is stale.
  token bigint not null default 0,
  undecided_count integer not null default 0,
  -- Set while there was no match: the revision that has none.
  unmatched_revision text,
  execution_id uuid,
  incident_id text
) with (fillfactor = 80);
create unique index alerts_unresolved on alerts (cluster, fingerprint) where status <> 'resolved';
create index alerts_past on alerts (cluster, fingerprint, ends_at desc) where status = 'resolved';
create index alerts_due on alerts (decide_at) where status = 'open' and decide_at is not null;
create index alerts_unmatched on alerts (id) where status = 'open' and unmatched_revision is not null;
create index alerts_execution on alerts (execution_id) where status = 'open' and execution_id is not null;
create index alerts_incident on alerts (incident_id) where incident_id is not null;

create table decisions (
  id bigint generated always as identity primary key,
  alert_id bigint not null,
  at timestamptz not null default now(),
  kind text not null,
  revision text not null,
  reasons jsonb not null,
  execution_id uuid
);
create index decisions_alert on decisions (alert_id, id desc);

create table deliveries (
  id bigint generated always as identity primary key,
  received_at timestamptz not null default now(),
  body_hash text not null,
  source text not null,
  opened integer not null,
  resolved integer not null,
  repeated integer not null,
  dead_letters integer not null
);
create index deliveries_age on deliveries (received_at);

create table dead_letters (
  id bigint generated always as identity primary key,
  received_at timestamptz not null default now(),
  source text not null,
  reason text not null,
  body text not null
);

-- Freed by the event that ends the execution, never by a lease.
create table claims (
  key text primary key,
  execution_id uuid not null
);
create index claims_execution on claims (execution_id);

create table commands (
  id bigint generated always as identity primary key,
  execution_id uuid not null,
  sent_at timestamptz not null default now(),
  command jsonb not null
);
create index commands_execution on commands (execution_id);

create table audit_outbox (
  id bigint generated always as identity primary key,
  execution_id uuid not null,
  milestone text not null,
  seq integer not null,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  commit text,
  unique (execution_id, milestone)
);
create index audit_outbox_unpublished on audit_outbox (id) where published_at is null;

create table records (
  execution_id uuid primary key,
  head text not null,
  lines integer not null,
  published_at timestamptz not null default now()
);

-- One row: who publishes, and the head of the record that was published last.
create table publisher (
  singleton boolean primary key default true check (singleton),
  replica_id text,
  last_head text
);
insert into publisher default values;

create table evidence (
  execution_id uuid not null,
  name text not null,
  sha256 text not null,
  saved_at timestamptz not null default now(),
  text text not null,
  primary key (execution_id, name, sha256)
);

-- One row: the revision that all replicas act on.
create table catalog (
  singleton boolean primary key default true check (singleton),
  revision text not null,
  set_at timestamptz not null default now()
);
