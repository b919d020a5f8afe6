// The parameters that actions share: their schemas, and how the objects they name are found. What an input leaves out
// is the incident's target; a name without its namespace never reaches into another namespace than the target's.

import { durationSeconds } from "../domain/duration.ts";
import type { ObjectRef } from "../domain/facts/objects.ts";
import type { JsonObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";
import type { ActionContext, ActionInput } from "./action.ts";

export type Situation = Pick<ActionContext, "cluster" | "target">;

const objectName = {
  type: "string",
  minLength: 1,
  maxLength: 253,
  pattern: "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
};
const duration = { type: "string", pattern: "^(?=.)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?$" };

export const namespaceParameter: JsonObject = {
  ...objectName,
  maxLength: 63,
  description: "Namespace. Default: the target's.",
};

export const reasonParameter: JsonObject = {
  type: "string",
  description: "Why, for people. Goes into the record and nowhere else.",
};

export function nameParameter(kind: string, orElse: string): JsonObject {
  return { ...objectName, description: `Name of the ${kind}. Default: ${orElse}.` };
}

export function durationParameter(fallback: string, description: string): JsonObject {
  return { ...duration, default: fallback, description };
}

/** A draft-07 object schema that knows exactly these properties. */
export function objectSchema(properties: JsonObject, required: readonly string[] = []): JsonObject {
  return {
    type: "object",
    additionalProperties: false,
    properties,
    ...(required.length === 0 ? {} : { required }),
  };
}

/** The output's schema: every property is always there. */
export function outputSchema(properties: JsonObject): JsonObject {
  return objectSchema(properties, Object.keys(properties));
}

export function textOf(input: ActionInput, name: string): string | null {
  const value = input[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** Seconds of a duration parameter. @throws Problem PARAMETER_INVALID */
export function secondsOf(input: ActionInput, name: string, fallback: string): number {
  return durationSeconds(textOf(input, name) ?? fallback);
}

/** @throws Problem PARAMETER_INVALID: the input names none and the target is no Deployment. */
export function deploymentRef(input: ActionInput, situation: Situation): ObjectRef {
  const { namespace, name } = namespacedName("deployment", "Deployment", input, situation.target);
  return { cluster: situation.cluster, apiVersion: "apps/v1", kind: "Deployment", namespace, name };
}

/** @throws Problem PARAMETER_INVALID: the input names none and the target is no Pod. */
export function podRef(input: ActionInput, situation: Situation): ObjectRef {
  const { namespace, name } = namespacedName("pod", "Pod", input, situation.target);
  return { cluster: situation.cluster, apiVersion: "v1", kind: "Pod", namespace, name };
}

/** @throws Problem PARAMETER_INVALID: the input names none and the target is no Node. */
export function nodeRef(input: ActionInput, situation: Situation): ObjectRef {
  const { cluster, target } = situation;
  const name = textOf(input, "node") ?? (target?.kind === "Node" ? target.name : null);
  if (name === null) throw missing("node", "Node");
  return { cluster, apiVersion: "v1", kind: "Node", namespace: null, name };
}

function namespacedName(
  parameter: string,
  kind: string,
  input: ActionInput,
  target: ActionContext["target"],
): { readonly namespace: string; readonly name: string } {
  const namespace = textOf(input, "namespace") ?? target?.namespace ?? null;
  const sameNamespace = target !== null && target.namespace === namespace;
  const name = textOf(input, parameter) ?? (sameNamespace && target.kind === kind ? target.name : null);
  if (namespace === null || name === null) throw missing(parameter, kind);
  return { namespace, name };
}

function missing(parameter: string, kind: string): Problem {
  return new Problem(
    "PARAMETER_INVALID",
    `say which ${kind}: the input has no "${parameter}" and the incident's target is no ${kind}`,
  );
}

/** `shop/api`, for previews, which see the input alone. */
export function named(input: ActionInput, parameter: string): string {
  const name = textOf(input, parameter);
  if (name === null) return "the target";
  const namespace = textOf(input, "namespace");
  return namespace === null ? name : `${namespace}/${name}`;
}
