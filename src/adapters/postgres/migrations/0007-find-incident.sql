-- An incident is found by the beginning or the end of its id. Locks incidents against writes while the indexes are built: seconds
-- for a million rows.
create index incidents_prefix on incidents (id collate "C");
create index incidents_suffix on incidents (reverse(id) collate "C");
