// sync_argo_application: has Argo CD sync an application with what Git says, and waits until it is synced and healthy. It asks in
// the field `operation`, which Argo CD empties when the sync has ended; the effect's key in it says later whose sync that was.
import type { KubernetesObject } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { Effect, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { asText, shown } from "../engines/new-run.ts";
import { durationParameter, objectSchema, outputSchema, reasonParameter, secondsOf } from "../parameters.ts";
import { patchEffect } from "../patch-effect.ts";
import { type Look, waitFor } from "../wait.ts";
import {
  hasOperation,
  operationState,
  previewText,
  readReconciler,
  reconcilerParameters,
  reconcilerRef,
  reconcilerText,
  skipsReconcile,
} from "./reconciler.ts";

const refresh = "argocd.argoproj.io/refresh";
const { namespace, name } = reconcilerParameters(["Application"]);

export const syncArgoApplication: ChangeAction = {
  name: "sync_argo_application",
  aliases: [],
  type: "kubernetes",
  summary: "Has Argo CD refresh and sync an Application, and waits until it is synced and healthy.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      namespace: namespace ?? null,
      name: name ?? null,
      prune: {
        type: "boolean",
        default: false,
        description: "Delete what Git no longer has. Otherwise that keeps the application out of sync.",
      },
      timeout: durationParameter("5m", "How long it may take until it is synced and healthy."),
      reason: reasonParameter,
    },
    ["namespace", "name"],
  ),
  parameterAliases: { application: "name" },
  identity: ["namespace", "name"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    name: { type: "string" },
    revision: { type: ["string", "null"], description: "What it is synced to." },
  }),
  rbac: [{ apiGroup: "argoproj.io", resource: "applications", verbs: ["get", "patch"] }],
  undo: { how: "nothing", why: "Argo CD has applied what Git says; change that" },
  timeoutSeconds: 330,
  waitParameter: "timeout",
  objects: (input, situation) => [reconcilerRef(input, situation, "Application")],
  preview: (input) =>
    `sync ${previewText(input, "Application")} with Git${input.prune === true ? ", deleting what Git no longer has" : ""}`,
  prepare,
  settle,
};

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const ref = reconcilerRef(input, context, "Application");
  const object = await readReconciler(ref, tools);
  const refused = (why: string, retryable: boolean) =>
    new Problem("PRECONDITION_FAILED", `${reconcilerText(ref)} ${why}`, { retryable });
  if (skipsReconcile(object.metadata.annotations))
    throw refused("is told to skip reconciling: Argo CD does nothing for it", false);
  if (hasOperation(object)) throw refused("is being synced already", true);
  return patchEffect(ref, object, [
    { pointer: "/operation", value: operation(input, object, context) },
    { pointer: "/metadata/annotations/argocd.argoproj.io~1refresh", value: "normal" },
  ]);
}

/** With the options that the application itself has: they count only where the operation names them. */
function operation(input: ActionInput, { spec }: KubernetesObject, { effectKey }: ActionContext): JsonObject {
  const policy: JsonObject = isObject(spec?.["syncPolicy"]) ? spec["syncPolicy"] : {};
  return {
    initiatedBy: { username: "gitmend" },
    info: [{ name: "gitmend", value: effectKey }],
    sync: {
      ...(input.prune === true ? { prune: true } : {}),
      ...(policy.syncOptions === undefined ? {} : { syncOptions: policy.syncOptions }),
    },
    ...(policy.retry === undefined ? {} : { retry: policy.retry }),
  };
}

async function settle(
  input: ActionInput,
  _effect: Effect,
  context: ActionContext,
  tools: ActionTools,
): Promise<JsonObject> {
  const ref = reconcilerRef(input, context, "Application");
  const object = await waitFor(tools, secondsOf(input, "timeout", "5m"), async () =>
    lookAt(await readReconciler(ref, tools), context),
  );
  const { revision, revisions } = syncOf(object);
  const all = Array.isArray(revisions) ? (revisions as readonly Json[]).map(asText).join(", ") : revision;
  return {
    namespace: ref.namespace,
    name: ref.name,
    revision: typeof all === "string" && all !== "" ? shown(all) : null,
  };
}

/** @throws Problem RUN_FAILED: this sync has failed, and Argo CD has given it up */
function lookAt(object: KubernetesObject, { effectKey }: ActionContext): Look<KubernetesObject> {
  const text = `application ${object.metadata.name}`;
  const state = operationState(object);
  const said = shown(asText(state.message ?? ""));
  if (isOurs(state.operation, effectKey) && (state.phase === "Failed" || state.phase === "Error"))
    throw new Problem("RUN_FAILED", `the sync of ${text} failed: ${said}`);
  if (hasOperation(object)) return { done: false, waitingFor: `${text} is being synced: ${said}` };
  if (object.metadata.annotations?.[refresh] !== undefined)
    return { done: false, waitingFor: `Argo CD has not refreshed ${text} yet` };
  const health = isObject(object.status?.["health"]) ? object.status["health"].status : undefined;
  const sync = syncOf(object).status;
  return sync === "Synced" && health === "Healthy"
    ? { done: true, value: object }
    : {
        done: false,
        waitingFor: `${text} is ${shown(asText(sync ?? "not compared yet"))} and ${shown(asText(health ?? "of unknown health"))}`,
      };
}

function syncOf({ status }: KubernetesObject): JsonObject {
  return isObject(status?.["sync"]) ? status["sync"] : {};
}

function isOurs(value: Json | undefined, effectKey: string): boolean {
  const info: readonly Json[] =
    isObject(value) && Array.isArray(value.info) ? (value.info as readonly Json[]) : [];
  return info.some((one) => isObject(one) && one.name === "gitmend" && one.value === effectKey);
}
