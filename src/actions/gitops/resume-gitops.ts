// resume_gitops: takes back what suspend_gitops of the same execution has suspended, exactly as it was. What people have suspended,
// or resumed meanwhile, is left as it is: so it may stand in `finally` whatever came before.
import type { JsonObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { sameJson } from "../differences.ts";
import { valueAt } from "../json-pointer.ts";
import { objectSchema, outputSchema, reasonParameter } from "../parameters.ts";
import { type FieldWrite, patchEffect } from "../patch-effect.ts";
import {
  isSuspended,
  markOf,
  markPointer,
  previewText,
  readReconciler,
  reconcilerParameters,
  reconcilerRef,
  suspension,
} from "./reconciler.ts";

export const resumeGitops: ChangeAction = {
  name: "resume_gitops",
  aliases: [],
  type: "kubernetes",
  summary: "Resumes what suspend_gitops of the same execution has suspended, and nothing that people have.",
  risk: "medium",
  changes: true,
  idempotent: true,
  input: objectSchema(
    { ...reconcilerParameters(["Kustomization", "HelmRelease", "Application"]), reason: reasonParameter },
    ["kind", "namespace", "name"],
  ),
  parameterAliases: {},
  identity: ["kind", "namespace", "name"],
  text: ["reason"],
  output: outputSchema({
    kind: { type: "string" },
    namespace: { type: "string" },
    name: { type: "string" },
    resumed: { type: "boolean", description: "Whether this step resumed it." },
    suspended: {
      type: "boolean",
      description: "Whether it is suspended all the same: people have done that.",
    },
  }),
  rbac: [
    { apiGroup: "kustomize.toolkit.fluxcd.io", resource: "kustomizations", verbs: ["get", "patch"] },
    { apiGroup: "helm.toolkit.fluxcd.io", resource: "helmreleases", verbs: ["get", "patch"] },
    { apiGroup: "argoproj.io", resource: "applications", verbs: ["get", "patch"] },
  ],
  undo: { how: "nothing", why: "what applies manifests from Git is meant to run" },
  timeoutSeconds: 60,
  waitParameter: null,
  objects: (input, situation) => [reconcilerRef(input, situation)],
  preview: (input) => `resume ${previewText(input)}, if this execution has suspended it`,
  prepare,
  settle,
};

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const ref = reconcilerRef(input, context);
  const object = await readReconciler(ref, tools);
  const mark = markOf(object);
  if (mark === null || mark.execution !== context.executionId) return patchEffect(ref, object, []);
  const { pointer, value } = suspension(ref.kind);
  const untouched = sameJson(valueAt(object, pointer), value);
  const back: readonly FieldWrite[] = untouched ? [{ pointer, value: mark.before }] : [];
  return patchEffect(ref, object, [...back, { pointer: markPointer, value: undefined }]);
}

async function settle(
  input: ActionInput,
  effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const ref = reconcilerRef(input, context);
  const { pointer } = suspension(ref.kind);
  const resumed = effect.kind === "patch" && effect.changes.some((change) => change.pointer === pointer);
  const suspended = isSuspended(await readReconciler(ref, tools));
  return { kind: ref.kind, namespace: ref.namespace, name: ref.name, resumed, suspended };
}
