// Two selection rules of one priority that can hold for the same alert: nobody could say which wins, so neither may stand.
// Rules count as exclusive only when their conditions say so plainly: the same value compared with different ones, or X and not X.

import type { Finding } from "../finding.ts";
import { canonicalJson, type Json } from "../json.ts";
import { leavesOf } from "./compile-condition.ts";
import type { ConditionTree, Leaf, SelectionRule } from "./rule.ts";

interface Demand {
  /** What must be true, or false, for the rule to hold. */
  readonly key: string;
  readonly holds: boolean;
  /** Whether it may be met for want of a value (`missing:`): then its contrary may be met too. */
  readonly whenMissing: boolean;
  /** The values that one path may have; null: it says nothing of that kind. */
  readonly values: { readonly place: string; readonly allowed: readonly Json[] } | null;
}

function leafKey(leaf: Leaf): string {
  if (leaf.kind === "expression") return celKey(leaf.text, leaf);
  const other = leaf.other === null ? null : [leaf.other.fact, leaf.other.path];
  return canonicalJson([leaf.fact, leaf.path, leaf.operator, leaf.wanted, other]);
}

/** The same name may stand for another shared condition in another file. */
function celKey(source: string, { shared }: Leaf & { readonly kind: "expression" }): string {
  const conditions = shared.map(({ name, condition }) => `${name}=${treeKey(condition)}`);
  return ["cel", source.trim(), ...conditions].join(" ");
}

function treeKey(tree: ConditionTree): string {
  if ("all" in tree)
    return tree.all.length === 1 && tree.all[0] !== undefined
      ? treeKey(tree.all[0])
      : `all(${tree.all.map(treeKey).join()})`;
  if ("any" in tree)
    return tree.any.length === 1 && tree.any[0] !== undefined
      ? treeKey(tree.any[0])
      : `any(${tree.any.map(treeKey).join()})`;
  if ("not" in tree) return `not(${treeKey(tree.not)})`;
  return leafKey(tree.leaf);
}

function allowedValues(leaf: Leaf): Demand["values"] {
  if (leaf.kind !== "comparison" || leaf.whenMissing || leaf.other !== null) return null;
  const place = canonicalJson([leaf.fact, leaf.path]);
  if (leaf.operator === "equal") return { place, allowed: [leaf.wanted] };
  return leaf.operator === "in" && Array.isArray(leaf.wanted) ? { place, allowed: leaf.wanted } : null;
}

function negatedKey(leaf: Leaf): string | null {
  if (leaf.kind !== "expression") return null;
  const inner = /^!\s*\((.*)\)$/s.exec(leaf.text.trim())?.[1];
  return inner === undefined || /^[^(]*\)/.test(inner) ? null : celKey(inner, leaf);
}

/** What has to be so whenever the tree holds. */
function demandsOf(tree: ConditionTree, holds: boolean): readonly Demand[] {
  if ("all" in tree && holds)
    return [...tree.all.flatMap((part) => demandsOf(part, true)), composite(tree, true)];
  if ("any" in tree && !holds)
    return [...tree.any.flatMap((part) => demandsOf(part, false)), composite(tree, false)];
  if ("not" in tree) return demandsOf(tree.not, !holds);
  if (!("leaf" in tree)) return [composite(tree, holds)];
  const { leaf } = tree;
  const negated = negatedKey(leaf);
  const whenMissing = leaf.whenMissing === holds;
  const own = { key: leafKey(leaf), holds, whenMissing, values: holds ? allowedValues(leaf) : null };
  return negated === null ? [own] : [own, { ...own, key: negated, holds: !holds, values: null }];
}

function composite(tree: ConditionTree, holds: boolean): Demand {
  const whenMissing = leavesOf(tree).some(({ missingStated }) => missingStated);
  return { key: treeKey(tree), holds, whenMissing, values: null };
}

function exclude(left: Demand, right: Demand): boolean {
  if (left.key === right.key) return left.holds !== right.holds && !(left.whenMissing && right.whenMissing);
  if (left.values === null || right.values === null || left.values.place !== right.values.place) return false;
  const { allowed } = right.values;
  return !left.values.allowed.some((value) => allowed.includes(value));
}

type Demands = (rule: SelectionRule) => readonly Demand[];

/** Demands are worked out once for each rule. */
function rememberedDemands(): Demands {
  const known = new Map<SelectionRule, readonly Demand[]>();
  return (rule) => {
    const demands = known.get(rule) ?? demandsOf(rule.condition, true);
    known.set(rule, demands);
    return demands;
  };
}

function areExclusive(left: SelectionRule, right: SelectionRule, demands: Demands): boolean {
  return demands(left).some((demand) => demands(right).some((other) => exclude(demand, other)));
}

function finding(rule: SelectionRule, other: SelectionRule): Finding {
  const { file, line, column } = other.position;
  const message = `${rule.name} and ${other.name} (${file}:${line}:${column}) have priority ${rule.priority} and can match the same alert: give them different priorities`;
  return { ...rule.position, severity: "error", code: "AMBIGUOUS_SELECTION", message };
}

/** Rules that could meet: same priority, and the same alert name or any. */
function candidates(rules: readonly SelectionRule[]): ReadonlyMap<string, readonly SelectionRule[]> {
  const groups = new Map<string, SelectionRule[]>();
  for (const rule of rules) {
    for (const name of rule.alertNames ?? ["*"]) {
      const key = `${rule.priority} ${name}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [rule]);
      else group.push(rule);
    }
  }
  return groups;
}

const mostPairs = 50;
/** Beyond this nobody can oversee which rule is meant, and comparing all with all would take seconds. */
const largestGroup = 500;

function tooMany(group: readonly SelectionRule[]): Finding {
  const [first] = group as readonly [SelectionRule];
  const message = `${group.length} rules of priority ${first.priority} are about the same alert; at most ${largestGroup}: give them priorities`;
  return { ...first.position, severity: "error", code: "AMBIGUOUS_SELECTION", message };
}

function* pairsOf(rules: readonly SelectionRule[]): Generator<readonly [SelectionRule, SelectionRule]> {
  for (const group of candidates(rules).values()) {
    for (const [index, left] of group.entries()) {
      for (const right of group.slice(index + 1)) yield [left, right];
    }
  }
  const always = rules.filter(({ alertNames }) => alertNames === null);
  for (const left of rules.filter(({ alertNames }) => alertNames !== null)) {
    for (const right of always) if (left.priority === right.priority) yield [left, right];
  }
}

/** One finding for each rule of each pair; at most fifty pairs. */
export function findAmbiguity(rules: readonly SelectionRule[]): readonly Finding[] {
  const crowded = [...candidates(rules).values()].filter((group) => group.length > largestGroup);
  if (crowded.length > 0) return crowded.map(tooMany);
  const demands = rememberedDemands();
  const found = new Map<string, readonly Finding[]>();
  for (const [left, right] of pairsOf(rules)) {
    if (found.size >= mostPairs) break;
    if (areExclusive(left, right, demands)) continue;
    found.set(`${left.name} ${right.name}`, [finding(left, right), finding(right, left)]);
  }
  return [...found.values()].flat();
}
