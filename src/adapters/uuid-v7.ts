// UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits. Ids made later sort later, which keeps indexes dense.
import { randomBytes } from "node:crypto";
import type { Clock, Ids } from "../controller/ports.ts";

/** Times come from the database's clock, so that ids of all replicas are in one order. */
export function uuidV7(clock: Clock): Ids {
  return { next: () => format(Date.parse(clock.now()), randomBytes(10)) };
}

function format(milliseconds: number, random: Buffer): string {
  const time = milliseconds.toString(16).padStart(12, "0");
  random[0] = 0x70 | (random.readUInt8(0) & 0x0f);
  random[2] = 0x80 | (random.readUInt8(2) & 0x3f);
  const hex = time + random.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
