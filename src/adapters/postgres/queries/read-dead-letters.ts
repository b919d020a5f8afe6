// Alerts that could not be read, newest first.
import type { DeadLetter } from "../../../controller/ports.ts";
import type { Sql } from "../sql.ts";

export async function readDeadLetters(sql: Sql, limit: number): Promise<readonly DeadLetter[]> {
  const rows = await sql.query<{
    id: string;
    received_at: Date;
    source: string;
    reason: string;
    body: string;
  }>("select id, received_at, source, reason, body from dead_letters order by id desc limit $1::integer", [
    limit,
  ]);
  return rows.map(({ received_at, ...letter }) => ({ ...letter, receivedAt: received_at.toISOString() }));
}
