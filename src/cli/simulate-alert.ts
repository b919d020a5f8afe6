// One alert through selection, planning and gate, on assumptions instead of a cluster. The decisions are the controller's own
// functions; only what an action would ask a cluster for (`last-good`, a dry-run) stays as it is written.
import { foundationNamespaces, protectionProblem } from "../actions/protected.ts";
import { actions, findAction } from "../actions/registry.ts";
import { factScope } from "../domain/expressions/scope.ts";
import type { Alert } from "../domain/facts/alert.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { type Subject, type Target } from "../domain/facts/objects.ts";
import type { Gate } from "../domain/gate/gate.ts";
import { weighGate } from "../domain/gate/weigh-gate.ts";
import { subjectApis, subjectOf } from "../domain/intake/subject-of.ts";
import { type DraftPlan, draftFallback, draftPlan } from "../domain/planning/draft-plan.ts";
import type { Plan } from "../domain/planning/plan.ts";
import { callsOf, sealPlan } from "../domain/planning/seal-plan.ts";
import type { Catalog } from "../domain/policies/catalog.ts";
import { evaluateGuards } from "../domain/policies/evaluate-guards.ts";
import { selectTemplate } from "../domain/policies/select-template.ts";
import type { Selection } from "../domain/policies/selection.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { escalationTemplate } from "../domain/templates/escalation.ts";
import type { Template } from "../domain/templates/template.ts";

export interface Assumptions {
  readonly clusterLabels: Readonly<Record<string, string>>;
  readonly target: { readonly kind: string; readonly name: string } | null;
  /** ISO 8601, UTC. */
  readonly now: string;
}

export interface Simulation {
  readonly alert: Alert;
  readonly target: Target | null;
  readonly selection: Selection;
  /** null: nothing is chosen, or no plan can be made. */
  readonly plan: Plan | null;
  readonly gate: Gate | null;
  /** Why no plan can be made from files alone; null: there is one, or none was called for. */
  readonly problem: string | null;
}

export async function simulateAlert(alert: Alert, catalog: Catalog, given: Assumptions): Promise<Simulation> {
  const facts = assumeFacts(alert, given);
  const target = facts.target.available ? facts.target.value : null;
  const nothing = { alert, target, plan: null, gate: null, problem: null };
  if (alert.status === "resolved") {
    return { ...nothing, selection: { kind: "none", reasons: ["resolved alerts start nothing"] } };
  }
  const selection = await selectTemplate(facts, catalog);
  if (selection.kind === "none" || selection.kind === "undecided") return { ...nothing, selection };
  try {
    const template = templateOf(selection, catalog);
    const plan = assumePlan(template, selection, catalog.templates, facts, target);
    const verdicts = await evaluateGuards(catalog, facts, plan);
    const rules = { live: [], ownedByOperator: false, protection: protectionOf(plan) };
    return { ...nothing, selection, plan, gate: weighGate(plan, verdicts, rules).gate };
  } catch (error) {
    const problem = toProblem(error);
    if (problem.code === "INTERNAL") throw problem;
    return { ...nothing, selection, problem: problem.message };
  }
}

type Chosen = Extract<Selection, { kind: "match" | "escalate" }>;

function templateOf(selection: Chosen, catalog: Catalog): Template {
  if (selection.kind === "escalate") return escalationTemplate(selection);
  const template = catalog.templates.get(selection.template);
  if (template === undefined)
    throw new Problem("INTERNAL", `the catalog has no template ${selection.template}`);
  return template;
}

function assumePlan(
  template: Template,
  selection: Chosen,
  templates: Catalog["templates"],
  facts: Facts,
  target: Target | null,
): Plan {
  const parameters = selection.kind === "match" ? selection.parameters : {};
  const request = { template, scope: factScope(facts), target, actions: actionsByName() };
  const draft = draftPlan({ ...request, parameters });
  const tried = template.fallback === null ? undefined : templates.get(template.fallback);
  if (tried === undefined) return seal(draft, template, facts, target);
  try {
    const fallback = seal(
      draftFallback(draft.parameters, { ...request, template: tried }),
      tried,
      facts,
      target,
    );
    return seal({ ...draft, fallback }, template, facts, target);
  } catch (error) {
    const { code, message } = toProblem(error);
    if (code === "INTERNAL") throw error;
    return seal({ ...draft, fallbackImpossible: `${tried.name}: ${message}` }, template, facts, target);
  }
}

function actionsByName() {
  return new Map(actions.map((action) => [action.name, action]));
}

function seal(draft: DraftPlan, { risk }: Template, facts: Facts, target: Target | null): Plan {
  const context = { cluster: facts.alert.cluster, target };
  const objects = callsOf(draft).flatMap(
    ({ action, input }) => findAction(action)?.objects(input, context) ?? [],
  );
  return sealPlan(draft, risk, objects, actionsByName());
}

function protectionOf({ touches, target }: Plan): readonly string[] {
  const touched = target === null ? touches.objects : [...touches.objects, target];
  const rules = { namespaces: foundationNamespaces, ownNamespace: null, ownNode: null };
  const problem = protectionProblem(
    touched.map((ref) => ({ ref, object: null })),
    rules,
  );
  return problem === null ? [] : [problem.message];
}

/** No history, no labels of a namespace, and a target that is healthy to look at: nothing but its name is known. */
function assumeFacts(alert: Alert, { clusterLabels, target, now }: Assumptions): Facts {
  const subject = subjectOf(alert);
  const namespace = subject?.namespace ?? null;
  return {
    alert,
    now,
    cluster: { name: alert.cluster, labels: clusterLabels },
    subject: { available: true, value: subject },
    subjects: { available: true, value: subject === null ? [] : [subject] },
    target: { available: true, value: assumeTarget(alert, subject, target) },
    namespace: { available: true, value: namespace === null ? null : { name: namespace, labels: {} } },
    owner: { available: true, value: { team: null } },
    history: { available: true, value: { attempts: [] } },
  };
}

function assumeTarget(alert: Alert, subject: Subject | null, given: Assumptions["target"]): Target | null {
  const object = given === null ? subject : { namespace: subject?.namespace ?? null, ...given };
  if (object === null) return null;
  const { kind, namespace, name } = object;
  return {
    cluster: alert.cluster,
    apiVersion: subjectApis[kind] ?? "v1",
    kind,
    namespace,
    name,
    uid: "assumed",
    resourceVersion: "0",
    labels: {},
    annotations: {},
    spec: {},
    status: {},
    managedBy: "none",
  };
}
