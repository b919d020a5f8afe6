// Match -> plan: draft (pure), let each action make its symbolic input absolute, seal (pure), then a server-side dry-run
// of every change whose input is known now. Reads and dry-runs only: nothing is changed here.

import type { Action, ActionContext, ActionTools, EffectRunner } from "../actions/action.ts";
import { redactChange } from "../actions/redact-change.ts";
import { rootsOf } from "../domain/expressions/roots.ts";
import { factScope } from "../domain/expressions/scope.ts";
import type { Facts } from "../domain/facts/facts.ts";
import type { ObjectRef, Target } from "../domain/facts/objects.ts";
import type { Json } from "../domain/json.ts";
import { type DraftPlan, draftPlan } from "../domain/planning/draft-plan.ts";
import type { Effect, Preview } from "../domain/planning/effect.ts";
import type { ActionCall, Plan, PlannedStep } from "../domain/planning/plan.ts";
import { callsOf, sealPlan } from "../domain/planning/seal-plan.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import type { Template } from "../domain/templates/template.ts";

const dryRunTries = 3;

export interface PlanPorts {
  readonly actions: ReadonlyMap<string, Action>;
  readonly effects: EffectRunner;
}

export interface PlanRequest {
  readonly executionId: string;
  readonly template: Template;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly facts: Facts;
  readonly target: Target | null;
}

/** @throws Problem PARAMETER_INVALID, EXPRESSION_FAILED, NOTHING_TO_ROLL_BACK, TARGET_GONE, API_* */
export async function makePlan(
  request: PlanRequest,
  tools: ActionTools,
  { actions, effects }: PlanPorts,
): Promise<{ readonly plan: Plan; readonly previews: readonly Preview[] }> {
  const { template, parameters, facts, target } = request;
  const draft = draftPlan({ template, parameters, scope: factScope(facts), target, actions });
  const context = { cluster: facts.alert.cluster, target };
  const resolved: DraftPlan = { ...draft, steps: await resolveSteps(draft.steps, context, tools, actions) };
  const objects = callsOf(resolved).flatMap((call) => objectsOf(call, context, actions));
  const plan = sealPlan(resolved, template.risk, objects, actions);
  return { plan, previews: await previewSteps(plan, request, tools, { actions, effects }) };
}

type ResolveContext = Pick<ActionContext, "cluster" | "target">;

async function resolveSteps(
  steps: readonly PlannedStep[],
  context: ResolveContext,
  tools: ActionTools,
  actions: PlanPorts["actions"],
): Promise<readonly PlannedStep[]> {
  const resolve = async (call: ActionCall): Promise<ActionCall> => {
    const action = findAction(actions, call.action);
    if (action.resolve === undefined || isRunTime(call)) return call;
    return { action: call.action, input: await action.resolve(call.input, context, tools) };
  };
  const resolved: PlannedStep[] = [];
  for (const step of steps) {
    const alternatives = [];
    for (const { call, undo } of step.alternatives)
      alternatives.push({ call: await resolveLater(call, resolve), undo });
    resolved.push({ ...step, call: await resolve(step.call), alternatives });
  }
  return resolved;
}

/** An alternative that cannot be resolved now (nothing to roll back to) must not stop the plan: it fails when its turn comes. */
async function resolveLater(
  call: ActionCall,
  resolve: (call: ActionCall) => Promise<ActionCall>,
): Promise<ActionCall> {
  try {
    return await resolve(call);
  } catch (error) {
    if (toProblem(error).retryable) throw error;
    return call;
  }
}

function objectsOf(
  call: ActionCall,
  context: ResolveContext,
  actions: PlanPorts["actions"],
): readonly ObjectRef[] {
  return findAction(actions, call.action).objects(call.input, context);
}

async function previewSteps(
  plan: Plan,
  request: PlanRequest,
  tools: ActionTools,
  { actions, effects }: PlanPorts,
): Promise<readonly Preview[]> {
  const previews: Preview[] = [];
  for (const step of plan.steps) {
    const action = findAction(actions, step.call.action);
    const summary = isRunTime(step.call)
      ? `${step.call.action}, with input from earlier steps`
      : action.preview(step.call.input);
    if (!action.changes || isRunTime(step.call)) {
      if (action.changes) previews.push({ step: step.name, summary, changes: [], source: "estimated" });
      continue;
    }
    const context = contextOf(request.executionId, step.name, request.facts.alert.cluster, plan.target);
    const prepare = () => action.prepare(step.call.input, context, tools);
    const later = previews.length > 0;
    previews.push({ step: step.name, summary, ...(await dryRun(prepare, context, tools, effects, later)) });
  }
  return previews;
}

/**
 * A dry-run that is not permitted (observe with read verbs only) leaves an estimate; one that met somebody else's write is
 * made again; one that is invalid refuses the plan.
 */
async function dryRun(
  prepare: () => Promise<Effect>,
  context: ActionContext,
  tools: ActionTools,
  effects: EffectRunner,
  later: boolean,
): Promise<Pick<Preview, "changes" | "source">> {
  for (let tries = 1; ; tries += 1) {
    const effect = later ? await prepareLater(prepare) : await prepare();
    if (effect === null) return { changes: [], source: "estimated" };
    try {
      return { changes: await effects.dryRun(effect, context, tools), source: "server" };
    } catch (error) {
      const { code } = toProblem(error);
      if (code === "API_FORBIDDEN") return { changes: estimate(effect), source: "estimated" };
      if (code !== "API_CONFLICT" || tries === dryRunTries) throw error;
    }
  }
}

/** What comes after a change is prepared on a state that is not there yet: it may be impossible today and right then. */
async function prepareLater(prepare: () => Promise<Effect>): Promise<Effect | null> {
  try {
    return await prepare();
  } catch (error) {
    if (toProblem(error).retryable) throw error;
    return null;
  }
}

function estimate(effect: Effect): Preview["changes"] {
  return effect.kind === "patch" ? effect.changes.map(redactChange) : [];
}

export function contextOf(
  executionId: string,
  step: string,
  cluster: string,
  target: Plan["target"],
): ActionContext {
  return { executionId, step, effectKey: `${executionId}/${step}`, cluster, target };
}

export function isRunTime(call: ActionCall): boolean {
  return rootsOf(call.input).has("steps");
}

export function findAction(actions: PlanPorts["actions"], name: string): Action {
  const action = actions.get(name);
  if (action === undefined)
    throw new Problem("PARAMETER_INVALID", `there is no action ${name} in this version of gitmend`);
  return action;
}
