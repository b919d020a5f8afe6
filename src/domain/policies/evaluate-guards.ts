// Which guards fire on a plan. They fail closed: a guard whose answer hangs on what is not known denies.
import { durationSeconds } from "../duration.ts";
import type { Facts } from "../facts/facts.ts";
import { bucketsFor, type Catalog } from "./catalog.ts";
import { explainRule } from "./explain.ts";
import { factValues } from "./fact-values.ts";
import type { GuardedPlan, GuardRule } from "./rule.ts";
import type { RuleAnswer } from "./rule-set.ts";
import type { GuardVerdict } from "./selection.ts";

function verdictOf(answer: RuleAnswer<GuardRule>): GuardVerdict | null {
  const { name: rule, event } = answer.rule;
  if (answer.state === "fails") return null;
  const reason = explainRule(answer, { holds: "fires", fails: "does not fire" });
  if (answer.state === "open")
    return { rule, effect: "deny", reason: `${reason}; a guard that cannot be evaluated denies` };
  if (event.type === "deny") return { rule, effect: "deny", reason: `${event.params.reason} (${reason})` };
  const { from, approvals, expires } = event.params;
  return {
    rule,
    effect: "require-approval",
    reason,
    from,
    approvals,
    expiresSeconds: durationSeconds(expires),
  };
}

/** All guards that fire, in the order of their names. */
export async function evaluateGuards(
  catalog: Catalog,
  facts: Facts,
  plan: GuardedPlan,
): Promise<GuardVerdict[]> {
  const values = factValues(facts, plan);
  const sets = bucketsFor(facts.alert.name, catalog.guards);
  const answers = (await Promise.all(sets.map((set) => set.answer(values)))).flat();
  const verdicts = answers.map(verdictOf).filter((verdict) => verdict !== null);
  return verdicts.toSorted((left, right) => (left.rule < right.rule ? -1 : 1));
}
