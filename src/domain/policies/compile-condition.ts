// Turns the conditions of a rule into a tree of prepared leaves, shared conditions put in, everything checked.
import { didYouMean } from "../did-you-mean.ts";
import { fits } from "../expressions/check-expression.ts";
import {
  type Access,
  type CompiledExpression,
  compileExpression,
} from "../expressions/compile-expression.ts";
import type { FetchedFact } from "../facts/facts.ts";
import { readsFreeText } from "../templates/check-call.ts";
import { factOf } from "../templates/fact-of.ts";
import type { FindingList } from "../templates/finding-list.ts";
import type { DataPath } from "../yaml-findings.ts";
import { compileComparison } from "./compile-comparison.ts";
import type { ValueSurroundings } from "./compile-value.ts";
import { type ConditionContext, missingCounts, type Place } from "./condition-context.ts";
import { notYet, warnOfAlert } from "./fact-place.ts";
import type { Condition, Rule } from "./policy.generated.ts";
import type { ConditionTree, Leaf } from "./rule.ts";

const nothing: ConditionTree = { all: [] };

function sharedCondition(name: string, place: Place, context: ConditionContext): ConditionTree {
  const found = findShared(name, [...place.path, "condition"], context);
  if (found === null) return nothing;
  if (place.within.includes(name)) {
    const message = `shared conditions contain each other: ${[...place.within, name].join(" -> ")}`;
    context.list.error([...place.path, "condition"], "CYCLE", message);
    return nothing;
  }
  return compileCondition(
    found,
    { path: ["shared", name], helps: place.helps, within: [...place.within, name] },
    context,
  );
}

function findShared(
  name: string,
  at: DataPath,
  { shared, list }: ConditionContext,
  offset = 0,
): Condition | null {
  const found = Object.hasOwn(shared, name) ? shared[name] : undefined;
  if (found !== undefined) return found;
  const hint = didYouMean(name, Object.keys(shared));
  list.error(at, "UNKNOWN_CONDITION", `there is no shared condition "${name}" in this file${hint}`, {
    offset,
  });
  return null;
}

const forms = ["all", "any", "not", "condition", "fact"] as const;

/** Say nothing of what is compared. */
const besides: readonly string[] = ["name", "priority"];

function compileCondition(condition: Condition, place: Place, context: ConditionContext): ConditionTree {
  const used = forms.filter((form) => condition[form] !== undefined);
  const [form] = used;
  const size = Object.keys(condition).filter((key) => !besides.includes(key)).length;
  if (used.length > 1 || (form !== "fact" && form !== undefined && size > 1)) {
    const keys = Object.keys(condition).join(", ");
    context.list.error(
      place.path,
      "WRONG_VALUE",
      `a condition is one of all, any, not, condition or a comparison; this has ${keys}`,
    );
    return nothing;
  }
  const part = (inner: Condition, index: number) =>
    compileCondition(inner, { ...place, path: [...place.path, form ?? "", index] }, context);
  if (condition.all !== undefined) return { all: condition.all.map(part) };
  if (condition.any !== undefined) return { any: condition.any.map(part) };
  if (condition.condition !== undefined) return sharedCondition(condition.condition, place, context);
  if (condition.not === undefined) {
    const leaf = compileComparison(condition, place, context);
    return leaf === null ? nothing : { leaf };
  }
  const path = [...place.path, "not"];
  return { not: compileCondition(condition.not, { ...place, path, helps: !place.helps }, context) };
}

/** What an expression needs fetched. */
export function factsOf({ accesses }: CompiledExpression): readonly FetchedFact[] {
  const facts = accesses.map(factOf).filter((fact) => fact !== null);
  return [...new Set(facts)];
}

