// One policy file: from YAML to selection rules and guards, with every finding that needs no other file.
import { didYouMean } from "../did-you-mean.ts";
import { readText } from "../expressions/check-expression.ts";
import type { Access } from "../expressions/compile-expression.ts";
import type { FetchedFact } from "../facts/facts.ts";
import type { Finding } from "../finding.ts";
import type { Json } from "../json.ts";
import { withDefaults } from "../schema-findings.ts";
import { valueChecker, valueValidation } from "../templates/action-index.ts";
import { readsFreeText } from "../templates/check-call.ts";
import type { CompiledTemplate } from "../templates/compile-template.ts";
import { factOf } from "../templates/fact-of.ts";
import { type FindingList, findingList } from "../templates/finding-list.ts";
import type { DataPath, YamlDocument } from "../yaml-findings.ts";
import { type ConditionContext, checkShared, compileRuleCondition } from "./compile-condition.ts";
import { type PolicyFile, policySchema, type Rule, type SelectTemplate } from "./policy.generated.ts";
import type { ConditionTree, GuardRule, Leaf, RuleBase, SelectionRule } from "./rule.ts";

export interface CompiledPolicy {
  readonly name: string;
  readonly selection: readonly SelectionRule[];
  readonly guards: readonly GuardRule[];
  readonly findings: readonly Finding[];
}

/** What a policy is checked against. `null`: a template of this name has errors of its own. */
export interface KnownTemplates {
  readonly byName: ReadonlyMap<string, CompiledTemplate | null>;
}

/** The alert names that a rule's conditions name themselves; null: it may hold for any. */
function namesInConditions(tree: ConditionTree): ReadonlySet<string> | null {
  if ("all" in tree) {
    return tree.all.map(namesInConditions).find((names) => names !== null) ?? null;
  }
  if ("any" in tree) {
    const parts = tree.any.map(namesInConditions);
    return parts.length === 0 || parts.includes(null)
      ? null
      : new Set(parts.flatMap((names) => [...(names ?? [])]));
  }
  return "leaf" in tree ? namesInLeaf(tree.leaf) : null;
}

function namesInLeaf(leaf: Leaf): ReadonlySet<string> | null {
  if (leaf.kind !== "comparison" || leaf.fact !== "alert" || leaf.whenMissing) return null;
  const path = leaf.path.join(".");
  if (path !== "name" && path !== "labels.alertname") return null;
  const { operator, wanted } = leaf;
  if (operator === "equal") return typeof wanted === "string" ? new Set([wanted]) : null;
  return operator === "in" && Array.isArray(wanted) ? new Set(wanted.map(String)) : null;
}

