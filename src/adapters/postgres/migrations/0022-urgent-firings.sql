-- Critical firings are decided before all others that are due. Locks alerts against writes while the index is built: seconds for a
-- million rows.
-- Programs from 0016 on work with it.
create index alerts_urgent on alerts (decide_at)
  where status = 'open' and decide_at is not null
    and lower(severity) = any ('{critical,crit,page,emergency,disaster}'::text[]);
