-- What each open firing is about, so that the firings of one target are found: to decide them together, and to hold those that
-- depend on it. Firings from before get it when they are decided next. Locks alerts for a moment, and against writes while the
-- index is built: seconds for a million rows.
alter table alerts add column target_key text;
create index alerts_target on alerts (target_key) where status = 'open' and target_key is not null;
