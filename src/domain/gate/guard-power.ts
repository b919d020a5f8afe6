// Whether one guard stops all that another one stops. What cannot be proven is answered with no: a condition that was rewritten
// may mean the same, but nobody can tell. Bounded, because whoever can push a policy chooses its size.
import { durationSeconds } from "../duration.ts";
import type { Json } from "../json.ts";
import { approversOf } from "../policies/approvers-of.ts";
import { lifts } from "../policies/lifts.ts";
import type { OperatorName } from "../policies/operators.ts";
import type { Limit } from "../policies/policy.generated.ts";
import type { ConditionTree, GuardEvent, GuardRule, Leaf } from "../policies/rule.ts";
import { risks } from "../templates/action-description.ts";
import { asksNoOther } from "./next-approvers.ts";

const mostComparisons = 5_000;

/** Guards of one text stop the same, whatever they are called and wherever they stand. */
export function guardText({ alertNames, condition, event }: GuardRule): string {
  return JSON.stringify([alertNames?.toSorted() ?? null, treeText(condition), event]);
}

/** Wherever `old` says something, `now` says at least as much. Of what lifts something: `now` lifts nothing that `old` does not. */
export function coversGuard(old: GuardRule, now: GuardRule): boolean {
  if (lifts(now.event)) return liftsNoMore(now.event, old.event) && firesWhere(now, old);
  return isAsStrict(old.event, now.event) && firesWhere(old, now) && knowsLess(now, old);
}

/** A guard that cannot know whether it fires denies: one that asks for less is unsure less often. */
function knowsLess(now: GuardRule, old: GuardRule): boolean {
  return [...old.facts].every((fact) => now.facts.has(fact));
}

/** Whenever `narrow` fires, `wide` does. */
function firesWhere(narrow: GuardRule, wide: GuardRule): boolean {
  const names = narrow.alertNames;
  const named = wide.alertNames === null || names?.every((name) => wide.alertNames?.includes(name)) === true;
  return named && implies(narrow.condition, wide.condition, { left: mostComparisons });
}

type Budget = { left: number };

function implies(narrow: ConditionTree, wide: ConditionTree, budget: Budget): boolean {
  budget.left -= 1;
  if (budget.left < 0) return false;
  if ("all" in wide) return wide.all.every((part) => implies(narrow, part, budget));
  if ("any" in narrow) return narrow.any.every((part) => implies(part, wide, budget));
  if ("leaf" in narrow && "leaf" in wide) return impliesLeaf(narrow.leaf, wide.leaf);
  if ("not" in narrow && "not" in wide) return implies(wide.not, narrow.not, budget);
  if ("all" in narrow && narrow.all.some((part) => implies(part, wide, budget))) return true;
  return "any" in wide && wide.any.some((part) => implies(narrow, part, budget));
}

/** Operators that hold for more when their list is longer, and those that hold for more when it is shorter. */
const growing: readonly OperatorName[] = ["in", "anyGlob", "anyIn"];
const shrinking: readonly OperatorName[] = ["notIn", "noneGlob"];

function impliesLeaf(narrow: Leaf, wide: Leaf): boolean {
  if (leafText(narrow) === leafText(wide)) return true;
  if (narrow.kind !== "comparison" || wide.kind !== "comparison") return false;
  if (leafText({ ...narrow, wanted: null }) !== leafText({ ...wide, wanted: null })) return false;
  if (growing.includes(narrow.operator)) return contains(wide.wanted, narrow.wanted);
  return shrinking.includes(narrow.operator) && contains(narrow.wanted, wide.wanted);
}

function contains(large: Json, small: Json): boolean {
  return Array.isArray(large) && Array.isArray(small) && small.every((one) => large.includes(one));
}

function treeText(tree: ConditionTree): Json {
  if ("all" in tree) return { all: tree.all.map(treeText) };
  if ("any" in tree) return { any: tree.any.map(treeText) };
  return "not" in tree ? { not: treeText(tree.not) } : leafText(tree.leaf);
}

/** Without its number and without its words: a named calendar is meant with what it holds. */
function leafText(leaf: Leaf): string {
  const { helps, whenMissing } = leaf;
  if (leaf.kind === "expression") {
    const shared = leaf.shared.map(({ name, condition }) => [name, treeText(condition)]);
    return JSON.stringify([helps, whenMissing, leaf.scope, leaf.text, shared]);
  }
  const { fact, path, operator, wanted, other } = leaf;
  const compared = other === null ? null : [other.fact, other.path];
  return JSON.stringify([helps, whenMissing, fact, path, operator, wanted, compared]);
}

function liftsNoMore(now: GuardEvent, old: GuardEvent): boolean {
  if (now.type === "set-repair" && old.type === "set-repair")
    return now.params.repair === old.params.repair || old.params.repair === "live";
  return (
    now.type === "waive-approval" &&
    old.type === "waive-approval" &&
    risks.indexOf(now.params.max_risk) <= risks.indexOf(old.params.max_risk)
  );
}

/** What is denied or only observed changes nothing, so it needs neither an approval nor a limit. */
function isAsStrict(old: GuardEvent, now: GuardEvent): boolean {
  if (now.type === "deny") return true;
  if (now.type === "set-mode") return old.type !== "deny";
  if (now.type === "set-repair") return old.type === "set-repair" && now.params.repair === "git";
  if (now.type === "require-approval" && old.type === "require-approval")
    return asksAsMuch(old.params, now.params);
  return now.type === "limit" && old.type === "limit" && limitsAsMuch(old.params, now.params);
}

type Approval = Extract<GuardEvent, { type: "require-approval" }>["params"];

function asksAsMuch(old: Approval, now: Approval): boolean {
  return (
    asksNoOther(approversOf(now), approversOf(old)) &&
    now.approvals >= old.approvals &&
    durationSeconds(now.expires) <= durationSeconds(old.expires)
  );
}

function limitsAsMuch(old: Limit["params"], now: Limit["params"]): boolean {
  const per = ({ per: text = "1h" }: Limit["params"]) => durationSeconds(text);
  const noMore = (before: number | undefined, after: number | undefined) =>
    before === undefined || (after !== undefined && after <= before);
  const percent = (share: string | undefined) =>
    share === undefined ? undefined : Number.parseInt(share, 10);
  const counted = old.starts !== undefined || old.share !== undefined;
  return (
    old.scope === now.scope &&
    noMore(old.running, now.running) &&
    noMore(old.starts, now.starts) &&
    noMore(percent(old.share), percent(now.share)) &&
    (!counted || per(now) >= per(old))
  );
}
