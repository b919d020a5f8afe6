// One policy file: from YAML to selection rules and guards, with every finding that needs no other file.
import { durationSeconds } from "../duration.ts";
import { rootsOfExpression } from "../expressions/roots.ts";
import type { Finding } from "../finding.ts";
import { withDefaults } from "../schema-findings.ts";
import type { CompiledTemplate } from "../templates/compile-template.ts";
import { type FindingList, findingList } from "../templates/finding-list.ts";
import type { DataPath, YamlDocument } from "../yaml-findings.ts";
import type { Calendars } from "./calendars.ts";
import { checkSelectTemplate } from "./check-select-template.ts";
import { checkShared, compileRuleCondition, leavesOf } from "./compile-condition.ts";
import type { ConditionContext } from "./condition-context.ts";
import { compileDependencies, type Dependency } from "./dependencies.ts";
import { eventFacts } from "./event-strings.ts";
import { lifts } from "./lifts.ts";
import {
  type Limit,
  type PolicyFile,
  policySchema,
  type RequireApproval,
  type Rule,
} from "./policy.generated.ts";
import type {
  ConditionTree,
  GuardEvent,
  GuardRule,
  Leaf,
  RuleBase,
  SelectionEvent,
  SelectionRule,
} from "./rule.ts";
import { zoneFault } from "./zoned-time.ts";

export interface CompiledPolicy {
  readonly name: string;
  readonly selection: readonly SelectionRule[];
  readonly guards: readonly GuardRule[];
  readonly dependencies: readonly Dependency[];
  readonly findings: readonly Finding[];
}

/** What a policy is checked against. */
export interface PolicySurroundings {
  /** `null`: a template of this name has errors of its own. */
  readonly templates: ReadonlyMap<string, CompiledTemplate | null>;
  /** null: `catalog.yaml` has errors of its own. */
  readonly calendars: Calendars | null;
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
  if (leaf.kind !== "comparison" || leaf.fact !== "alert" || leaf.whenMissing || leaf.other !== null)
    return null;
  const path = leaf.path.join(".");
  if (path !== "name" && path !== "labels.alertname") return null;
  const { operator, wanted } = leaf;
  if (operator === "equal") return typeof wanted === "string" ? new Set([wanted]) : null;
  return operator === "in" && Array.isArray(wanted) ? new Set(wanted.map(String)) : null;
}

/** A file on its way to rules. */
export interface PolicyWork extends PolicySurroundings {
  readonly file: PolicyFile;
  readonly document: YamlDocument;
  readonly list: FindingList;
}

/** What a rule does beyond choosing, unless that only takes something away. */
function holdsWhenMissing(event: Rule["event"]): boolean {
  return event.type !== "select-template" && event.type !== "escalate" && !lifts(event);
}

