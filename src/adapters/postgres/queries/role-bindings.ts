// RoleBindings as they were seen. One row each: what it was before it was changed is nothing that anybody should get back.
import type { BindingContent, KnownBinding } from "../../../actions/bindings.ts";
import type { Sql } from "../sql.ts";

export async function sawBindings(
  sql: Sql,
  cluster: string,
  namespace: string,
  bindings: readonly BindingContent[],
): Promise<void> {
  await sql.query(
    `insert into role_bindings as known (cluster, namespace, name, content, fingerprint)
     select $1::text, $2::text, seen ->> 'name', seen, seen ->> 'fingerprint' from jsonb_array_elements($3::jsonb) seen
     order by 3
     on conflict (cluster, namespace, name) do update set
       since = case when known.fingerprint = excluded.fingerprint and known.seen_at > now() - interval '1 hour'
         then known.since else now() end,
       content = excluded.content, fingerprint = excluded.fingerprint, seen_at = now()`,
    [cluster, namespace, JSON.stringify(bindings)],
  );
  await sql.query("delete from role_bindings where seen_at < now() - interval '7 days'");
}

export async function knownBindings(
  sql: Sql,
  cluster: string,
  namespace: string,
  settledSeconds: number,
): Promise<readonly KnownBinding[]> {
  const rows = await sql.query<{ content: BindingContent; settled: boolean; since: Date; seen_at: Date }>(
    `select content, seen_at - since >= $3::double precision * interval '1 second' as settled, since, seen_at
     from role_bindings where cluster = $1::text and namespace = $2::text order by name`,
    [cluster, namespace, settledSeconds],
  );
  return rows.map(({ content, settled, since, seen_at }) => ({
    ...content,
    settled,
    since: since.toISOString(),
    seenAt: seen_at.toISOString(),
  }));
}
