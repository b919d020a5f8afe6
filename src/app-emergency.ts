// Who may lift approvals, wired: the people of `approvals.emergency` with the keys that stand in gitmend.yaml.
import { allowedSigners } from "./adapters/forges/local/signers.ts";
import { hasSigned } from "./adapters/ssh-signature.ts";
import type { Config } from "./config/read-config.ts";
import type { Clock } from "./controller/ports.ts";
import { emergencyPeople, liftNamespace } from "./domain/gate/break-glass.ts";
import type { Emergency } from "./server/break-glass.ts";

/** @throws Problem CONFIG_INVALID: a key of the wrong shape */
export function openEmergency({ approvals }: Pick<Config, "approvals">, clock: Clock): Emergency {
  const { people, emergency, teams } = approvals;
  const allowed = new Set(emergencyPeople(emergency, teams));
  const known = people.map(({ id, signer = null }) => ({ id, signer }));
  const signers = allowedSigners(
    known.filter(({ id }) => allowed.has(id)),
    liftNamespace,
  );
  // One key for two people is found here, whoever of them is one of the emergency people.
  allowedSigners(known);
  return {
    now: () => clock.now(),
    async whyNotSigned(by, text, signature) {
      if (!allowed.has(by)) return `${by} is none of approvals.emergency`;
      if (!known.some(({ id, signer }) => id === by && signer !== null))
        return `${by} has no signer in approvals.people`;
      const signed = await hasSigned(by, text, signature, { signers, namespace: liftNamespace });
      return signed ? null : `this is not the signature of ${by} under what was sent`;
    },
  };
}

/** Emergency people who could not prove who they are. */
export function withoutKey({ approvals: { people, emergency, teams } }: Config): readonly string[] {
  const withKey = new Set(people.flatMap(({ id, signer }) => (signer === undefined ? [] : [id])));
  return emergencyPeople(emergency, teams).filter((id) => !withKey.has(id));
}
