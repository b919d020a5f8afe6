// Template + facts -> a draft: parameters filled and checked, every expression evaluated that does not need a step's output.
// Symbolic input (`revision: last-good`) is still in it: controller/make-plan.ts lets the actions resolve it, then seals.
import type { Scope } from "../expressions/scope.ts";
import type { Target } from "../facts/objects.ts";
import type { Json } from "../json.ts";
import type { Template } from "../templates/template.ts";
import { fillParameters } from "./check-values.ts";
import type { Plan, PlannedStep, Taken } from "./plan.ts";
import { type Actions, filledText } from "./plan-call.ts";
import { planFinally, planSteps, planWhenResolved } from "./plan-steps.ts";
import { fallbackStep } from "./step-names.ts";

/** All of a plan but what follows from its resolved input. */
export type DraftPlan = Omit<Plan, "risk" | "touches" | "digest">;

export interface DraftRequest {
  readonly template: Template;
  /** As the selection rule gave them. */
  readonly parameters: Readonly<Record<string, Json>>;
  /** alert, subject, subjects, target, namespace, cluster, owner, history, now. */
  readonly scope: Scope;
  readonly target: Target | null;
  readonly actions: Actions;
  /** Left out: it begins at its first step. */
  readonly taken?: Taken;
}

/** Without its fallback. @throws Problem PARAMETER_INVALID, EXPRESSION_FAILED */
export function draftPlan(request: DraftRequest): DraftPlan {
  const { template, target, actions } = request;
  const parameters = fillParameters(template, request.parameters);
  const scope: Scope = { ...request.scope, params: parameters };
  const whenResolved = planWhenResolved(template, scope, actions);
  return {
    template: { name: template.name, version: template.version, hash: template.hash },
    target: target === null ? null : identityOf(target),
    parameters,
    ...(request.taken === undefined ? {} : { taken: request.taken }),
    steps: planSteps(template, scope, actions),
    finally: planFinally(template, scope, actions),
    ...(whenResolved.length === 0 ? {} : { whenResolved }),
    fallback: null,
    fallbackImpossible: null,
    assessment: planAssessment(template, scope),
    timeoutSeconds: template.timeoutSeconds,
    maxParallel: template.maxParallel,
    ...(template.stopWhenHealthy === true ? { stopWhenHealthy: true } : {}),
    cooldownSeconds: template.cooldownSeconds,
    approvalRequired: template.steps.some((step) => step.approvalRequired),
  };
}

/** A draft of the template's fallback, with the parameters of the same names and then its own defaults. */
export function draftFallback(
  main: Readonly<Record<string, Json>>,
  request: Omit<DraftRequest, "parameters">,
): DraftPlan {
  const wanted = Object.keys(request.template.parameters);
  const parameters = Object.fromEntries(Object.entries(main).filter(([name]) => wanted.includes(name)));
  const draft = draftPlan({ ...request, parameters });
  const { steps, finally: last, whenResolved } = draft;
  return {
    ...draft,
    steps: steps.map(asFallback),
    finally: last.map(asFallback),
    ...(whenResolved === undefined ? {} : { whenResolved: whenResolved.map(asFallback) }),
  };
}

function asFallback<T extends PlannedStep>(step: T): T {
  return { ...step, name: fallbackStep(step.name), dependsOn: step.dependsOn.map(fallbackStep) };
}

function identityOf({
  cluster,
  apiVersion,
  kind,
  namespace,
  name,
  uid,
}: Target): NonNullable<Plan["target"]> {
  return { cluster, apiVersion, kind, namespace, name, uid };
}

/** Queries are filled in now, so that what people approve is what will be asked. */
function planAssessment({ effectiveness }: Template, scope: Scope): Plan["assessment"] {
  const { delaySeconds, checks } = effectiveness;
  return {
    delaySeconds,
    checks: checks.map(({ promql, expect }) => ({ promql: filledText(promql, scope), expect })),
  };
}
