-- What people have paused by a command, over now or not. Locks nothing: it is new.
-- Programs from 0009 on work with it.
create table pauses (
  id bigint generated always as identity primary key,
  -- `everything`, `cluster/<name>`, `namespace/<cluster>/<name>` (`*`: of all clusters), `execution/<id>`: one at a time holds.
  scope_key text not null,
  scope jsonb not null,
  cluster text,
  namespace text,
  execution_id uuid,
  paused_by text not null,
  reason text not null,
  paused_at timestamptz not null default now(),
  -- null: until somebody resumes.
  until timestamptz,
  -- Set when somebody resumed or paused anew; not when its time was over.
  ended_at timestamptz,
  ended_by text,
  end_reason text
);
create unique index pauses_open on pauses (scope_key) where ended_at is null;
create index pauses_past on pauses (scope_key, ended_at desc) where ended_at is not null;
