// The bytes of a delivery as alerts, with the hash that its log lines carry.
import { createHash } from "node:crypto";
import { type AlertSource, type ReadAlerts, readAlerts } from "../domain/intake/read-alerts.ts";
import { Problem } from "../domain/problem.ts";

export interface ReadBody extends ReadAlerts {
  /** sha256 of the source's name and the bytes. */
  readonly bodyHash: string;
  /** The beginning of the body where the text of an alert had to be mended; else null. */
  readonly mendedBody: string | null;
}

const keptCharacters = 1024 * 1024;

/** @throws Problem PAYLOAD_INVALID */
export function readBody(bytes: Uint8Array, source: AlertSource): ReadBody {
  const bodyHash = createHash("sha256").update(source.name).update("\0").update(bytes).digest("hex");
  const text = new TextDecoder().decode(bytes);
  const read = readAlerts(parse(text), source);
  const mended = read.alerts.some(({ sanitised }) => sanitised);
  return { ...read, bodyHash, mendedBody: mended ? text.slice(0, keptCharacters) : null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem("PAYLOAD_INVALID", "the body is not JSON", { cause: error });
  }
}
