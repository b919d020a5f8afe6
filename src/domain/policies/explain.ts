// Why a rule holds or not, in one line for people: what it asked and what it found.

import type { LeafAnswer } from "./ask-leaf.ts";
import type { Leaf, RuleBase } from "./rule.ts";
import type { RuleAnswer } from "./rule-set.ts";

const longestFound = 80;

function foundText(found: unknown): string {
  const text = JSON.stringify(found) ?? "nothing";
  return text.length > longestFound ? `${text.slice(0, longestFound)}…` : text;
}

function leafText(leaf: Leaf, answer: LeafAnswer): string {
  switch (answer.state) {
    case "answered":
      if (leaf.kind === "comparison") return `${leaf.text} (found ${foundText(answer.found)})`;
      return `${leaf.text} is ${answer.holds}`;
    case "missing":
      return `${leaf.text} (missing)`;
    case "unavailable":
      return `${leaf.text} (${answer.fact} is not available: ${answer.why})`;
    case "failed":
      return `${leaf.text} (cannot be evaluated: ${answer.why})`;
  }
}

function counts(leaf: Leaf, answer: LeafAnswer): boolean {
  if (answer.state === "answered") return answer.holds === leaf.helps;
  return answer.state === "missing" && leaf.whenMissing === leaf.helps;
}

/** `crash-loops/rollback does not match: target.kind equal "Deployment" (found "StatefulSet")`. */
export function explainRule<R extends RuleBase>(
  { rule, state, leaves }: RuleAnswer<R>,
  words: { readonly holds: string; readonly fails: string },
): string {
  const relevant = leaves.filter(
    ({ leaf, answer }) => state === "open" || counts(leaf, answer) === (state === "holds"),
  );
  const why = relevant.map(({ leaf, answer }) => leafText(leaf, answer)).join("; ");
  const verdict = state === "holds" ? words.holds : state === "fails" ? words.fails : "is open";
  return `${rule.name} ${verdict}${why === "" ? "" : `: ${why}`}`;
}
