// Who may sign: the people of `gitmend.yaml` as an allowed_signers file for `git verify-commit`.
// A principal there is a pattern and a line is a record, so ids and keys are checked before they become text.
import { Problem } from "../../../domain/problem.ts";

export interface Person {
  readonly id: string;
  /** SSH public keys (`ssh-ed25519 AAAA…`), one a line; null: this person cannot sign. */
  readonly signer: string | null;
}

const personId = /^[A-Za-z0-9][A-Za-z0-9._@-]*$/;
const publicKey = /^((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+) (AAAA[A-Za-z0-9+/]+={0,2})(?: .*)?$/;

/** @param namespace what signatures have to be made for. @throws Problem CONFIG_INVALID: an id or key of the wrong shape, or one key for two people. */
export function allowedSigners(people: readonly Person[], namespace = "git"): string {
  const owners = new Map<string, string>();
  const lines: string[] = [];
  for (const { id, signer } of people) {
    if (!personId.test(id)) throw new Problem("CONFIG_INVALID", `approvals.people: "${id}" is not an id`);
    for (const key of (signer ?? "").split("\n").map((line) => line.trim())) {
      if (key === "") continue;
      const [, type, material] = publicKey.exec(key) ?? [];
      if (type === undefined || material === undefined) {
        throw new Problem("CONFIG_INVALID", `approvals.people: the signer of ${id} is not an SSH public key`);
      }
      const owner = owners.get(material);
      if (owner !== undefined && owner !== id) {
        throw new Problem("CONFIG_INVALID", `approvals.people: ${owner} and ${id} have the same key`);
      }
      owners.set(material, id);
      lines.push(`${id} namespaces="${namespace}" ${type} ${material}\n`);
    }
  }
  return lines.join("");
}
