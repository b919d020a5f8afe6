// Hands work to another engine as an object of the cluster, and waits until that has ended. The object's name comes from the
// effect key, so that it is made once however often it is asked for, and found again by whoever takes over.
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { plusSeconds, secondsBetween } from "../../domain/instant.ts";
import { canonicalJson, isObject, type Json, type JsonObject, sha256 } from "../../domain/json.ts";
import { oneLine } from "../../domain/plain-text.ts";
import type { CreateEffect, Effect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import { redactText } from "../../domain/redact.ts";
import type { ActionContext, ActionInput, ActionTools } from "../action.ts";
import { durationParameter, type Situation, secondsOf, textOf } from "../parameters.ts";
import { stateOfRun } from "../runs.ts";
import { type Look, waitFor } from "../wait.ts";

export interface Engine {
  readonly apiVersion: string;
  readonly kind: string;
}

/** The engine ends what takes too long by itself; it gets so much longer to say so. Less than the step has. */
const graceSeconds = 20;
/** Nothing that has ended is cleared away sooner: until then an object that is not there was never made. */
export const leastKeptSeconds = 600;

export const timeoutParameter = durationParameter(
  "10m",
  "How long it may run. Then the engine that runs it ends it, and the step has failed.",
);

/** Values by name, which go as they are to a program that knows what they are. */
export function valuesParameter(description: string): JsonObject {
  return {
    type: "object",
    maxProperties: 50,
    additionalProperties: { type: ["string", "number", "boolean"] },
    description,
  };
}

/** As an engine takes it: a text as it is, everything else as JSON. */
export function asText(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** ` with a=1, b=2`, for previews. */
export function valuesText(values: Json | undefined): string {
  const all = Object.entries(isObject(values) ? values : {}).map(
    ([name, value]) => `${name}=${asText(value)}`,
  );
  return all.length === 0 ? "" : ` with ${shown(all.join(", "), 120)}`;
}

/** @throws Problem PARAMETER_INVALID: neither the input nor the target has one */
export function namespaceOf(input: ActionInput, { target }: Situation): string {
  const namespace = textOf(input, "namespace") ?? target?.namespace ?? null;
  if (namespace !== null) return namespace;
  throw new Problem(
    "PARAMETER_INVALID",
    'say where it runs: the input has no "namespace" and neither has the target',
  );
}

/** What is known before the step starts: two steps that would do the same in one namespace do it one after the other. */
export function plannedRun(
  engine: Engine,
  spec: JsonObject,
  input: ActionInput,
  situation: Situation,
): ObjectRef {
  const name = `gitmend-${sha256(canonicalJson(spec)).slice(0, 8)}`;
  return { cluster: situation.cluster, ...engine, namespace: namespaceOf(input, situation), name };
}

/** `planned`: as plannedRun named it. */
export function newRun(
  planned: ObjectRef,
  spec: JsonObject,
  context: ActionContext,
  tools: ActionTools,
): CreateEffect {
  return {
    kind: "create",
    object: { ...planned, name: `${planned.name}-${sha256(context.effectKey).slice(0, 12)}` },
    manifest: { metadata: { labels: labelsOf(context) }, spec },
    provenUntil: plusSeconds(tools.now(), leastKeptSeconds),
  };
}

export function labelsOf({ executionId, step }: ActionContext): JsonObject {
  const word = step
    .replaceAll(/[^\w.-]/g, "-")
    .slice(0, 63)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  return {
    "app.kubernetes.io/managed-by": "gitmend",
    "gitmend.dev/execution": executionId,
    "gitmend.dev/step": word,
  };
}

/** Its object as it has ended, well or not. @throws Problem RUN_FAILED: somebody deleted it. NOT_HEALTHY: it never ended. */
export async function waitForRun(
  effect: Effect,
  input: ActionInput,
  tools: ActionTools,
  trouble: (object: KubernetesObject) => Promise<string> = async () => "",
): Promise<KubernetesObject> {
  if (effect.kind !== "create") throw new Problem("INTERNAL", `a run has a ${effect.kind} effect`);
  const ref = effect.object;
  const look = async (): Promise<Look<KubernetesObject>> => {
    const object = await tools.cluster(ref.cluster).get(ref);
    if (object === null) throw new Problem("RUN_FAILED", `${runText(ref)} is gone: somebody deleted it`);
    const { state, reason } = stateOfRun(object);
    if (state !== "running") return { done: true, value: object };
    if (object.metadata.deletionTimestamp !== undefined)
      throw new Problem("RUN_FAILED", `${runText(ref)} is being deleted by somebody`);
    const more = [reason, await trouble(object)].filter((part) => part !== "").join(", ");
    return { done: false, waitingFor: `${runText(ref)} runs still${more === "" ? "" : `: ${more}`}` };
  };
  return waitFor(tools, secondsOf(input, "timeout", "10m") + graceSeconds, look);
}

/** `job shop/gitmend-1a2b3c4d-…`. */
export function runText({ kind, namespace, name }: Pick<ObjectRef, "kind" | "namespace" | "name">): string {
  return `${kind.toLowerCase()} ${namespace}/${name}`;
}

/** The engine says that it failed: it is not run a second time. `more`: what is known beside that. */
export function runFailed(object: KubernetesObject, more: readonly string[]): Problem {
  const { reason, message } = stateOfRun(object);
  const { name, namespace = null } = object.metadata;
  const why = [reason, message, ...more].filter((part) => part !== "").map((part) => shown(part));
  return new Problem(
    "RUN_FAILED",
    `${runText({ kind: object.kind, namespace, name })} failed: ${why.join("; ")}`,
    {
      details: { reason: shown(reason) },
    },
  );
}

/** What an engine or its work says, as an output or a message may hold it. */
export function shown(text: string, limit = 300): string {
  return oneLine(redactText(text), limit);
}

/** Whole seconds; null: it never started, or its end is not told. */
export function durationOf(start: unknown, end: unknown): number | null {
  if (typeof start !== "string" || typeof end !== "string") return null;
  const seconds = Math.round(secondsBetween(start, end));
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
