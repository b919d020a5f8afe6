// reconcile_flux: has Flux look at its source and apply it now, and waits until it has done so. It asks as `flux reconcile` does: by
// an annotation whose value Flux writes into the status once it has acted on it.

import type { KubernetesObject } from "../../domain/facts/objects.ts";
import type { JsonObject } from "../../domain/json.ts";
import { isObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { asText, shown } from "../engines/new-run.ts";
import { durationParameter, objectSchema, outputSchema, reasonParameter, secondsOf } from "../parameters.ts";
import { patchEffect } from "../patch-effect.ts";
import { type Look, waitFor } from "../wait.ts";
import {
  condition,
  isSuspended,
  previewText,
  readReconciler,
  reconcilerParameters,
  reconcilerRef,
  reconcilerText,
} from "./reconciler.ts";

const requestedAt = "reconcile.fluxcd.io/requestedAt";
const pointerOf = (word: "requestedAt" | "resetAt") => `/metadata/annotations/reconcile.fluxcd.io~1${word}`;

export const reconcileFlux: ChangeAction = {
  name: "reconcile_flux",
  aliases: [],
  type: "kubernetes",
  summary:
    "Has Flux reconcile a Kustomization, HelmRelease or GitRepository now, and waits until it is ready.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      ...reconcilerParameters(["Kustomization", "HelmRelease", "GitRepository"]),
      reset: {
        type: "boolean",
        default: false,
        description:
          "Of a HelmRelease that has used up its retries: forget its failures, so that it is tried again.",
      },
      timeout: durationParameter("5m", "How long it may take until it is ready."),
      reason: reasonParameter,
    },
    ["kind", "namespace", "name"],
  ),
  parameterAliases: {},
  identity: ["kind", "namespace", "name"],
  text: ["reason"],
  output: outputSchema({
    kind: { type: "string" },
    namespace: { type: "string" },
    name: { type: "string" },
    revision: { type: ["string", "null"], description: "What it has applied or fetched, as Flux words it." },
  }),
  rbac: [
    { apiGroup: "kustomize.toolkit.fluxcd.io", resource: "kustomizations", verbs: ["get", "patch"] },
    { apiGroup: "helm.toolkit.fluxcd.io", resource: "helmreleases", verbs: ["get", "patch"] },
    { apiGroup: "source.toolkit.fluxcd.io", resource: "gitrepositories", verbs: ["get", "patch"] },
  ],
  undo: { how: "nothing", why: "Flux has applied what Git says; change that" },
  timeoutSeconds: 330,
  waitParameter: "timeout",
  objects: (input, situation) => [reconcilerRef(input, situation)],
  preview: (input) => `have ${previewText(input)} reconciled now`,
  prepare,
  settle,
};

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const ref = reconcilerRef(input, context);
  const object = await readReconciler(ref, tools);
  if (isSuspended(object))
    throw new Problem("PRECONDITION_FAILED", `${reconcilerText(ref)} is suspended: Flux does nothing for it`);
  const value = tools.now();
  const reset = input.reset === true && ref.kind === "HelmRelease";
  return patchEffect(ref, object, [
    { pointer: pointerOf("requestedAt"), value },
    ...(reset ? [{ pointer: pointerOf("resetAt"), value }] : []),
  ]);
}

async function settle(
  input: ActionInput,
  _effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const ref = reconcilerRef(input, context);
  const limit = secondsOf(input, "timeout", "5m");
  const object = await waitFor(tools, limit, async () => lookAt(await readReconciler(ref, tools)));
  return { kind: ref.kind, namespace: ref.namespace, name: ref.name, revision: revisionOf(object) };
}

/** Somebody may have asked again since: what was handled last is later then than what this step asked for. */
function lookAt(object: KubernetesObject): Look<KubernetesObject> {
  const { status = {}, metadata } = object;
  const name = `${object.kind} ${metadata.name}`;
  if (status["lastHandledReconcileAt"] !== metadata.annotations?.[requestedAt])
    return { done: false, waitingFor: `Flux has not reconciled ${name} yet` };
  const ready = condition(object, "Ready");
  const said = `${shown(asText(ready?.reason ?? "no condition Ready"))}: ${shown(asText(ready?.message ?? ""))}`;
  if (condition(object, "Stalled")?.status === "True")
    throw new Problem("NOT_HEALTHY", `${name} is stalled, which Flux does not try again: ${said}`);
  const current = (status["observedGeneration"] ?? metadata.generation) === metadata.generation;
  return current && ready?.status === "True"
    ? { done: true, value: object }
    : { done: false, waitingFor: `${name} is not ready: ${said}` };
}

function revisionOf({ status = {} }: KubernetesObject): string | null {
  const artifact = isObject(status["artifact"]) ? status["artifact"].revision : undefined;
  const revision = status["lastAppliedRevision"] ?? artifact ?? status["lastAttemptedRevision"];
  return typeof revision === "string" ? shown(revision) : null;
}
