// Facts + catalog -> the one template (or escalation) for an alert, with the reasons. Pure: nothing is fetched here.
// The highest priority that holds wins; a rule above it whose answer hangs on a fact that is not there leaves it undecided.
import { evaluateText } from "../expressions/evaluate.ts";
import type { Facts, FetchedFact } from "../facts/facts.ts";
import { isObject, type Json } from "../json.ts";
import { toProblem } from "../problem.ts";
import { bucketsFor, type Catalog, isRevoked, revokedText } from "./catalog.ts";
import { explainRule } from "./explain.ts";
import { type FactValues, factValues } from "./fact-values.ts";
import { choicesOf, climb, type TemplateChoice } from "./ladder.ts";
import { ownerTeam, owningTeam } from "./owner-team.ts";
import type { Escalate } from "./policy.generated.ts";
import type { SelectionRule } from "./rule.ts";
import type { RuleAnswer } from "./rule-set.ts";
import { whyOutside } from "./scoped-rules.ts";
import type { Selection } from "./selection.ts";

type Answer = RuleAnswer<SelectionRule>;
type Told = Escalate["params"];

const longestReasons = 50;

/** The fact that an open rule hangs on; null: it hangs on an expression that failed. */
function missingFact({ leaves }: Answer): { readonly fact: FetchedFact; readonly why: string } | null {
  for (const { answer } of leaves) {
    if (answer.state === "unavailable") return { fact: answer.fact, why: answer.why };
  }
  return null;
}

type Parameters = { readonly values: Readonly<Record<string, Json>> } | { readonly fault: string };

function parametersOf({ parameters }: TemplateChoice, values: FactValues): Parameters {
  try {
    const filled = evaluateText(parameters as Json, values.scope);
    return { values: isObject(filled) ? (filled as Readonly<Record<string, Json>>) : {} };
  } catch (error) {
    return { fault: toProblem(error).message };
  }
}

/** People are told whatever happens: a message that cannot be filled in goes out as it is written. */
function messageOf({ message: text }: Told, values: FactValues): string {
  try {
    const message = evaluateText(text, values.scope);
    return typeof message === "string" ? message : JSON.stringify(message);
  } catch (error) {
    return `${text} (${toProblem(error).message})`;
  }
}

/** null: the default channel, also when nobody is known to own the target: somebody has to hear of it. */
function channelOf({ to }: Told, facts: Facts): string | null {
  return to === ownerTeam ? owningTeam(facts) : (to ?? null);
}

function byPriority(left: Answer, right: Answer): number {
  return right.rule.priority - left.rule.priority || (left.rule.name < right.rule.name ? -1 : 1);
}

function unavailableInEvent(rule: SelectionRule, { unavailable }: FactValues) {
  for (const fact of rule.facts) {
    const why = unavailable.get(fact);
    if (why !== undefined) return { fact, why };
  }
  return null;
}

/** What a rule comes to a decision with. */
interface Deciding {
  readonly rule: SelectionRule;
  readonly facts: Facts;
  readonly values: FactValues;
  readonly catalog: Catalog;
  readonly reasons: string[];
}

/** null: the rule does not decide after all: the parameters of its event cannot be filled in, or its template is revoked. */
function decide(deciding: Deciding): Selection | null {
  const { rule, facts, reasons } = deciding;
  const { event, name } = rule;
  if (event.type === "escalate") return tell(event.params, deciding);
  const { ladder } = event.params;
  const [only] = choicesOf(event.params);
  if (ladder === undefined) return only === undefined ? null : choose(only, deciding);
  const { history, now } = facts;
  if (!history.available)
    return { kind: "undecided", rule: name, fact: "history", why: history.why, reasons };
  const rungs = ladder.filter(({ template = "" }) => !revoked(template, deciding));
  if (rungs.length === 0) return null;
  const climbed = climb(rungs, event.params, history.value, now);
  reasons.push(`${name} is at ${climbed.reason}`);
  switch (climbed.kind) {
    case "template":
      return choose(climbed.choice, deciding);
    case "people":
      return tell(climbed.escalate, deciding);
    case "end":
      return { kind: "exhausted", rule: name, until: climbed.until, reasons };
  }
}

function tell(told: Told, { rule, facts, values, reasons }: Deciding): Selection {
  const to = channelOf(told, facts);
  const message = messageOf(told, values);
  return { kind: "escalate", rule: rule.name, to, severity: told.severity, message, reasons };
}

/** With the reason. */
function revoked(name: string, { rule, catalog, reasons }: Deciding): boolean {
  const template = catalog.templates.get(name);
  if (template === undefined || !isRevoked(template, catalog)) return false;
  reasons.push(`${rule.name} does not choose ${name}: ${revokedText(template)}`);
  return true;
}

function choose(choice: TemplateChoice, deciding: Deciding): Selection | null {
  const { rule, values, reasons } = deciding;
  const { name } = rule;
  if (revoked(choice.template, deciding)) return null;
  const parameters = parametersOf(choice, values);
  if ("values" in parameters) {
    const { template } = choice;
    return { kind: "match", rule: name, template, parameters: parameters.values, reasons };
  }
  const open = unavailableInEvent(rule, values);
  if (open !== null) return { kind: "undecided", rule: name, ...open, reasons };
  reasons.push(`${name} does not match: its parameters cannot be filled in: ${parameters.fault}`);
  return null;
}

/** @param passedOver rules whose remedy does not fit what is there, and why: they decide nothing */
export async function selectTemplate(
  facts: Facts,
  catalog: Catalog,
  passedOver: ReadonlyMap<string, string> = new Map(),
): Promise<Selection> {
  const values = factValues(facts, null);
  const sets = bucketsFor(facts.alert.name, catalog.selection);
  const answers = (await Promise.all(sets.map((set) => set.answer(values)))).flat().toSorted(byPriority);
  const reasons: string[] = [];
  for (const answer of answers) {
    const outside = whyOutside(answer.rule, facts, catalog.scopes);
    if (outside !== null) {
      if (answer.state === "holds") reasons.push(outside);
      continue;
    }
    if (reasons.length < longestReasons) {
      const words = { holds: `matches with priority ${answer.rule.priority}`, fails: "does not match" };
      reasons.push(explainRule(answer, words));
    }
    const open = answer.state === "open" ? missingFact(answer) : null;
    if (open !== null) return { kind: "undecided", rule: answer.rule.name, ...open, reasons };
    const unfit = passedOver.get(answer.rule.name);
    if (unfit !== undefined) reasons.push(`${answer.rule.name} is passed over: ${unfit}`);
    const decides = answer.state === "holds" && unfit === undefined;
    const selection = decides ? decide({ rule: answer.rule, facts, values, catalog, reasons }) : null;
    if (selection !== null) return selection;
  }
  if (answers.length === 0) reasons.push(`no rule is about ${facts.alert.name}`);
  return { kind: "none", reasons };
}
