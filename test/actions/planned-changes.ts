// A change made as the engine makes it, in the steps that tests want to look between: planned, made, settled, taken back.
import { Ajv } from "ajv";
import { expect } from "vitest";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../../src/actions/action.ts";
import { effects } from "../../src/actions/effects.ts";
import { findAction } from "../../src/actions/registry.ts";
import type { KubernetesObject } from "../../src/domain/facts/objects.ts";
import type { JsonObject } from "../../src/domain/json.ts";
import type { Effect } from "../../src/domain/planning/effect.ts";
import { toProblem } from "../../src/domain/problem.ts";
import type { GivenCluster } from "./given-cluster.ts";

export interface Planned {
  readonly action: ChangeAction;
  readonly input: ActionInput;
  readonly context: ActionContext;
  readonly tools: ActionTools;
}

/** The action's tools may do what its permissions say and nothing else. */
export async function planned(
  given: GivenCluster,
  type: string,
  written: ActionInput,
  target: KubernetesObject | null,
): Promise<Planned> {
  const action = findAction(type) as ChangeAction;
  const context = given.context(`${type}-${target?.metadata.name ?? "none"}`, target);
  const tools = await given.toolsOf(action);
  const input = (await action.resolve?.(written, context, tools)) ?? written;
  return { action, input, context, tools };
}

/** Prepared anew when a controller wrote in between, as the engine does. */
export async function made({ action, input, context, tools }: Planned): Promise<Effect> {
  for (let tries = 1; ; tries += 1) {
    const effect = await action.prepare(input, context, tools);
    try {
      await effects.apply(effect, context, tools);
      return effect;
    } catch (error) {
      if (tries === 20 || toProblem(error).code !== "API_CONFLICT") throw error;
    }
  }
}

export async function done(plan: Planned): Promise<JsonObject> {
  const output = await plan.action.settle(plan.input, await made(plan), plan.context, plan.tools);
  const validate = new Ajv({ allowUnionTypes: true }).compile(plan.action.output);
  expect(validate(output), JSON.stringify([output, validate.errors])).toBe(true);
  return output;
}

export async function takenBack({ context, tools }: Planned, effect: Effect): Promise<void> {
  const undo = { ...context, effectKey: `${context.effectKey}/undo` };
  for (let tries = 1; ; tries += 1) {
    const restore = await effects.prepareRestore(effect, undo, tools);
    if (restore === null) throw new Error("there is nothing to restore");
    try {
      await effects.apply(restore, undo, tools);
      return;
    } catch (error) {
      if (tries === 20 || toProblem(error).code !== "API_CONFLICT") throw error;
    }
  }
}

export const problemOf = (work: Promise<unknown>) => work.then(() => null, toProblem);
