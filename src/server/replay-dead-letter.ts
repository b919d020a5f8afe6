// A dead letter goes the way of a delivery once more: its source may speak for more by now, or this version reads what an
// older one could not.
import { createHash } from "node:crypto";
import type { AlertStore, DeadLetter, Received } from "../controller/ports.ts";
import { type AlertSource, readAlerts } from "../domain/intake/read-alerts.ts";
import { Problem } from "../domain/problem.ts";

type Store = Pick<AlertStore, "receive" | "deadLetter" | "dropDeadLetter">;

/**
 * A crash between the two statements leaves the letter; replayed again it is a repeated delivery.
 * @returns null when there is no such letter. @throws Problem PAYLOAD_INVALID: still unreadable, and kept
 */
export async function replayDeadLetter(
  id: string,
  sources: readonly AlertSource[],
  store: Store,
): Promise<Received | null> {
  const letter = await store.deadLetter(id);
  if (letter === null) return null;
  const source = sources.find(({ name }) => name === letter.source);
  if (source === undefined) throw kept(letter, `no Alertmanager is called ${letter.source} any more`);
  const { alerts, deadLetters } = readAlerts({ version: "4", alerts: [entryOf(letter)] }, source);
  const [unread] = deadLetters;
  if (unread !== undefined) throw kept(letter, unread.reason);
  const bodyHash = createHash("sha256").update(source.name).update("\0").update(letter.body).digest("hex");
  const received = await store.receive({ bodyHash, source: source.name, alerts, deadLetters: [] });
  // What the database refuses is a new letter by now; of two with one body one is enough.
  await store.dropDeadLetter(id);
  if (received.deadLetters > 0) throw kept(letter, "the database refuses it");
  return received;
}

function entryOf({ body }: DeadLetter): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function kept({ id, reason }: DeadLetter, why: string): Problem {
  return new Problem("PAYLOAD_INVALID", `dead letter ${id} still cannot be read and is kept: ${why}`, {
    details: { reason },
  });
}
