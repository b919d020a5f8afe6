// One alert through selection, planning and gate, on assumptions instead of a cluster. The decisions are the controller's own
// functions; only what an action would ask a cluster for (`last-good`, a dry-run) stays as it is written.

import { customActions } from "../actions/custom/custom-action.ts";
import { foundationNamespaces, protectionProblem } from "../actions/protected.ts";
import { actions } from "../actions/registry.ts";
import { wayBack } from "../controller/make-plan.ts";
import { factScope } from "../domain/expressions/scope.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { ObjectRef, Target } from "../domain/facts/objects.ts";
import type { Count, Usage } from "../domain/facts/usage.ts";
import { limitReached } from "../domain/gate/limits.ts";
import { managerDenial, repairOf, wantedRepair } from "../domain/gate/managed-by.ts";
import { scopeDenials } from "../domain/gate/scope-denials.ts";
import { refusedByLimit, weighGate } from "../domain/gate/weigh-gate.ts";
import { type DraftPlan, draftFallback, draftPlan } from "../domain/planning/draft-plan.ts";
import type { Plan } from "../domain/planning/plan.ts";
import { callsOf, sealPlan } from "../domain/planning/seal-plan.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { evaluateGuards } from "../domain/policies/evaluate-guards.ts";
import { type ExplainedRule, explainGuards, explainSelection } from "../domain/policies/explain-rules.ts";
import { planScopes } from "../domain/policies/plan-sources.ts";
import { selectTemplate } from "../domain/policies/select-template.ts";
import type { LimitScope, Selection } from "../domain/policies/selection.ts";
import type { TestedDecision } from "../domain/policy-tests/judge-policy-test.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { escalationTemplate } from "../domain/templates/escalation.ts";
import type { Template } from "../domain/templates/template.ts";
import { type Assumptions, assumeFacts, assumeUsage } from "./assume-facts.ts";

export interface Simulation extends TestedDecision {
  readonly alert: Alert;
  readonly target: Target | null;
  /** Every rule that was asked, with what it found. */
  readonly rules: readonly ExplainedRule[];
  /** Why no plan can be made from files alone; null: there is one, or none was called for. */
  readonly problem: string | null;
}

const actionsByName = new Map(actions.map((action) => [action.name, action]));

export async function simulateAlert(alert: Alert, catalog: Catalog, given: Assumptions): Promise<Simulation> {
  const facts = assumeFacts(alert, given);
  const target = facts.target.available ? facts.target.value : null;
  const nothing = { alert, target, plan: null, gate: null, mode: null, rules: [], problem: null };
  if (alert.status === "resolved")
    return { ...nothing, selection: { kind: "none", reasons: ["resolved alerts start nothing"] } };
  const asked = await explainSelection(facts, catalog);
  const selection = await selectTemplate(facts, catalog);
  if (selection.kind !== "match" && selection.kind !== "escalate")
    return { ...nothing, selection, rules: asked };
  try {
    const plan = assumePlan(selection, facts, target, catalog);
    const usage = assumeUsage(given);
    const rules = [
      ...asked,
      ...(await explainGuards(facts, catalog, { ...plan, repair: repairOf(plan) }, usage)),
    ];
    return { ...nothing, selection, plan, rules, ...(await weigh(plan, facts, usage, catalog)) };
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "INTERNAL") throw problem;
    return { ...nothing, selection, rules: asked, problem: problem.message };
  }
}

/** As if gitmend.yaml let everything run: what is refused or only observed then is so because of the policies. */
async function weigh(plan: Plan, facts: Facts, usage: Usage, catalog: Catalog) {
  const target = facts.target.available ? facts.target.value : null;
  const verdicts = await evaluateGuards(catalog, facts, { ...plan, repair: repairOf(plan) }, usage);
  const protection = protectionOf(plan, facts, target);
  const manager = target === null ? null : managerDenial(plan, target, wantedRepair(verdicts, target));
  const scope = scopeDenials(plan, catalog.scopes, (action) => wayBack(actionsByName, action));
  const { gate, mode, limits } = weighGate(plan, verdicts, { live: [{}], manager, protection, scope });
  const counts: Partial<Record<LimitScope, Count>> = usage;
  for (const limit of limits) {
    const count = counts[limit.scope] ?? { running: 0, starts: 0 };
    const reached = limitReached(limit, new Map(limit.keys.map((key) => [key, count])));
    if (reached !== null) return { gate: refusedByLimit(limit, reached), mode };
  }
  return { gate, mode };
}

type Chosen = Extract<Selection, { kind: "match" | "escalate" }>;

function templateOf(selection: Chosen, catalog: Catalog): Template {
  return selection.kind === "escalate"
    ? escalationTemplate(selection)
    : namedTemplate(selection.template, catalog);
}

function namedTemplate(name: string, { templates }: Catalog): Template {
  const template = templates.get(name);
  if (template === undefined) throw new Problem("INTERNAL", `the catalog has no template ${name}`);
  return template;
}

function assumePlan(selection: Chosen, facts: Facts, target: Target | null, catalog: Catalog): Plan {
  const template = templateOf(selection, catalog);
  const parameters = selection.kind === "match" ? selection.parameters : {};
  const byName = new Map([...actionsByName, ...customActions(catalog.actions.values())]);
  const request = { template, scope: factScope(facts), target, actions: byName };
  const seal = (draft: DraftPlan, { risk }: Template) => {
    const context = { cluster: facts.alert.cluster, target };
    const objects = callsOf(draft).flatMap(
      ({ action, input }) => byName.get(action)?.objects(input, context) ?? [],
    );
    return sealPlan(draft, risk, objects, byName);
  };
  const scopes = selection.kind === "match" ? planScopes(selection.rule, template, catalog) : [];
  const bare = draftPlan({ ...request, parameters });
  const draft = scopes.length === 0 ? bare : { ...bare, scopes };
  if (template.fallback === null) return seal(draft, template);
  const second = namedTemplate(template.fallback, catalog);
  try {
    const fallback = seal(draftFallback(draft.parameters, { ...request, template: second }), second);
    return seal({ ...draft, fallback }, template);
  } catch (error) {
    const { code, message } = toProblem(error);
    if (code === "INTERNAL") throw error;
    return seal({ ...draft, fallbackImpossible: `${second.name}: ${message}` }, template);
  }
}

/** Of objects nothing is known but what the test or the options say of target and namespace. */
function protectionOf({ touches }: Plan, { namespace }: Facts, target: Target | null): readonly string[] {
  const withLabels = (ref: ObjectRef, uid: string, labels: Target["labels"]) => {
    const metadata = { name: ref.name, uid, resourceVersion: "0", labels };
    return { ref, object: { apiVersion: ref.apiVersion, kind: ref.kind, metadata } };
  };
  const around = namespace.available ? namespace.value : null;
  const found = [
    ...touches.objects.map((ref) => ({ ref, object: null })),
    ...(target === null ? [] : [withLabels(target, target.uid, target.labels)]),
    ...(target === null || around === null || around.name !== target.namespace
      ? []
      : [withLabels(namespaceRef(target.cluster, around.name), "assumed", around.labels)]),
  ];
  const rules = { namespaces: foundationNamespaces, ownNamespace: null, ownNode: null };
  const problem = protectionProblem(found, rules);
  return problem === null ? [] : [problem.message];
}

function namespaceRef(cluster: string, name: string): ObjectRef {
  return { cluster, apiVersion: "v1", kind: "Namespace", namespace: null, name };
}
