// Turns the conditions of a rule into a tree of prepared leaves: shared conditions put in, paths parsed, values checked.
// Here it is decided what a missing value counts as: it makes a guard fire and a selection rule not match.
import { didYouMean } from "../did-you-mean.ts";
import { checkExpression } from "../expressions/check-expression.ts";
import { type CompiledExpression, compileExpression } from "../expressions/compile-expression.ts";
import { type Root, rootFields } from "../expressions/scope.ts";
import type { FetchedFact } from "../facts/facts.ts";
import type { Json } from "../json.ts";
import { readsFreeText } from "../templates/check-call.ts";
import { factOf } from "../templates/fact-of.ts";
import type { FindingList } from "../templates/finding-list.ts";
import type { DataPath } from "../yaml-findings.ts";
import { type FactPath, parseFactPath } from "./fact-path.ts";
import { prepareOperator } from "./operators.ts";
import type { Condition, Rule } from "./policy.generated.ts";
import type { ConditionTree, Leaf } from "./rule.ts";

export type RuleKind = "selection" | "guard";

export interface ConditionContext {
  readonly kind: RuleKind;
  readonly shared: Readonly<Record<string, Condition>>;
  readonly list: FindingList;
  /** Every leaf, in order. */
  readonly leaves: Leaf[];
}

interface Place {
  readonly path: DataPath;
  /** Whether a true answer here helps the rule to hold. */
  readonly helps: boolean;
  /** Shared conditions that are being put in, outermost first. */
  readonly within: readonly string[];
}

const nothing: ConditionTree = { all: [] };

function missingCounts({ kind }: ConditionContext, helps: boolean): boolean {
  return kind === "guard" ? helps : !helps;
}

function pathFault(fact: Root, path: FactPath): string | null {
  const [field] = path;
  const fields = rootFields[fact];
  if (fact === "now" && path.length > 0) return '"now" is a time and has no parts';
  if (field === undefined || fields === undefined || fields.includes(String(field))) return null;
  return `${fact} has no "${field}"${didYouMean(String(field), fields)}`;
}

function factPath(condition: Condition, at: DataPath, { list, kind }: ConditionContext): FactPath | null {
  const { fact, path: text = "$" } = condition;
  if (fact === undefined) return null;
  if (fact === "plan" && kind === "selection") {
    list.error([...at, "fact"], "PLAN_IN_SELECTION", "there is no plan yet when a template is selected");
    return null;
  }
  const path = parseFactPath(text);
  if (path === null) {
    list.error(
      [...at, "path"],
      "WRONG_VALUE",
      `"${text}" is no path: write $.labels.env or $.labels['app.kubernetes.io/name']`,
    );
    return null;
  }
  const fault = pathFault(fact, path);
  if (fault !== null)
    list.error([...at, condition.path === undefined ? "fact" : "path"], "UNKNOWN_FIELD", fault);
  if (readsFreeText({ root: fact, path: path.map(String), offset: 0 })) {
    list.error([...at, "path"], "TEXT_CHOOSES", "annotations are free text: nothing is decided by them");
  }
  if (kind === "guard") warnOfAlert(fact, path, at, list);
  return fault === null ? path : null;
}

/** A node alert carries no namespace, but its plan may touch many. */
function warnOfAlert(
  root: string,
  path: readonly (string | number | null)[],
  at: DataPath,
  list: FindingList,
): void {
  const [field, label] = path;
  const what = field === "labels" ? label : field;
  if (root !== "alert" || (what !== "namespace" && what !== "cluster")) return;
  list.warning(
    at,
    "GUARD_READS_ALERT",
    `guards judge what the plan touches: read plan.${what}s instead of the alert's ${what}`,
  );
}

function pathText(path: FactPath): string {
  const parts = path.map((key) => (/^[A-Za-z_][\w-]*$/.test(String(key)) ? `.${key}` : `['${key}']`));
  return parts.join("");
}

