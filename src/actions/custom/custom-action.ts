// Actions that the config repository defines, brought to life: a Job is run_job's, a request goes through the same effect as AWX's.
// No code of anybody's is run, and nothing is looked up: the definition is all that there is.
import { evaluateText } from "../../domain/expressions/evaluate.ts";
import type { Scope } from "../../domain/expressions/scope.ts";
import type { ObjectRef } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { Effect, HttpCall, Probe, RequestEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import { redactJson } from "../../domain/redact.ts";
import type { ActionDescription } from "../../domain/templates/action-description.ts";
import {
  type CustomAction,
  type CustomBody,
  type CustomProbe,
  describeCustom,
  type RequestTemplate,
} from "../../domain/templates/custom-action.ts";
import type { Action, ActionContext, ActionInput, ActionTools } from "../action.ts";
import { asText, shown, valuesText } from "../engines/new-run.ts";
import { runJob } from "../engines/run-job.ts";

/** Kept with the definition: schemas are compiled once for each object that they are. */
const made = new WeakMap<CustomAction, readonly Action[]>();

/** By name; the way back of each is an action too. */
export function customActions(definitions: Iterable<CustomAction>): ReadonlyMap<string, Action> {
  const all = [...definitions].flatMap((custom) => {
    const known = made.get(custom) ?? actionsOf(custom);
    made.set(custom, known);
    return known;
  });
  return new Map(all.map((action) => [action.name, action]));
}

function actionsOf(custom: CustomAction): readonly Action[] {
  const [own, back] = describeCustom(custom, runJob);
  const { body, undo, probe } = custom;
  const first = own === undefined ? [] : [bring(custom, own, body, probe)];
  return back === undefined || "nothing" in undo ? first : [...first, bring(custom, back, undo, null)];
}

function bring(
  custom: CustomAction,
  description: ActionDescription,
  body: CustomBody,
  probe: CustomProbe | null,
): Action {
  const preview = (input: ActionInput) => {
    const { reason: _reason, ...values } = input;
    return `${shown(custom.description, 160)}${valuesText(values)}`;
  };
  if ("job" in body) return jobAction(custom, { ...description, preview }, body.job);
  const common = { ...description, preview, objects: () => [] };
  if (body.request.method === "GET") {
    const run = async (input: ActionInput, context: ActionContext, tools: ActionTools) => {
      const { body: answer } = await tools.http(callOf(body.request, scopeOf(custom, input, context)), null);
      return outputOf(answer, context, tools);
    };
    return { ...common, changes: false, run };
  }
  return {
    ...common,
    changes: true,
    prepare: async (input, context, tools): Promise<RequestEffect> => {
      const scope = scopeOf(custom, input, context);
      const call = callOf(body.request, scope);
      return { kind: "request", call, probe: probeOf(probe, scope, context), at: tools.now() };
    },
    settle: async (_input, effect, context, tools, answer = null) =>
      outputOf(answer ?? (await askAgain(effect, tools)), context, tools),
  };
}

function jobAction(
  custom: CustomAction,
  description: ActionDescription & Pick<Action, "preview">,
  job: JsonObject,
): Action {
  const filled = (input: ActionInput, context: Pick<ActionContext, "effectKey">): ActionInput =>
    withoutNothing(evaluateText(job, scopeOf(custom, input, context)));
  return {
    ...description,
    changes: true,
    objects: (input, situation) => runJob.objects(filled(input, { effectKey: "" }), situation),
    prepare: (input, context, tools) => runJob.prepare(filled(input, context), context, tools),
    settle: (input, effect, context, tools) => runJob.settle(filled(input, context), effect, context, tools),
  };
}

/** An expression that comes to null leaves the parameter out, as in a template. */
function withoutNothing(value: Json): ActionInput {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(entries.filter((entry): entry is [string, Json] => (entry[1] ?? null) !== null));
}

/** The step and its way back have one key, so that what the one has made the other can find. */
function scopeOf(
  { parameters }: CustomAction,
  input: ActionInput,
  { effectKey }: Pick<ActionContext, "effectKey">,
): Scope & { readonly params: ActionInput } {
  const defaults = Object.entries(parameters).map(([name, schema]) => [name, schema["default"] ?? null]);
  const params = { ...Object.fromEntries(defaults), ...input } as ActionInput;
  return { params, effect: { key: effectKey.replace(/\/undo$/, "") } };
}

/** @throws Problem PARAMETER_INVALID: a segment of the path is empty; EXPRESSION_FAILED */
function callOf({ endpoint, method, path, query, headers, body }: RequestTemplate, scope: Scope): HttpCall {
  const text = (value: Json) => asText(evaluateText(value, scope));
  const texts = (values: Readonly<Record<string, Json>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value)]));
  return {
    endpoint,
    method,
    path: path.map((segment) => {
      const value = text(segment);
      if (value !== "" || segment === "") return value;
      throw new Problem("PARAMETER_INVALID", `a part of the path of ${endpoint} would be empty: ${segment}`);
    }),
    query: texts(query),
    headers: texts(headers),
    body: evaluateText(body, scope),
  };
}

function probeOf(probe: CustomProbe | null, scope: Scope, { cluster }: ActionContext): Probe | null {
  if (probe === null) return null;
  const { expect } = probe;
  const kept = scope as JsonObject;
  if ("request" in probe) return { expect, scope: kept, call: callOf(probe.request, scope) };
  const { apiVersion, kind, namespace, name } = probe.object;
  const filled = (text: string) => asText(evaluateText(text, scope));
  const object: ObjectRef = {
    cluster,
    apiVersion,
    kind,
    namespace: namespace === null ? null : filled(namespace),
    name: filled(name),
  };
  return { expect, scope: kept, object };
}

/** Whoever took over has no answer; what the probe is told says as much. */
async function askAgain(effect: Effect, tools: ActionTools): Promise<Json> {
  const probe = effect.kind === "request" ? effect.probe : null;
  if (probe === null || probe === "awx-job" || !("call" in probe)) return null;
  return (await tools.http(probe.call, null)).body;
}

const longestAnswer = 16 * 1024;

async function outputOf(answer: Json, context: ActionContext, tools: ActionTools): Promise<JsonObject> {
  const redacted = redactJson(answer);
  const text = JSON.stringify(redacted);
  if (text.length <= longestAnswer) return { answer: redacted, evidence: null };
  const saved = await tools.saveEvidence(`${context.step.replaceAll("/", "-")}-answer.json`, text);
  return { answer: null, evidence: saved.name };
}
