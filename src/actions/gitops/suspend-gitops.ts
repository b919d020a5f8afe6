// suspend_gitops: whoever applies the target's manifests from Git rests, so that a change in the cluster stands meanwhile. What it
// writes is taken back by resume_gitops in `finally`, which a template has to have.
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { fieldManager } from "../field-manager.ts";
import { valueAt } from "../json-pointer.ts";
import { durationParameter, objectSchema, outputSchema, reasonParameter, secondsOf } from "../parameters.ts";
import { patchEffect } from "../patch-effect.ts";
import { type Look, waitFor } from "../wait.ts";
import {
  condition,
  hasOperation,
  isSuspended,
  markOf,
  markPointer,
  markText,
  previewText,
  readReconciler,
  reconcilerParameters,
  reconcilerRef,
  reconcilerText,
  suspension,
} from "./reconciler.ts";

export const suspendGitops: ChangeAction = {
  name: "suspend_gitops",
  aliases: [],
  type: "kubernetes",
  summary:
    "Suspends a Flux Kustomization or HelmRelease, or the automatic sync of an Argo CD Application, and waits until what it does now has ended.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      ...reconcilerParameters(["Kustomization", "HelmRelease", "Application"]),
      wait_timeout: durationParameter("2m", "How long what it does just now may take to end."),
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
    changed: {
      type: "boolean",
      description: "Whether this step suspended it; false: it was so before, and resume_gitops leaves it so.",
    },
  }),
  rbac: [
    { apiGroup: "kustomize.toolkit.fluxcd.io", resource: "kustomizations", verbs: ["get", "patch"] },
    { apiGroup: "helm.toolkit.fluxcd.io", resource: "helmreleases", verbs: ["get", "patch"] },
    { apiGroup: "argoproj.io", resource: "applications", verbs: ["get", "patch"] },
    { apiGroup: "argoproj.io", resource: "applicationsets", verbs: ["get"] },
  ],
  undo: { how: "restore" },
  takenBackBy: "resume_gitops",
  timeoutSeconds: 150,
  waitParameter: "wait_timeout",
  objects: (input, situation) => [reconcilerRef(input, situation)],
  preview: (input) => `suspend ${previewText(input)}: it applies and reverts nothing until it is resumed`,
  prepare,
  settle,
};

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const ref = reconcilerRef(input, context);
  const object = await readReconciler(ref, tools);
  refuseAnothers(ref, object, context);
  if (isSuspended(object)) return patchEffect(ref, object, []);
  await refuseRewritten(ref, object, tools);
  const { pointer, value } = suspension(ref.kind);
  const before = valueAt(object, pointer);
  return patchEffect(ref, object, [
    { pointer, value },
    { pointer: markPointer, value: markText(context, before) },
  ]);
}

/** Whoever ends first would resume it under the other. */
function refuseAnothers(ref: ObjectRef, object: KubernetesObject, { executionId }: ActionContext): void {
  const mark = markOf(object);
  if (mark === null || mark.execution === executionId) return;
  throw new Problem(
    "PRECONDITION_FAILED",
    `${reconcilerText(ref)} is suspended by execution ${mark.execution} of gitmend`,
    { retryable: true },
  );
}

// ---- who would write it back ----------------------------------------------------------------------------------------

async function refuseRewritten(ref: ObjectRef, object: KubernetesObject, tools: ActionTools): Promise<void> {
  const by = await whoRewrites(ref, object, tools);
  if (by === null) return;
  throw new Problem(
    "PRECONDITION_FAILED",
    `${by} would soon take the suspension of ${reconcilerText(ref)} back: suspend it there`,
  );
}

async function whoRewrites(
  ref: ObjectRef,
  object: KubernetesObject,
  tools: ActionTools,
): Promise<string | null> {
  if (ref.kind !== "Application") {
    const writer = fieldManager(object, suspension(ref.kind).pointer);
    return writer === "kustomize-controller" ? "the Kustomization that applies its manifest" : null;
  }
  const api = tools.cluster(ref.cluster);
  const set = object.metadata.ownerReferences?.find(({ kind }) => kind === "ApplicationSet");
  if (set !== undefined) {
    const found = await api.get({ ...ref, kind: "ApplicationSet", name: set.name });
    return found !== null && leavesAlone(found, ref.name) ? null : `ApplicationSet ${set.name}`;
  }
  const parent = parentOf(object);
  if (parent === null) return null;
  const found = await api.get({ ...ref, ...parent, namespace: parent.namespace ?? ref.namespace });
  return found !== null && healsItself(found)
    ? `${reconcilerText(ref)}'s own application ${parent.name}`
    : null;
}

/** The application that applies this one's manifest, where it says so; an application that applies itself is none. */
function parentOf({
  metadata,
}: KubernetesObject): { readonly namespace: string | null; readonly name: string } | null {
  const { annotations = {}, labels = {} } = metadata;
  const text =
    annotations["argocd.argoproj.io/tracking-id"]?.split(":")[0] ?? labels["argocd.argoproj.io/instance"];
  const [name = "", namespace = null] = (text ?? "").split("_").toReversed();
  return name === "" || !/^[a-z0-9][-.a-z0-9]{0,252}$/.test(name) ? null : { namespace, name };
}

function healsItself({ spec }: KubernetesObject): boolean {
  const policy = isObject(spec?.["syncPolicy"]) ? spec["syncPolicy"].automated : null;
  return isObject(policy) && policy.enabled !== false && policy.selfHeal === true;
}

/** An ApplicationSet writes its applications anew, unless it is told to leave this alone. */
function leavesAlone({ spec = {} }: KubernetesObject, application: string): boolean {
  const policy = isObject(spec["syncPolicy"]) ? spec["syncPolicy"].applicationsSync : null;
  if (policy === "create-only" || policy === "create-delete") return true;
  const ignored: readonly unknown[] = Array.isArray(spec["ignoreApplicationDifferences"])
    ? spec["ignoreApplicationDifferences"]
    : [];
  return ignored.filter(isObject).some(({ name, jsonPointers }) => {
    const pointers: readonly unknown[] = Array.isArray(jsonPointers) ? jsonPointers : [];
    const covers = pointers.includes("/spec/syncPolicy") || pointers.includes("/spec/syncPolicy/automated");
    return covers && (name === undefined || name === "" || name === application);
  });
}

// ---- until it rests -------------------------------------------------------------------------------------------------

async function settle(
  input: ActionInput,
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const ref = reconcilerRef(input, context);
  await waitFor(tools, secondsOf(input, "wait_timeout", "2m"), async (): Promise<Look<true>> => {
    const busy = busyText(await readReconciler(ref, tools));
    return busy === null ? { done: true, value: true } : { done: false, waitingFor: busy };
  });
  const changed = effect.kind === "patch" && effect.changes.length > 0;
  return { kind: ref.kind, namespace: ref.namespace as Json, name: ref.name, changed };
}

/** One that fails and tries again says that it reconciles too, between its tries. */
function busyText(object: KubernetesObject): string | null {
  const name = `${object.kind} ${object.metadata.name}`;
  if (object.kind === "Application")
    return hasOperation(object) ? `${name} is suspended, and syncs still` : null;
  const busy = condition(object, "Reconciling");
  return busy?.status === "True" && busy.reason === "Progressing"
    ? `${name} is suspended, and reconciles still`
    : null;
}