function comparisonLeaf(condition: Condition, place: Place, context: ConditionContext): ConditionTree {
  const { fact, operator } = condition;
  const { list, leaves } = context;
  if (fact === undefined || operator === undefined || condition.value === undefined) {
    const absent = (["fact", "operator", "value"] as const).filter((key) => condition[key] === undefined);
    list.error(
      place.path,
      "MISSING_KEY",
      `a comparison needs fact, operator and value; "${absent.join('", "')}" is missing`,
    );
    return nothing;
  }
  const wanted = condition.value as Json;
  const path = factPath(condition, place.path, context);
  const prepared = prepareOperator(operator, wanted);
  if ("fault" in prepared) list.error([...place.path, "value"], "WRONG_VALUE", prepared.fault);
  if (path === null || "fault" in prepared) return nothing;
  const needed = factOf({ root: fact, path: path.map(String) });
  const leaf: Leaf = {
    kind: "comparison",
    id: leaves.length,
    helps: place.helps,
    whenMissing: condition.missing ?? missingCounts(context, place.helps),
    facts: needed === null ? [] : [needed],
    text: `${fact}${pathText(path)} ${operator} ${JSON.stringify(wanted)}`,
    fact,
    path,
    pathText: condition.path ?? "$",
    wanted,
    operator,
  };
  leaves.push(leaf);
  return { leaf };
}

function sharedCondition(name: string, place: Place, context: ConditionContext): ConditionTree {
  const { shared, list } = context;
  const found = Object.hasOwn(shared, name) ? shared[name] : undefined;
  const at = [...place.path, "condition"];
  if (found === undefined) {
    const hint = didYouMean(name, Object.keys(shared));
    list.error(at, "UNKNOWN_CONDITION", `there is no shared condition "${name}" in this file${hint}`);
    return nothing;
  }
  if (place.within.includes(name)) {
    list.error(at, "CYCLE", `shared conditions contain each other: ${[...place.within, name].join(" -> ")}`);
    return nothing;
  }
  return compileCondition(
    found,
    { path: ["shared", name], helps: place.helps, within: [...place.within, name] },
    context,
  );
}

const forms = ["all", "any", "not", "condition", "fact"] as const;

function compileCondition(condition: Condition, place: Place, context: ConditionContext): ConditionTree {
  const used = forms.filter((form) => condition[form] !== undefined);
  const [form] = used;
  if (used.length > 1 || (form !== "fact" && form !== undefined && Object.keys(condition).length > 1)) {
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
  if (condition.not === undefined) return comparisonLeaf(condition, place, context);
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
  const { expression } = compileExpression(source, kind);
  if (expression === null && kind === "selection" && compileExpression(source, "guard").expression !== null) {
    list.error(path, "PLAN_IN_SELECTION", "there is no plan yet when a template is selected");
    return nothing;
  }
  list.faults(path, checkExpression(source, kind, "boolean"));
  if (expression === null) return nothing;
  for (const access of expression.accesses) {
    if (readsFreeText(access)) {
      list.error(path, "TEXT_CHOOSES", "annotations are free text: nothing is decided by them", {
        offset: access.offset,
      });
    }
    if (kind === "guard") warnOfAlert(access.root, access.path, path, list);
  }
  const leaf: Leaf = {
    kind: "expression",
    id: leaves.length,
    helps: true,
    whenMissing: missingCounts(context, true),
    facts: factsOf(expression),
    text: source,
    scope: kind,
  };
  leaves.push(leaf);
  return { leaf };
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

/** Shared conditions that no rule of the file uses are checked too. */
export function checkShared(shared: Readonly<Record<string, Condition>>, list: FindingList): void {
  const context: ConditionContext = { kind: "guard", shared, list: silentWarnings(list), leaves: [] };
  for (const [name, condition] of Object.entries(shared)) {
    compileCondition(condition, { path: ["shared", name], helps: true, within: [name] }, context);
  }
}

/** Whether a shared condition is for guards is known only where it is used. */
function silentWarnings(list: FindingList): FindingList {
  return { ...list, warning: () => undefined };
}