function compileBase(
  rule: Rule,
  index: number,
  kind: ConditionContext["kind"],
  { file, document, list, calendars }: PolicyWork,
): RuleBase {
  const path = ["rules", index];
  const leaves: Leaf[] = [];
  const condition = compileRuleCondition(rule, path, {
    kind,
    holdsWhenMissing: holdsWhenMissing(rule.event),
    timezone: file.timezone,
    calendars,
    shared: file.shared,
    list,
    leaves,
  });
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

function checkNames({ file, list }: PolicyWork): void {
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

/** Names that stand before `/` in reasons that no policy gives. */
const reservedNames: readonly string[] = ["built-in", "floor", "manual"];

function checkFile({ file, list, calendars }: PolicyWork): void {
  if (reservedNames.includes(file.name))
    list.error(["name"], "RESERVED_NAME", `"${file.name}" is gitmend's own: call the policy something else`);
  const fault = zoneFault(file.timezone);
  if (fault !== null) list.error(["timezone"], "WRONG_VALUE", fault);
  checkShared(file.shared, list, { timezone: file.timezone, calendars });
}

/** Whether a rule's conditions, shared ones included, ask how much is under way. */
function readsUsage(leaves: readonly Leaf[]): boolean {
  return leaves.some((leaf) => {
    if (leaf.kind === "comparison") return leaf.fact === "usage" || leaf.other?.fact === "usage";
    const shared = leaf.shared.flatMap(({ condition }) => leavesOf(condition));
    const mentions = leaf.text.includes("usage");
    return (mentions && rootsOfExpression(leaf.text).has("usage")) || readsUsage(shared);
  });
}

const shareScopes: readonly string[] = ["cluster", "zone", "namespace", "workload"];

function checkLimit({ params }: Limit, path: DataPath, list: FindingList): void {
  const { scope, running, starts, per, share } = params;
  if (running === undefined && starts === undefined && share === undefined)
    list.error(path, "MISSING_KEY", "a limit needs running, starts, or share");
  if (per !== undefined && starts === undefined && share === undefined)
    list.error([...path, "per"], "MISSING_KEY", 'nothing is counted within "per": add starts or share', {
      key: true,
    });
  if (share !== undefined && !shareScopes.includes(scope)) {
    const message = `there is no share of a ${scope}: say cluster, zone, namespace or workload`;
    list.error([...path, "scope"], "WRONG_VALUE", message);
  }
  if ((scope === "zone" || scope === "workload") && (running !== undefined || starts !== undefined)) {
    const message = `only a share is counted in a ${scope}: executions are counted by namespace, cluster, target, template or global`;
    list.error([...path, "scope"], "WRONG_VALUE", message);
  }
}

/** Each later than the one before, and all before the end; whom anybody joins, nobody has to be asked. */
function checkNext({ params }: RequireApproval, path: DataPath, list: FindingList): void {
  const { from, expires, next = [] } = params;
  if (next.length > 0 && from.length === 0)
    list.error([...path, "next"], "WRONG_VALUE", "`from` is empty: anybody may approve from the start", {
      key: true,
    });
  let before = 0;
  for (const [index, { after }] of next.entries()) {
    const seconds = durationSeconds(after);
    const fault =
      seconds >= durationSeconds(expires)
        ? `${after} is not before \`expires\` (${expires}): nobody would be asked`
        : seconds <= before
          ? `${after} is not later than what stands before it`
          : null;
    if (fault !== null) list.error([...path, "next", index, "after"], "WRONG_VALUE", fault);
    before = seconds;
  }
}

function compileGuard(rule: Rule, event: GuardEvent, index: number, work: PolicyWork): GuardRule {
  const { list } = work;
  const path = ["rules", index];
  if (rule.priority !== undefined) {
    const message = "all guards that fire count: a guard has no priority";
    list.error([...path, "priority"], "PRIORITY_ON_GUARD", message, { key: true });
  }
  if (event.type === "limit") checkLimit(event, [...path, "event", "params"], list);
  if (event.type === "require-approval") checkNext(event, [...path, "event", "params"], list);
  const base = compileBase(rule, index, "guard", work);
  return { ...base, event, readsUsage: readsUsage(base.leaves) };
}

function compileSelection(rule: Rule, event: SelectionEvent, index: number, work: PolicyWork): SelectionRule {
  const params = ["rules", index, "event", "params"];
  if (event.type === "select-template") checkSelectTemplate(event, params, work);
  const base = compileBase(rule, index, "selection", work);
  return { ...base, event, priority: rule.priority ?? defaultPriority };
}

const defaultPriority = 1;

/** `document` has passed the schema. */
export function compilePolicy(document: YamlDocument, surroundings: PolicySurroundings): CompiledPolicy {
  const file = withDefaults<PolicyFile>(document.value, policySchema);
  const list = findingList(document);
  const work: PolicyWork = { ...surroundings, file, document, list };
  checkFile(work);
  if (file.rules.length === 0 && file.dependencies.length === 0)
    list.error([], "MISSING_KEY", "a policy needs rules, dependencies, or both");
  const dependencies = compileDependencies(file, document, list);
  return { name: file.name, ...compileRules(work), dependencies, findings: list.found };
}

/** Of a file whose own keys are checked; what is wrong goes to its list. */
export function compileRules(work: PolicyWork): Pick<CompiledPolicy, "selection" | "guards"> {
  const selection: SelectionRule[] = [];
  const guards: GuardRule[] = [];
  checkNames(work);
  for (const [index, rule] of work.file.rules.entries()) {
    const { event } = rule;
    if (event.type === "select-template" || event.type === "escalate")
      selection.push(compileSelection(rule, event, index, work));
    else guards.push(compileGuard(rule, event, index, work));
  }
  return { selection, guards };
}
