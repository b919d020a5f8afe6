// What a delivery leaves beside the firings: a line in the small log of deliveries, and its dead letters.
import type { Delivery, Received } from "../../../controller/ports.ts";
import { storableText } from "../../../domain/storable.ts";
import type { Sql } from "../sql.ts";

/** Inside the transaction that applied the deliveries. */
export async function recordDeliveries(
  sql: Sql,
  deliveries: readonly { readonly delivery: Delivery; readonly received: Received }[],
): Promise<void> {
  const received = (count: keyof Received) => deliveries.map((item) => item.received[count]);
  await sql.query(
    `insert into deliveries (body_hash, source, body, opened, resolved, repeated, dead_letters)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[],
       $7::integer[])`,
    [
      deliveries.map(({ delivery }) => delivery.bodyHash),
      deliveries.map(({ delivery }) => delivery.source),
      deliveries.map(({ delivery }) => bodyOf(delivery)),
      received("opened"),
      received("resolved"),
      received("repeated"),
      received("deadLetters"),
    ],
  );
  await saveDeadLetters(
    sql,
    deliveries.flatMap(({ delivery }) =>
      delivery.deadLetters.map((letter) => ({ ...letter, source: delivery.source })),
    ),
  );
}

/** The cut may have gone through a character. */
function bodyOf({ mendedBody = null }: Delivery): string | null {
  return mendedBody === null ? null : storableText(mendedBody);
}

type SourcedLetter = Delivery["deadLetters"][number] & { readonly source: string };

async function saveDeadLetters(sql: Sql, letters: readonly SourcedLetter[]): Promise<void> {
  if (letters.length === 0) return;
  await sql.query(
    `insert into dead_letters (source, reason, body) select * from unnest($1::text[], $2::text[], $3::text[])`,
    [
      letters.map(({ source }) => source),
      letters.map(({ reason }) => storableText(reason)),
      letters.map(({ body }) => storableText(typeof body === "string" ? body : JSON.stringify(body))),
    ],
  );
}
