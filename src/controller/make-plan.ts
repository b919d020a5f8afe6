// Match -> plan: draft (pure), let each action make its symbolic input absolute, seal (pure), then a server-side dry-run
// of every change whose input is known now. The template's fallback is planned first, as part of it.
// Reads and dry-runs only: nothing is changed here.

import type { Action, ActionContext, ActionTools, ChangeAction, EffectRunner } from "../actions/action.ts";
import { customActions } from "../actions/custom/custom-action.ts";
import { redactChange } from "../actions/redact-change.ts";
import { rootsOf } from "../domain/expressions/roots.ts";
import { factScope } from "../domain/expressions/scope.ts";
import type { Facts } from "../domain/facts/facts.ts";
import { type ObjectRef, objectKey, type Target } from "../domain/facts/objects.ts";
import { scopeDenials } from "../domain/gate/scope-denials.ts";
import type { Json } from "../domain/json.ts";
import {
  type DraftPlan,
  type DraftRequest,
  draftFallback,
  draftPlan,
} from "../domain/planning/draft-plan.ts";
import type { Effect, Preview } from "../domain/planning/effect.ts";
import type { ActionCall, Plan, PlannedStep, Taken } from "../domain/planning/plan.ts";
import { callsOf, callsOfStep, sealPlan } from "../domain/planning/seal-plan.ts";
import { isRevoked, revokedText } from "../domain/policies/catalog.ts";
import { Problem, toProblem } from "../domain/problem.ts";
import { type CustomAction, undoName } from "../domain/templates/custom-action.ts";
import { runAsOf, type Scope } from "../domain/templates/scope.ts";
import type { Template } from "../domain/templates/template.ts";
import { boundedInput, boundsText } from "./adapt-step.ts";
import { type CheckPorts, whyRefusedNow } from "./checks/check-step.ts";
import { readOnce } from "./read-once.ts";

const dryRunTries = 3;

export interface PlanPorts extends CheckPorts {
  readonly actions: ReadonlyMap<string, Action>;
  readonly effects: EffectRunner;
}

export interface PlanRequest {
  readonly executionId: string;
  readonly template: Template;
  /** The catalog's: where its fallback is found. */
  readonly templates: ReadonlyMap<string, Template>;
  /** The catalog's own. */
  readonly actions?: ReadonlyMap<string, CustomAction>;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly facts: Facts;
  readonly target: Target | null;
  /** The catalog's. Left out: nothing is. */
  readonly revoked?: ReadonlySet<string>;
  /** That bound it (planScopes). Left out: none do. */
  readonly scopes?: readonly Scope[];
  /** gitmend's own, for its checks. Left out: those of the steps. */
  readonly own?: ActionTools;
  /** What an earlier execution has done of it. */
  readonly taken?: Taken;
}

export interface MadePlan {
  readonly plan: Plan;
  readonly previews: readonly Preview[];
}

/** @throws Problem PARAMETER_INVALID, EXPRESSION_FAILED, NOTHING_TO_ROLL_BACK, TARGET_GONE, API_* */
export async function makePlan(
  request: PlanRequest,
  tools: ActionTools,
  builtIn: PlanPorts,
): Promise<MadePlan> {
  const ports = withOwn(request, builtIn);
  const { template, parameters, taken, scopes = [] } = request;
  const own = { ...draftRequest(request, ports), parameters };
  const bare = draftPlan(taken === undefined ? own : { ...own, taken });
  const draft = scopes.length === 0 ? bare : { ...bare, scopes };
  const beyond = planBeyond(draft, request, ports);
  if (beyond !== null) return { plan: beyond, previews: [] };
  const fallback = await planFallback(draft, request, tools, ports);
  const { plan: tried = null, previews = [], impossible: fallbackImpossible = null } = fallback;
  const whole = { ...draft, fallback: tried, fallbackImpossible };
  const made = await complete(whole, template, request, tools, ports);
  return { plan: made.plan, previews: [...made.previews, ...previews] };
}

function draftRequest({ template, facts, target }: PlanRequest, { actions }: PlanPorts) {
  return { template, scope: factScope(facts), target, actions } satisfies Omit<DraftRequest, "parameters">;
}

/** What leaves its scopes is refused by its gate: nothing is read or tried for it before. null: it stays within, as far as is known yet. */
function planBeyond(draft: DraftPlan, request: PlanRequest, ports: PlanPorts): Plan | null {
  const { template, templates, scopes = [] } = request;
  if (scopes.length === 0) return null;
  try {
    const second = template.fallback === null ? undefined : templates.get(template.fallback);
    const other =
      second === undefined
        ? null
        : draftFallback(draft.parameters, { ...draftRequest(request, ports), template: second });
    const fallback = other === null || second === undefined ? null : seal(other, second, request, ports);
    const plan = seal({ ...draft, fallback }, template, request, ports);
    return isBeyond(plan, request, ports) ? plan : null;
  } catch (error) {
    // What cannot be said before its input is resolved is judged after it.
    if (toProblem(error).code === "INTERNAL") throw error;
    return null;
  }
}

