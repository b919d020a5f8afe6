// What a delivery leaves beside the firings: a line in the small log of deliveries, and its dead letters.
import type { Delivery, Received } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

/** Inside the transaction that applied the delivery. */
export async function recordDelivery(sql: Sql, delivery: Delivery, received: Received): Promise<void> {
  await sql.query(
    `insert into deliveries (body_hash, source, opened, resolved, repeated, dead_letters)
     values ($1::text, $2::text, $3::integer, $4::integer, $5::integer, $6::integer)`,
    [
      delivery.bodyHash,
      delivery.source,
      received.opened,
      received.resolved,
      received.repeated,
      received.deadLetters,
    ],
  );
  await saveDeadLetters(sql, delivery.source, delivery.deadLetters);
}

export async function saveDeadLetters(
  sql: Sql,
  source: string,
  letters: Delivery["deadLetters"],
): Promise<void> {
  if (letters.length === 0) return;
  await sql.query(
    `insert into dead_letters (source, reason, body)
     select $1::text, l.reason, l.body from unnest($2::text[], $3::text[]) as l(reason, body)`,
    [
      source,
      letters.map(({ reason }) => storable(reason)),
      letters.map(({ body }) => storable(typeof body === "string" ? body : JSON.stringify(body))),
    ],
  );
}

/** PostgreSQL's text holds no NUL. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}
