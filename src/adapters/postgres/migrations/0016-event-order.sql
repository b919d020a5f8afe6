-- The transaction of each event, so that the events of all executions can be followed without losing those of a slow transaction.
-- Locks events against everything while the index looks once at each row that is there and takes none of them: seconds for ten
-- million. No row is rewritten; what was there before has none and is not followed.
-- Programs from 0013 on work with it.
alter table events add column xid xid8;
alter table events alter column xid set default pg_current_xact_id();
-- Of the transaction alone: it grows at its end and holds each number once, which costs appends next to nothing. What one
-- transaction wrote is sorted when it is read.
create index events_by_xid on events (xid) where xid is not null;

-- The last transaction of which a month that was let go held an event. Programs that do not know it say the one that lets go.
alter table retired add column last_xid xid8;
alter table retired alter column last_xid set default pg_current_xact_id();
