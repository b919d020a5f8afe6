// Every rule that is asked about an alert, with what it found: also those that a decision never came to.
import type { Facts } from "../facts/facts.ts";
import type { Usage } from "../facts/usage.ts";
import { type Buckets, bucketsFor, type Catalog } from "./catalog.ts";
import { explainRule } from "./explain.ts";
import { type FactValues, factValues } from "./fact-values.ts";
import type { GuardedPlan, GuardRule, RuleBase, SelectionRule } from "./rule.ts";
import type { RuleAnswer, RuleState } from "./rule-set.ts";
import { isConcerned, whyOutside } from "./scoped-rules.ts";

export interface ExplainedRule {
  /** `policy/rule`. */
  readonly rule: string;
  readonly phase: "selection" | "guard";
  readonly state: RuleState;
  /** For people: `crash-loops/restart does not match: target.kind equal "Deployment" (found "StatefulSet")`. */
  readonly text: string;
}

/** In the order in which they would win. */
export async function explainSelection(facts: Facts, catalog: Catalog): Promise<readonly ExplainedRule[]> {
  const answers = await answersOf(facts.alert.name, catalog.selection, factValues(facts, null));
  const sorted = answers.toSorted(
    (left, right) => right.rule.priority - left.rule.priority || (left.rule.name < right.rule.name ? -1 : 1),
  );
  return sorted.map((answer: RuleAnswer<SelectionRule>) => {
    const { rule } = answer;
    const text = whyOutside(rule, facts, catalog.scopes);
    if (text !== null) return { rule: rule.name, phase: "selection", state: "fails", text };
    return explained(answer, "selection", {
      holds: `matches with priority ${rule.priority}`,
      fails: "does not match",
    });
  });
}

/** In the order of their names. */
export async function explainGuards(
  facts: Facts,
  catalog: Catalog,
  plan: GuardedPlan,
  usage: Usage,
): Promise<readonly ExplainedRule[]> {
  const answers = await answersOf<GuardRule>(
    facts.alert.name,
    catalog.guards,
    factValues(facts, plan, usage),
  );
  const sorted = answers
    .filter(({ rule }) => isConcerned(rule, plan, catalog.scopes))
    .toSorted((left, right) => (left.rule.name < right.rule.name ? -1 : 1));
  return sorted.map((answer) => explained(answer, "guard", { holds: "fires", fails: "does not fire" }));
}

async function answersOf<R extends RuleBase>(
  alertName: string,
  buckets: Buckets<R>,
  values: FactValues,
): Promise<readonly RuleAnswer<R>[]> {
  const answers = await Promise.all(bucketsFor(alertName, buckets).map((set) => set.answer(values)));
  return answers.flat();
}

function explained<R extends RuleBase>(
  answer: RuleAnswer<R>,
  phase: ExplainedRule["phase"],
  words: { readonly holds: string; readonly fails: string },
): ExplainedRule {
  return { rule: answer.rule.name, phase, state: answer.state, text: explainRule(answer, words) };
}
