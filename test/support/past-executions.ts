// A long past for a database: copies of an execution that has ended, with all that is kept of it, each half a minute older than
// the one before. People were told of every tenth, and have seen it.
import type pg from "pg";

/** What makes each of them another one, or says when it was. */
const own =
  "id key execution_id incident_id alert_id fingerprint cluster target_key at created_at updated_at ended_at opened_at closed_at last_received_at resolved_at starts_at ends_at escalated".split(
    " ",
  );

/**
 * The database must hold an execution that has ended, and a firing that is resolved. Ends with what autovacuum does by and by.
 * @param name of this part of the past: two parts of one name would be the same
 */
export async function growPast(client: pg.Client | pg.Pool, count: number, name = "past"): Promise<void> {
  const execution = await columnsOf(client, "executions");
  const alert = await columnsOf(client, "alerts");
  const decision = await columnsOf(client, "decisions");
  const event = await columnsOf(client, "events");
  await client.query(
    `with sample as (select * from executions where outcome is not null order by id limit 1),
     past as materialized (
       select now() - n * interval '30 seconds' as began, $2::text || '-' || n as own, 'history/' || n % 5000 as place, n,
         (lpad(to_hex((extract(epoch from now() - n * interval '30 seconds') * 1000)::bigint), 12, '0')
         || '7000a' || substr(md5(n::text || $2), 1, 15))::uuid as id
       from generate_series(1, $1::integer) as n
     ), i as (
       insert into incidents (id, key, opened_at, closed_at) select own, place, began, began from past
     ), e as (
       insert into executions (id, target_key, incident_id, created_at, updated_at, ended_at, escalated, ${execution})
       select p.id, p.place, p.own, p.began, p.began, p.began, p.n % 10 = 0, ${execution} from past p, sample
     ), a as (
       insert into alerts (execution_id, cluster, fingerprint, target_key, incident_id, opened_at, last_received_at, resolved_at,
         starts_at, ends_at, ${alert})
       select p.id, cluster, p.own, p.place, p.own, p.began, p.began, p.began, p.began, p.began, ${alert}
       from past p, (select * from alerts where status = 'resolved' limit 1) x
     ), d as (
       insert into decisions (alert_id, execution_id, at, ${decision})
       select -p.n, p.id, p.began, ${decision} from past p, (select * from decisions limit 1) x
     ), x as (
       insert into escalations (execution_id, escalated_at, due_at, told_at, seen_at)
       select id, began, began, began, began from past where n % 10 = 0
     ), s as (
       insert into assessments (execution_id, round, verdict, made_at) select id, 1, 'effective', began from past
     ), o as (
       insert into audit_outbox (execution_id, milestone, seq, created_at, published_at) select id, 'ended', 4, began, began from past
     ), r as (
       insert into records (execution_id, head, lines, published_at) select id, own, 4, began from past
     ), l as (
       insert into deliveries (received_at, body_hash, source, opened, resolved, repeated, dead_letters)
       select began, own, 'past', 1, 0, 0, 0 from past
     )
     insert into events (execution_id, at, ${event})
     select p.id, p.began, ${event} from past p, events x where x.execution_id = (select id from sample)`,
    [count, name],
  );
  await client.query("vacuum analyze");
}

async function columnsOf(client: pg.Client | pg.Pool, table: string): Promise<string> {
  const { rows } = await client.query<{ names: string }>(
    `select string_agg(quote_ident(column_name), ', ') as names from information_schema.columns
     where table_name = $1::text and is_identity = 'NO' and column_name <> all($2::text[])`,
    [table, own],
  );
  return rows[0]?.names ?? "";
}

/** What people were told of is few, and asked about by people alone. */
const bigTables =
  "executions alerts decisions incidents events assessments audit_outbox records deliveries".split(" ");

/** Rows that sequential scans have read so far, of all that grows with the past. */
export async function rowsWalked(pool: pg.Pool): Promise<number> {
  // Each connection says what it has read when it is asked to; all of them are asked at once.
  const flush = "select pg_stat_force_next_flush(), pg_sleep(0.1)";
  await Promise.all(Array.from({ length: pool.options.max }, () => pool.query(flush)));
  const { rows } = await pool.query<{ read: string }>(
    "select sum(seq_tup_read) as read from pg_stat_user_tables where relname ~ ('^(' || $1::text || ')')",
    [bigTables.join("|")],
  );
  return Number(rows[0]?.read ?? 0);
}
