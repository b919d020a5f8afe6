-- What came word for word where text had to be mended, for a while. Locks deliveries for a moment, and against writes while the
-- index is built: seconds for a million rows.
alter table deliveries add column body text;
create index deliveries_bodies on deliveries (received_at) where body is not null;
