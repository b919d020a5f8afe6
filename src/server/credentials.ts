// Who may call: bearer and basic credentials, compared in constant time. Alertmanager cannot sign bodies,
// so a credential for each source is what tells one cluster's Alertmanager from another's.
import { createHash, timingSafeEqual } from "node:crypto";

export type Credential =
  | { readonly type: "bearer"; readonly token: string }
  | { readonly type: "basic"; readonly username: string; readonly password: string };

/** Whether an Authorization header carries this credential. Takes the same time for every wrong one. */
export function carries(header: string | undefined, credential: Credential): boolean {
  const [, scheme = "", given = ""] = /^(\S+) +(\S+)$/.exec(header ?? "") ?? [];
  return sameText(`${scheme.toLowerCase()} ${given}`, expected(credential));
}

function expected(credential: Credential): string {
  if (credential.type === "bearer") return `bearer ${credential.token}`;
  const pair = Buffer.from(`${credential.username}:${credential.password}`, "utf8").toString("base64");
  return `basic ${pair}`;
}

/** In constant time. Hashes first, so that neither the time nor an error tells the length. */
export function sameText(left: string, right: string): boolean {
  return timingSafeEqual(hash(left), hash(right));
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
