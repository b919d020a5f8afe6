-- What an Alertmanager says beside its deliveries, and what retention looks for. Locks alerts, evidence and dead_letters against
-- writes while their indexes are built: seconds for a million rows.

-- Silenced or inhibited: nothing is decided about the firing before `held_until` (null: before its Alertmanager says otherwise).
-- `held_why` is null when it is not held.
alter table alerts add column held_by text, add column held_until timestamptz, add column held_why text;

-- The last sign of life of each source. Watchdog and InfoInhibitor are no firings (any more).
create table watchdogs (
  source text primary key,
  last_at timestamptz not null default now(),
  -- Between the last two: an Alertmanager repeats it as seldom as its route says.
  gap_seconds double precision not null default 0
);
insert into watchdogs (source, last_at)
  select source, max(last_received_at) from alerts where name = 'Watchdog' and status <> 'resolved' group by source;
delete from alerts where name in ('Watchdog', 'InfoInhibitor');

create index alerts_old on alerts (resolved_at) where status = 'resolved';
create index evidence_old on evidence (saved_at);
create index dead_letters_old on dead_letters (received_at);
