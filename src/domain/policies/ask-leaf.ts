// One question of a rule, brought to life: what the facts answer, or why there is no answer.
import { compileExpression } from "../expressions/compile-expression.ts";
import { asCondition } from "../expressions/evaluate.ts";
import type { FetchedFact } from "../facts/facts.ts";
import type { Json } from "../json.ts";
import { Problem, toProblem } from "../problem.ts";
import { readFactPath } from "./fact-path.ts";
import type { FactValues } from "./fact-values.ts";
import { prepareOperator } from "./operators.ts";
import type { ConditionTree, Leaf } from "./rule.ts";

export type LeafAnswer =
  | { readonly state: "answered"; readonly holds: boolean; readonly found?: unknown }
  | { readonly state: "missing" }
  | { readonly state: "unavailable"; readonly fact: FetchedFact; readonly why: string }
  | { readonly state: "failed"; readonly why: string };

function unavailableAnswer(leaf: Leaf, { unavailable }: FactValues): LeafAnswer | null {
  for (const fact of leaf.facts) {
    const why = unavailable.get(fact);
    if (why !== undefined) return { state: "unavailable", fact, why };
  }
  return null;
}

/** Asks one leaf; `found` is what stands at the path of a comparison. */
export type Question = (found: unknown, values: FactValues) => LeafAnswer;

function notChecked(leaf: Leaf): Problem {
  return new Problem("INTERNAL", `"${leaf.text}" was not checked before it was asked`);
}

/** What the expression does not come to (because another part decides) does not count. */
function expressionQuestion(leaf: Leaf & { readonly kind: "expression" }): Question {
  const { expression } = compileExpression(leaf.text, leaf.scope);
  if (expression === null) throw notChecked(leaf);
  const ask = sharedQuestions(leaf);
  return (_found, values) => {
    const { shared, failed } = ask(values);
    try {
      const result = expression.evaluate({ ...values.scope, shared });
      return { state: "answered", holds: asCondition(leaf.text, result) };
    } catch (error) {
      const problem = toProblem(error);
      if (problem.details["missing"] !== true) return { state: "failed", why: problem.message };
      return unavailableAnswer(leaf, values) ?? failed ?? { state: "missing" };
    }
  };
}

interface SharedAnswers {
  /** Without those whose answer is not there: reading one is reading a value that is missing. */
  readonly shared: Readonly<Record<string, boolean>>;
  readonly failed: (LeafAnswer & { readonly state: "failed" }) | null;
}

function sharedQuestions({
  shared,
}: Leaf & { readonly kind: "expression" }): (values: FactValues) => SharedAnswers {
  const questions = shared.map(({ name, condition }) => ({ name, ask: treeQuestion(condition) }));
  return (values) => {
    const answers = questions.map(({ name, ask }) => ({ name, answer: ask(values) }));
    const known = answers.flatMap(({ name, answer }) =>
      answer.state === "answered" ? [[name, answer.holds] as const] : [],
    );
    const failed = answers.map(({ answer }) => answer).find((answer) => answer.state === "failed");
    return { shared: Object.fromEntries(known), failed: failed ?? null };
  };
}

/** A condition by itself: one part that decides is enough, whatever the others say; else what is not known is not known. */
function treeQuestion(tree: ConditionTree): (values: FactValues) => LeafAnswer {
  if ("leaf" in tree) return leafQuestion(tree.leaf);
  if ("not" in tree) {
    const ask = treeQuestion(tree.not);
    return (values) => {
      const answer = ask(values);
      return answer.state === "answered" ? { state: "answered", holds: !answer.holds } : answer;
    };
  }
  const decides = "any" in tree;
  const questions = ("any" in tree ? tree.any : tree.all).map(treeQuestion);
  return (values) => {
    const answers = questions.map((ask) => ask(values));
    const decided = answers.find((answer) => answer.state === "answered" && answer.holds === decides);
    const open = answers.find(({ state }) => state !== "answered");
    return decided ?? open ?? { state: "answered", holds: !decides };
  };
}

function leafQuestion(leaf: Leaf): (values: FactValues) => LeafAnswer {
  const ask = questionOf(leaf);
  return (values) => {
    const answer = ask(foundAt(leaf, values), values);
    if (answer.state !== "missing" || !leaf.missingStated) return answer;
    return { state: "answered", holds: leaf.whenMissing };
  };
}

function foundAt(leaf: Leaf, { scope }: FactValues): unknown {
  return leaf.kind === "comparison" ? readFactPath(scope[leaf.fact], leaf.path) : undefined;
}

type Compare = (found: unknown, values: FactValues) => boolean | Problem | undefined;

/** undefined: the other fact's value is missing. */
function comparisonOf(leaf: Leaf & { readonly kind: "comparison" }): Compare {
  const { operator, other } = leaf;
  if (other !== null) {
    return (found, { scope }) => {
      const wanted = readFactPath(scope[other.fact], other.path);
      if (wanted === undefined || wanted === null) return undefined;
      const prepared = prepareOperator(operator, wanted as Json);
      if ("comparison" in prepared) return prepared.comparison(found, String(scope.now));
      return new Problem("EXPRESSION_FAILED", `its value is wrong: ${prepared.fault}`);
    };
  }
  const prepared = prepareOperator(operator, leaf.wanted);
  if ("fault" in prepared) throw notChecked(leaf);
  return (found, { scope }) => prepared.comparison(found, String(scope.now));
}

function comparisonQuestion(leaf: Leaf & { readonly kind: "comparison" }): Question {
  const compare = comparisonOf(leaf);
  return (found, values) => {
    const unavailable = unavailableAnswer(leaf, values);
    if (unavailable !== null) return unavailable;
    if (found === undefined || found === null) return { state: "missing" };
    const result = compare(found, values);
    if (typeof result === "boolean") return { state: "answered", holds: result, found };
    const missing = result === undefined || result.details["missing"] === true;
    return missing ? { state: "missing" } : { state: "failed", why: result.message };
  };
}

/** @throws Problem INTERNAL: the leaf was not checked when it was compiled */
export function questionOf(leaf: Leaf): Question {
  return leaf.kind === "expression" ? expressionQuestion(leaf) : comparisonQuestion(leaf);
}