function whenLeaf(source: string, path: DataPath, context: ConditionContext): ConditionTree {
  const { kind, list, leaves } = context;
  const { expression, faults } = compileExpression(source, kind);
  if (expression === null) {
    const early = kind === "selection" && compileExpression(source, "guard").expression !== null;
    if (early) list.error(path, "PLAN_IN_SELECTION", notYet.plan ?? "");
    else list.faults(path, faults);
    return nothing;
  }
  if (!fits(expression.type, "boolean")) {
    const message = `gives ${expression.type}, but boolean is needed here`;
    list.faults(path, [{ message, offset: 0 }]);
  }
  checkReads(expression, path, context);
  const shared = sharedIn(expression, path, context);
  const sharedFacts = shared.flatMap(({ condition }) => leavesOf(condition).flatMap(({ facts }) => facts));
  const leaf: Leaf = {
    kind: "expression",
    id: leaves.length,
    helps: true,
    whenMissing: missingCounts(context, true),
    missingStated: false,
    facts: [...new Set([...factsOf(expression), ...sharedFacts])],
    text: source,
    scope: kind,
    shared,
  };
  leaves.push(leaf);
  return { leaf };
}

function checkReads(
  { accesses }: CompiledExpression,
  path: DataPath,
  { kind, list }: ConditionContext,
): void {
  for (const access of accesses) {
    if (readsFreeText(access)) {
      const message = "annotations are free text: nothing is decided by them";
      list.error(path, "TEXT_CHOOSES", message, { offset: access.offset });
    }
    if (kind === "guard") warnOfAlert(access.root, access.path, path, list);
  }
}

type SharedInExpression = Extract<Leaf, { kind: "expression" }>["shared"];

/** The conditions that an expression names with `shared('name')`, each with leaves of its own. */
function sharedIn(
  { accesses }: CompiledExpression,
  path: DataPath,
  context: ConditionContext,
): SharedInExpression {
  const named = new Map<string, Access>();
  for (const access of accesses.filter(({ root }) => root === "shared")) {
    const [name] = access.path;
    if (typeof name === "string") named.set(name, access);
    else context.list.faults(path, [{ message: "write shared('name')", offset: access.offset }]);
  }
  return [...named].flatMap(([name, { offset }]) => {
    const found = findShared(name, path, context, offset);
    if (found === null) return [];
    const place: Place = { path: ["shared", name], helps: true, within: [name] };
    return [{ name, condition: compileCondition(found, place, { ...context, leaves: [] }) }];
  });
}

/** `when` and `conditions` of a rule: both must hold. */
export function compileRuleCondition(rule: Rule, path: DataPath, context: ConditionContext): ConditionTree {
  const parts: ConditionTree[] = [];
  if (rule.when !== undefined) parts.push(whenLeaf(rule.when, [...path, "when"], context));
  if (rule.conditions !== undefined) {
    parts.push(
      compileCondition(rule.conditions, { path: [...path, "conditions"], helps: true, within: [] }, context),
    );
  }
  return { all: parts };
}

/** All leaves of a condition. */
export function leavesOf(tree: ConditionTree): readonly Leaf[] {
  if ("all" in tree) return tree.all.flatMap(leavesOf);
  if ("any" in tree) return tree.any.flatMap(leavesOf);
  return "not" in tree ? leavesOf(tree.not) : [tree.leaf];
}

/** Shared conditions that no rule of the file uses are checked too. */
export function checkShared(
  shared: Readonly<Record<string, Condition>>,
  list: FindingList,
  surroundings: ValueSurroundings,
): void {
  const context: ConditionContext = {
    ...surroundings,
    kind: "guard",
    holdsWhenMissing: true,
    shared,
    list: silentWarnings(list),
    leaves: [],
  };
  for (const [name, condition] of Object.entries(shared)) {
    compileCondition(condition, { path: ["shared", name], helps: true, within: [name] }, context);
  }
}

/** Whether a shared condition is for guards is known only where it is used. */
function silentWarnings(list: FindingList): FindingList {
  return { ...list, warning: () => undefined };
}
