// Fits the parameters of a step to what is found when it starts, within the bounds that its plan allows. Reads only. What was
// found for the first attempt holds for all: no retry scales twice.
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../actions/action.ts";
import type { StepAdapted } from "../domain/execution/events.ts";
import type { StepState } from "../domain/execution/execution.ts";
import { adapt } from "../domain/planning/adapt.ts";
import type { Effect } from "../domain/planning/effect.ts";
import type { ActionCall, PlannedStep } from "../domain/planning/plan.ts";
import { toProblem } from "../domain/problem.ts";
import type { AdaptBounds } from "../domain/templates/template.ts";

export interface AdaptedCall {
  readonly call: ActionCall;
  /** To be recorded with the step's start. */
  readonly events: readonly StepAdapted[];
}

/** @throws Problem as the action's `prepare` does */
export async function adaptCall(
  step: PlannedStep,
  before: StepState,
  call: ActionCall,
  action: ChangeAction,
  context: ActionContext,
  tools: ActionTools,
): Promise<AdaptedCall> {
  const bounds = before.alternative < 0 ? Object.entries(step.adapt ?? {}) : [];
  if (bounds.length === 0) return { call, events: [] };
  const earlier = before.call?.action === call.action ? before.call.input : null;
  if (earlier !== null) return { call: withValues(call, earlier, bounds), events: [] };
  const effect = await action.prepare(call.input, context, tools);
  const events: StepAdapted[] = [];
  for (const [name, one] of bounds) {
    const found = valuesOf(name, action, effect);
    if (found === null) continue;
    const measured = one.measure === null ? null : await measure(one.measure.promql, context, tools);
    const { to, reason } = adapt(found.planned, found.present, one, measured);
    if (to !== found.planned || measured !== null)
      events.push({ type: "StepAdapted", step: step.name, what: name, from: found.planned, to, reason });
  }
  const values = Object.fromEntries(events.map(({ what, to }) => [what, to]));
  return { call: { ...call, input: { ...call.input, ...values } }, events };
}

/** The input within its bounds as far as that is known before the load is: for the diff that people see. */
export function boundedInput(
  { adapt: bounds = {}, call }: PlannedStep,
  action: ChangeAction,
  effect: Effect,
) {
  const values = Object.entries(bounds).flatMap(([name, one]) => {
    const found = valuesOf(name, action, effect);
    return found === null ? [] : [[name, adapt(found.planned, found.present, one, null).to] as const];
  });
  return { ...call.input, ...Object.fromEntries(values) };
}

/** `; replicas 2 to 10, by the load that is measured then`: what people approve besides the planned value. */
export function boundsText({ adapt: bounds = {} }: PlannedStep): string {
  return Object.entries(bounds)
    .map(([name, { minimum, maximum, measure: by }]) => {
      const how = by === null ? "" : ", by the load that is measured then";
      return `; ${name} ${minimum} to ${maximum}${how}`;
    })
    .join("");
}

function withValues(
  call: ActionCall,
  values: ActionInput,
  bounds: readonly (readonly [string, AdaptBounds])[],
): ActionCall {
  const kept = bounds.flatMap(([name]) =>
    values[name] === undefined ? [] : [[name, values[name]] as const],
  );
  return { ...call, input: { ...call.input, ...Object.fromEntries(kept) } };
}

/** What the effect would set and what stands there now; null where the effect says nothing of the field. */
function valuesOf(
  parameter: string,
  { adaptable = {} }: ChangeAction,
  effect: Effect,
): { readonly planned: number; readonly present: number } | null {
  const changes = effect.kind === "patch" ? effect.changes : [];
  const { before: present, after: planned } =
    changes.find(({ pointer }) => pointer === adaptable[parameter]) ?? {};
  return typeof present === "number" && typeof planned === "number" ? { planned, present } : null;
}

/** A text says why there is no number. */
async function measure(
  promql: string,
  { cluster }: ActionContext,
  tools: ActionTools,
): Promise<number | string> {
  try {
    const samples = await tools.query(cluster, promql);
    const [only] = samples;
    if (only === undefined) return "the query found nothing";
    return samples.length === 1 ? only.value : `the query found ${samples.length} series and must find one`;
  } catch (error) {
    tools.signal.throwIfAborted();
    return toProblem(error).message;
  }
}