function isBeyond(plan: Plan, { scopes = [] }: PlanRequest, { actions }: PlanPorts): boolean {
  return scopeDenials({ ...plan, scopes }, scopes, (action) => wayBack(actions, action)).length > 0;
}

/** The action that takes another one back by itself. */
export function wayBack(actions: PlanPorts["actions"], name: string): string | null {
  const undo = actions.get(name)?.undo;
  // The catalog's own that are not here: their way back is of their name.
  if (undo === undefined) return undoName(name);
  return undo.how === "action" ? undo.action : null;
}

/** Its objects are what its calls name now. */
function seal(draft: DraftPlan, template: Template, request: PlanRequest, { actions }: PlanPorts): Plan {
  const situation = { cluster: request.facts.alert.cluster, target: request.target };
  const calls = callsOf(draft);
  const objects = calls.flatMap((call) => findAction(actions, call.action).objects(call.input, situation));
  const used = usedActions(calls, request.actions);
  const whole = used.length === 0 ? draft : { ...draft, actions: used };
  return sealPlan(whole, template.risk, objects, actions);
}

type Fallback = Partial<MadePlan> & { readonly impossible?: string };

/** An API that is busy or away: nothing is known. A state that an action waits for is known, and not there yet. */
function willPass({ code, retryable }: Problem): boolean {
  return retryable && code !== "PRECONDITION_FAILED";
}

/** A fallback that cannot be made stops no remedy: the plan says why it has none. What may be different soon is tried again. */
async function planFallback(
  main: DraftPlan,
  request: PlanRequest,
  tools: ActionTools,
  ports: PlanPorts,
): Promise<Fallback> {
  const { fallback: name } = request.template;
  if (name === null) return {};
  const template = request.templates.get(name);
  if (template === undefined) throw new Problem("INTERNAL", `the catalog has no template ${name}`);
  if (isRevoked(template, { revoked: request.revoked ?? new Set() }))
    return { impossible: revokedText(template) };
  try {
    const draft = draftFallback(main.parameters, { ...draftRequest(request, ports), template });
    return await complete(draft, template, request, tools, ports);
  } catch (error) {
    const problem = toProblem(error);
    if (willPass(problem) || problem.code === "INTERNAL") throw problem;
    return { impossible: `${name}: ${problem.message}` };
  }
}

/** Absolute input, seal and diff of one template's part. What has failed is undone before its fallback: that starts from the present. */
async function complete(
  draft: DraftPlan,
  template: Template,
  request: PlanRequest,
  tools: ActionTools,
  ports: PlanPorts,
): Promise<MadePlan> {
  const { actions } = ports;
  const context = { cluster: request.facts.alert.cluster, target: request.target };
  const resolve = resolver(context, readOnce(tools), actions);
  const objectsOf = (calls: readonly ActionCall[]) =>
    calls.flatMap((call) => findAction(actions, call.action).objects(call.input, context));
  const withTouches = <T extends PlannedStep>(steps: readonly T[]) =>
    steps.map((step) => ({ ...step, ...touchesOf(step, objectsOf(callsOfStep(step)), request.target) }));
  const resolved: DraftPlan = {
    ...draft,
    steps: withTouches(await resolveSteps(draft.steps, resolve, resolve)),
    finally: await resolveSteps(draft.finally, (call) => resolveLater(call, resolve), resolve),
    ...(draft.whenResolved === undefined
      ? {}
      : {
          whenResolved: withTouches(
            await resolveSteps(draft.whenResolved, (call) => resolveLater(call, resolve), resolve),
          ),
        }),
  };
  const plan = seal(resolved, template, request, ports);
  if (isBeyond(plan, request, ports)) return { plan, previews: [] };
  return { plan, previews: await previewSteps(plan, request, tools, ports) };
}

/** A plan that was changed after it was made: sealed and tried anew. @throws Problem as makePlan */
export async function sealAgain(
  plan: Plan,
  request: PlanRequest,
  tools: ActionTools,
  builtIn: PlanPorts,
): Promise<MadePlan> {
  const ports = withOwn(request, builtIn);
  const { risk: _risk, touches: _touches, digest: _digest, ...draft } = plan;
  const sealed = seal(draft, request.template, request, ports);
  return { plan: sealed, previews: await previewSteps(sealed, request, tools, ports) };
}

function withOwn({ actions }: PlanRequest, builtIn: PlanPorts): PlanPorts {
  return { ...builtIn, actions: new Map([...builtIn.actions, ...customActions(actions?.values() ?? [])]) };
}

