-- RoleBindings as they were seen, for restore_role_binding. Locks nothing: it is new.
-- Programs from 0016 on work with it.
create table role_bindings (
  cluster text not null,
  namespace text not null,
  name text not null,
  content jsonb not null,
  -- Of the rights and who has them.
  fingerprint text not null,
  -- It stood so from then on, and was seen last.
  since timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  primary key (cluster, namespace, name)
);
