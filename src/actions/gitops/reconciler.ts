// What the actions on Flux's and Argo CD's own objects share: which object it is, whether it rests, and the mark by which gitmend
// knows what it has put to rest itself.
import { type KubernetesObject, type ObjectRef, objectText } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools } from "../action.ts";
import { nameParameter, namespaceParameter, type Situation, textOf } from "../parameters.ts";

const apiVersions = {
  Kustomization: "kustomize.toolkit.fluxcd.io/v1",
  HelmRelease: "helm.toolkit.fluxcd.io/v2",
  GitRepository: "source.toolkit.fluxcd.io/v1",
  Application: "argoproj.io/v1alpha1",
} as const;
export type ReconcilerKind = keyof typeof apiVersions;

/** Which one: `target.manager.object` has all three. */
export function reconcilerParameters(kinds: readonly ReconcilerKind[]): JsonObject {
  return {
    kind: { enum: kinds, description: "What it is: `{{ target.manager.object.kind }}`." },
    namespace: {
      ...namespaceParameter,
      description: "Its namespace, seldom the target's: `{{ target.manager.object.namespace }}`.",
    },
    name: {
      ...nameParameter("object", "none"),
      description: "Its name: `{{ target.manager.object.name }}`.",
    },
  };
}

/** `kind`: of an action that is for one kind alone. */
export function reconcilerRef(input: ActionInput, { cluster }: Situation, kind?: ReconcilerKind): ObjectRef {
  const given = (kind ?? textOf(input, "kind") ?? "") as ReconcilerKind;
  const apiVersion = Object.hasOwn(apiVersions, given) ? apiVersions[given] : null;
  const [namespace, name] = [textOf(input, "namespace"), textOf(input, "name")];
  if (apiVersion === null || namespace === null || name === null)
    throw new Problem("PARAMETER_INVALID", "say which object: kind, namespace and name");
  return { cluster, apiVersion, kind: given, namespace, name };
}

/** `Flux Kustomization flux-system/apps`. */
export function reconcilerText({
  kind,
  namespace,
  name,
}: Pick<ObjectRef, "kind" | "namespace" | "name">): string {
  const title = kind === "Application" ? "Argo CD application" : `Flux ${kind}`;
  return `${title} ${namespace}/${name}`;
}

export function previewText(input: ActionInput, kind: string | null = textOf(input, "kind")): string {
  const [namespace, name] = [textOf(input, "namespace"), textOf(input, "name")];
  return reconcilerText({ kind: kind ?? "object", namespace: namespace ?? "?", name: name ?? "?" });
}

/** @throws Problem TARGET_GONE */
export async function readReconciler(ref: ObjectRef, tools: ActionTools): Promise<KubernetesObject> {
  const object = await tools.cluster(ref.cluster).get(ref);
  if (object === null || object.metadata.deletionTimestamp !== undefined)
    throw new Problem("TARGET_GONE", `${objectText(ref)} no longer exists`);
  return object;
}

/** It applies nothing by itself now. */
export function isSuspended({ kind, spec = {}, metadata }: KubernetesObject): boolean {
  if (kind !== "Application") return spec["suspend"] === true;
  const policy: JsonObject = isObject(spec["syncPolicy"]) ? spec["syncPolicy"] : {};
  const byItself = isObject(policy.automated) && policy.automated.enabled !== false;
  return !byItself || skipsReconcile(metadata.annotations);
}

export function skipsReconcile(annotations: Readonly<Record<string, string>> = {}): boolean {
  return ["1", "t", "true"].includes(annotations["argocd.argoproj.io/skip-reconcile"]?.toLowerCase() ?? "");
}

/** An operation that is asked for, or under way. */
export function hasOperation(application: KubernetesObject): boolean {
  const state = operationState(application);
  return application["operation"] !== undefined || state.phase === "Running" || state.phase === "Terminating";
}

export function operationState({ status }: KubernetesObject): JsonObject {
  return isObject(status?.["operationState"]) ? status["operationState"] : {};
}

export function condition({ status }: KubernetesObject, type: string): JsonObject | null {
  const conditions: unknown = status?.["conditions"];
  const all: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  return all.filter(isObject).find((one) => one["type"] === type) ?? null;
}

// ---- what gitmend has suspended ------------------------------------------------------------------------------------

const markName = "gitmend.dev/suspended";
export const markPointer = "/metadata/annotations/gitmend.dev~1suspended";

/** The one field whose value suspends it, and what stands there then. undefined: nothing. */
export function suspension(kind: string): { readonly pointer: string; readonly value: Json | undefined } {
  return kind === "Application"
    ? { pointer: "/spec/syncPolicy/automated", value: undefined }
    : { pointer: "/spec/suspend", value: true };
}

export interface Mark {
  readonly execution: string;
  /** What stood in the field before; undefined: nothing. */
  readonly before: Json | undefined;
}

/** For whoever finds it at rest, and for the step that takes that back. */
export function markText({ executionId }: ActionContext, before: Json | undefined): string {
  return JSON.stringify({ execution: executionId, ...(before === undefined ? {} : { before }) });
}

/** null: gitmend has not suspended it. @throws Problem PRECONDITION_FAILED: somebody has changed the mark */
export function markOf({ kind, metadata }: KubernetesObject): Mark | null {
  const text = metadata.annotations?.[markName];
  if (text === undefined) return null;
  const mark = parsed(text);
  const known = kind === "Application" ? isAutomated : isSwitch;
  if (isObject(mark) && typeof mark.execution === "string" && known(mark.before))
    return { execution: mark.execution, before: mark.before };
  throw new Problem(
    "PRECONDITION_FAILED",
    `the annotation ${markName} of ${kind} ${metadata.name} is not as gitmend wrote it: resume it by hand and remove that`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isSwitch(value: Json | undefined): boolean {
  return value === undefined || value === false;
}

function isAutomated(value: Json | undefined): boolean {
  return isObject(value) && Object.values(value).every((one) => typeof one === "boolean");
}
