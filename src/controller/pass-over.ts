// A remedy that was chosen and does not fit what is there (no such taint, nothing to go back to, a claim that holds data): the next
// rule decides, with the reason on record. When no rule is left, people are told: an alert is never just left alone.
import type { Facts } from "../domain/facts/facts.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { selectTemplate } from "../domain/policies/select-template.ts";
import type { Selection } from "../domain/policies/selection.ts";
import { Problem, type ProblemCode } from "../domain/problem.ts";
import type { FiringDecision } from "./ports.ts";

type Match = Extract<Selection, { kind: "match" }>;

/** What the plan was refused for is there to be seen, and no failure to look. */
const unfit: ReadonlySet<ProblemCode> = new Set(["PRECONDITION_FAILED", "NOTHING_TO_ROLL_BACK"]);

/**
 * @param decide makes what a selection comes to
 * @throws Problem whatever else stands in the way of a plan
 */
export async function orPassOver(
  chosen: Match,
  facts: Facts,
  catalog: Catalog,
  decide: (selection: Selection) => Promise<FiringDecision>,
): Promise<FiringDecision> {
  const passedOver = new Map<string, string>();
  let selection: Selection = chosen;
  for (;;) {
    try {
      return await decide(selection);
    } catch (error) {
      if (selection.kind !== "match" || !(error instanceof Problem) || !unfit.has(error.code)) throw error;
      passedOver.set(selection.rule, `${selection.template} does not fit: ${error.message}`);
    }
    const next = await selectTemplate(facts, catalog, passedOver);
    selection = next.kind === "none" ? tellPeople(facts, passedOver, next.reasons) : next;
  }
}

function tellPeople(
  { alert }: Facts,
  passedOver: ReadonlyMap<string, string>,
  reasons: readonly string[],
): Extract<Selection, { kind: "escalate" }> {
  const why = [...passedOver.values()].join("; ");
  const message = `${alert.name} has no remedy that fits: ${why}`;
  return {
    kind: "escalate",
    rule: "built-in/no-remedy-fits",
    to: null,
    severity: "warning",
    message,
    reasons,
  };
}