/** The catalog's own among them, by name: they go into the plan. */
function usedActions(calls: readonly ActionCall[], own: PlanRequest["actions"]): readonly CustomAction[] {
  const names = new Set(calls.map(({ action }) => action));
  const used = [...(own?.values() ?? [])].filter(({ name }) => names.has(name) || names.has(undoName(name)));
  return used.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** A pod is taken from its workload: two pods of one are not taken side by side. */
function touchesOf(
  { changes }: PlannedStep,
  objects: readonly ObjectRef[],
  target: Target | null,
): Pick<PlannedStep, "touches"> {
  const isPod = objects.some(({ kind }) => kind === "Pod");
  const all = isPod && target !== null ? [...objects, target] : objects;
  return changes && all.length > 0 ? { touches: [...new Set(all.map(objectKey))] } : {};
}

type Resolve = (call: ActionCall) => Promise<ActionCall>;

function resolver(
  context: Pick<ActionContext, "cluster" | "target">,
  tools: ActionTools,
  actions: PlanPorts["actions"],
): Resolve {
  return async (call) => {
    const action = findAction(actions, call.action);
    if (action.resolve === undefined || isRunTime(call)) return call;
    return { action: call.action, input: await action.resolve(call.input, context, tools) };
  };
}

async function resolveSteps<T extends PlannedStep>(
  steps: readonly T[],
  resolveCall: Resolve,
  resolve: Resolve,
): Promise<readonly T[]> {
  const resolved: T[] = [];
  for (const step of steps) {
    const alternatives = [];
    for (const { call, undo } of step.alternatives)
      alternatives.push({ call: await resolveLater(call, resolve), undo: await resolveUndo(undo, resolve) });
    const call = await resolveCall(step.call);
    resolved.push({ ...step, call, undo: await resolveUndo(step.undo, resolve), alternatives });
  }
  return resolved;
}

/** What takes a step back names the same objects. */
async function resolveUndo(undo: PlannedStep["undo"], resolve: Resolve): Promise<PlannedStep["undo"]> {
  return undo.how === "action" ? { ...undo, call: await resolveLater(undo.call, resolve) } : undo;
}

/** What comes later and cannot be resolved now (nothing to roll back to) must not stop the plan: it fails when its turn comes. */
async function resolveLater(call: ActionCall, resolve: Resolve): Promise<ActionCall> {
  try {
    return await resolve(call);
  } catch (error) {
    if (willPass(toProblem(error))) throw error;
    return call;
  }
}

async function previewSteps(
  plan: Plan,
  { executionId, facts, scopes, own }: PlanRequest,
  tools: ActionTools,
  ports: PlanPorts,
): Promise<readonly Preview[]> {
  const { actions } = ports;
  const previews: Preview[] = [];
  const whyRefused = (effect: Effect) => whyRefusedNow(effect, own ?? tools, ports, runAsOf(scopes));
  for (const step of [...plan.steps, ...plan.finally, ...(plan.whenResolved ?? [])]) {
    const action = findAction(actions, step.call.action);
    if (!action.changes) continue;
    const named = { step: step.name, summary: summaryOf(action, step) };
    if (isRunTime(step.call)) {
      previews.push({ ...named, changes: [], source: "estimated" });
      continue;
    }
    const context = contextOf(executionId, step.name, facts.alert.cluster, plan.target);
    const prepare = () => prepareWithin(step, action, context, tools);
    const later = previews.length > 0 || !plan.steps.includes(step);
    previews.push({ ...named, ...(await dryRun(prepare, context, tools, ports.effects, later, whyRefused)) });
  }
  return previews;
}

export async function prepareWithin(
  step: PlannedStep,
  action: ChangeAction,
  context: ActionContext,
  tools: ActionTools,
): Promise<Effect> {
  const effect = await action.prepare(step.call.input, context, tools);
  return step.adapt === undefined
    ? effect
    : action.prepare(boundedInput(step, action, effect), context, tools);
}

function summaryOf(action: Action, step: PlannedStep): string {
  const { call } = step;
  const words = isRunTime(call)
    ? `${call.action}, with input from earlier steps`
    : action.preview(call.input);
  return words + boundsText(step);
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
  whyRefused: (effect: Effect) => Promise<string | null>,
): Promise<Omit<Preview, "step" | "summary">> {
  for (let tries = 1; ; tries += 1) {
    const effect = later ? await prepareLater(prepare) : await prepare();
    if (effect === null) return { changes: [], source: "estimated" };
    try {
      const changes = await effects.dryRun(effect, context, tools);
      const refused = later ? null : await whyRefused(effect);
      return { changes, source: "server", ...(refused === null ? {} : { refused }) };
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
    if (willPass(toProblem(error))) throw error;
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

/** The plan's own actions are what they were when it was made. @param plan null: `actions` holds all that may be named */
export function findAction(
  actions: PlanPorts["actions"],
  name: string,
  plan: Pick<Plan, "actions"> | null = null,
): Action {
  const action = actions.get(name) ?? customActions(plan?.actions ?? []).get(name);
  if (action === undefined)
    throw new Problem("PARAMETER_INVALID", `there is no action ${name} in this version of gitmend`);
  return action;
}
