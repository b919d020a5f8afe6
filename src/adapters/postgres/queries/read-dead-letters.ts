// Alerts that could not be read: a page of them, newest first, or one.
import type { DeadLetter } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly received_at: Date;
  readonly source: string;
  readonly reason: string;
  readonly body: string;
}

export async function readDeadLetters(
  sql: Sql,
  { limit, before }: { readonly limit: number; readonly before?: string },
): Promise<readonly DeadLetter[]> {
  const rows = await sql.query<Row>(
    `select id, received_at, source, reason, body from dead_letters
     where $2::bigint is null or id < $2::bigint order by id desc limit $1::integer`,
    [limit, before ?? null],
  );
  return rows.map(deadLetter);
}

export async function readDeadLetter(sql: Sql, id: string): Promise<DeadLetter | null> {
  const [row] = await sql.query<Row>(
    "select id, received_at, source, reason, body from dead_letters where id = $1::bigint",
    [id],
  );
  return row === undefined ? null : deadLetter(row);
}

function deadLetter({ id, received_at, source, reason, body }: Row): DeadLetter {
  return { id, receivedAt: received_at.toISOString(), source, reason, body };
}
