// Whoever owns the target, where a policy asks or tells people.
import type { Facts } from "../facts/facts.ts";
import type { RequireApproval } from "./policy.generated.ts";

/** As a policy writes it; needs the fact `owner`. */
export const ownerTeam = "team:owner";

/** null: nobody is named, or it is not known who. */
export function owningTeam({ owner }: Facts): string | null {
  return owner.available ? owner.value.team : null;
}

/** First or later. */
export function asksOwner({ from, next = [] }: RequireApproval["params"]): boolean {
  return [from, ...next.map((one) => one.from)].some((whom) => whom.includes(ownerTeam));
}