/** Strings of an event at any depth, with their paths. */
function stringsOf(
  value: Json,
  path: DataPath,
): readonly { readonly text: string; readonly path: DataPath }[] {
  if (typeof value === "string") return [{ text: value, path }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    stringsOf(member ?? null, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/** Reads every `{{ }}` of an event's value and reports what is wrong with it. */
function readStrings(
  value: Json,
  path: DataPath,
  list: FindingList,
): readonly { readonly access: Access; readonly path: DataPath; readonly offset: number }[] {
  return stringsOf(value, path).flatMap(({ text, path: here }) => {
    const reading = readText(text, "selection");
    list.faults(here, reading.faults);
    return reading.expressions.flatMap(({ expression, offset }) =>
      expression.accesses.map((access) => ({ access, path: here, offset: offset + access.offset })),
    );
  });
}

/** The strings of an event are read twice; their faults are reported once, by eventFacts. */
function silent(list: FindingList): FindingList {
  return { ...list, faults: () => undefined };
}

function checkParameter(
  name: string,
  value: Json,
  path: DataPath,
  template: CompiledTemplate,
  list: FindingList,
): void {
  const known = template.template.parameters;
  const schema = known[name];
  if (schema === undefined) {
    const message = `template "${template.template.name}" has no parameter "${name}"${didYouMean(name, Object.keys(known))}`;
    list.error(path, "UNKNOWN_PARAMETER", message, { key: true });
    return;
  }
  const isLiteral = !stringsOf(value, path).some(({ text }) => text.includes("{{"));
  const wrong = isLiteral ? valueChecker(valueValidation(), schema)(value) : null;
  if (wrong !== null) list.error(path, "WRONG_TYPE", `parameter "${name}": ${wrong}`);
  for (const { access, path: here, offset } of readStrings(value, path, silent(list))) {
    if (!readsFreeText(access) || !template.steering.has(name)) continue;
    const message = `annotations are free text: parameter "${name}" decides what the template does`;
    list.error(here, "TEXT_CHOOSES", message, { offset });
  }
}

function checkSelectTemplate(
  { params }: SelectTemplate,
  path: DataPath,
  templates: KnownTemplates,
  list: FindingList,
): void {
  const template = templates.byName.get(params.template);
  if (template === undefined) {
    const hint = didYouMean(params.template, templates.byName.keys());
    list.error([...path, "template"], "UNKNOWN_TEMPLATE", `there is no template "${params.template}"${hint}`);
    return;
  }
  if (template === null) return;
  const given = Object.entries(params.parameters);
  for (const [name, value] of given) {
    checkParameter(name, (value ?? null) as Json, [...path, "parameters", name], template, list);
  }
  for (const [name, schema] of Object.entries(template.template.parameters)) {
    if (schema["default"] !== undefined || Object.hasOwn(params.parameters, name)) continue;
    list.error(path, "MISSING_PARAMETER", `template "${params.template}" needs parameter "${name}"`);
  }
}

/** Facts that the `{{ }}` of an event read; what is wrong with them is reported here. */
function eventFacts({ event }: Rule, path: DataPath, list: FindingList): readonly FetchedFact[] {
  if (event.type !== "select-template" && event.type !== "escalate") return [];
  const params = [...path, "event", "params"];
  const accesses =
    event.type === "escalate"
      ? readStrings(event.params.message, [...params, "message"], list)
      : readStrings(event.params.parameters as Json, [...params, "parameters"], list);
  return accesses.map(({ access }) => factOf(access)).filter((fact) => fact !== null);
}

interface Work {
  readonly file: PolicyFile;
  readonly document: YamlDocument;
  readonly list: FindingList;
  readonly templates: KnownTemplates;
}

function compileBase(
  rule: Rule,
  index: number,
  kind: ConditionContext["kind"],
  { file, document, list }: Work,
): RuleBase {
  const path = ["rules", index];
  const leaves: Leaf[] = [];
  const condition = compileRuleCondition(rule, path, { kind, shared: file.shared, list, leaves });
  const named = namesInConditions(condition);
  const facts = [...leaves.flatMap((leaf) => leaf.facts), ...eventFacts(rule, path, list)];
  return {
    name: `${file.name}/${rule.name}`,
    alertNames: rule.on ?? (named === null ? null : [...named]),
    condition,
    leaves,
    facts: new Set(facts),
    position: document.position(path),
  };
}

function checkNames({ file, list }: Work): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of file.rules.entries()) {
    const earlier = seen.get(name);
    if (earlier === undefined) seen.set(name, index);
    else
      list.error(
        ["rules", index, "name"],
        "DUPLICATE_NAME",
        `rule ${earlier + 1} of this file is called "${name}" too`,
      );
  }
}

const defaultPriority = 1;

/** `document` has passed the schema. */
export function compilePolicy(document: YamlDocument, templates: KnownTemplates): CompiledPolicy {
  const file = withDefaults<PolicyFile>(document.value, policySchema);
  const list = findingList(document);
  const work: Work = { file, document, list, templates };
  const selection: SelectionRule[] = [];
  const guards: GuardRule[] = [];
  checkNames(work);
  checkShared(file.shared, list);
  for (const [index, rule] of file.rules.entries()) {
    const { event } = rule;
    const path = ["rules", index];
    if (event.type === "select-template" || event.type === "escalate") {
      if (event.type === "select-template")
        checkSelectTemplate(event, [...path, "event", "params"], templates, list);
      selection.push({
        ...compileBase(rule, index, "selection", work),
        event,
        priority: rule.priority ?? defaultPriority,
      });
    } else {
      if (rule.priority !== undefined) {
        list.error(
          [...path, "priority"],
          "PRIORITY_ON_GUARD",
          "all guards that fire count: a guard has no priority",
          { key: true },
        );
      }
      guards.push({ ...compileBase(rule, index, "guard", work), event });
    }
  }
  return { name: file.name, selection, guards, findings: list.found };
}
