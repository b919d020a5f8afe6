// The bytes of a delivery as alerts, with the hash that its log lines carry.
import { createHash } from "node:crypto";
import { type AlertSource, type ReadAlerts, readAlerts } from "../domain/intake/read-alerts.ts";
import { Problem } from "../domain/problem.ts";

export interface ReadBody extends ReadAlerts {
  /** sha256 of the source's name and the bytes. */
  readonly bodyHash: string;
}

/** @throws Problem PAYLOAD_INVALID */
export function readBody(bytes: Uint8Array, source: AlertSource): ReadBody {
  const bodyHash = createHash("sha256").update(source.name).update("\0").update(bytes).digest("hex");
  return { ...readAlerts(parse(bytes), source), bodyHash };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Problem("PAYLOAD_INVALID", "the body is not JSON", { cause: error });
  }
}
