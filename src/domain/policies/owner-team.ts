// Whoever owns the target, where a policy asks or tells people.
import type { Facts } from "../facts/facts.ts";

/** As a policy writes it; needs the fact `owner`. */
export const ownerTeam = "team:owner";

/** null: nobody is named, or it is not known who. */
export function owningTeam({ owner }: Facts): string | null {
  return owner.available ? owner.value.team : null;
}
