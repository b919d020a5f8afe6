// A dead letter once more through the intake, as its source would deliver it now: after a configuration was mended, or a
// newer gitmend reads more. What is read is durable before the letter goes; a crash in between makes it a repetition.
import { createHash } from "node:crypto";
import type { AlertStore, Received } from "../../controller/ports.ts";
import { type AlertSource, readAlerts } from "../../domain/intake/read-alerts.ts";
import { Problem } from "../../domain/problem.ts";

export type ReplayPorts = Pick<AlertStore, "deadLetter" | "dropDeadLetter" | "receive">;

/** null: there is no such letter. @throws Problem PAYLOAD_INVALID: it still cannot be read, and stays */
export async function replayDeadLetter(
  id: string,
  sources: readonly AlertSource[],
  alerts: ReplayPorts,
): Promise<Received | null> {
  const letter = await alerts.deadLetter(id);
  if (letter === null) return null;
  const source = sources.find(({ name }) => name === letter.source);
  if (source === undefined)
    throw new Problem("PAYLOAD_INVALID", `no Alertmanager is called ${letter.source} any more: it stays`);
  const read = readAlerts({ version: "4", alerts: [parsed(letter.body)] }, source);
  const [still] = read.deadLetters;
  if (still !== undefined) throw new Problem("PAYLOAD_INVALID", `it still cannot be read: ${still.reason}`);
  const bodyHash = createHash("sha256").update(source.name).update("\0").update(letter.body).digest("hex");
  const received = await alerts.receive({
    bodyHash,
    source: source.name,
    alerts: read.alerts,
    deadLetters: [],
  });
  await alerts.dropDeadLetter(id);
  return received;
}

/** What is no JSON is a text, which no alert is: the reader says so. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
