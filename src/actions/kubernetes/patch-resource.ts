// patch_resource: writes named fields of one object by a JSON merge patch (RFC 7396). For what no other action does: it may touch
// only kinds that are listed here, never what makes an object that object, and undo gives back exactly the fields it wrote.
import { type KubernetesObject, type ObjectRef, objectText } from "../../domain/facts/objects.ts";
import { isObject, type Json, type JsonObject } from "../../domain/json.ts";
import type { FieldChange, PatchEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { differences } from "../differences.ts";
import { segmentsOf, valueAt } from "../json-pointer.ts";
import { mergeWrites, refuseForbidden } from "../merge-patch.ts";
import {
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  textOf,
} from "../parameters.ts";
import { type FieldWrite, patchEffect, patchOperations } from "../patch-effect.ts";
import { autoscalerRbac, refuseAutoscaled } from "../scalable.ts";

/** What it grants is seen in a diff. Neither Secrets nor anything that gives rights or intercepts requests. */
const kinds = {
  ConfigMap: { apiVersion: "v1", resource: "configmaps" },
  CronJob: { apiVersion: "batch/v1", resource: "cronjobs" },
  DaemonSet: { apiVersion: "apps/v1", resource: "daemonsets" },
  Deployment: { apiVersion: "apps/v1", resource: "deployments" },
  HorizontalPodAutoscaler: { apiVersion: "autoscaling/v2", resource: "horizontalpodautoscalers" },
  Ingress: { apiVersion: "networking.k8s.io/v1", resource: "ingresses" },
  Node: { apiVersion: "v1", resource: "nodes" },
  PersistentVolumeClaim: { apiVersion: "v1", resource: "persistentvolumeclaims" },
  PodDisruptionBudget: { apiVersion: "policy/v1", resource: "poddisruptionbudgets" },
  Service: { apiVersion: "v1", resource: "services" },
  StatefulSet: { apiVersion: "apps/v1", resource: "statefulsets" },
} as const;
type Kind = keyof typeof kinds;

/** The rest of a node's spec belongs to whoever made it. */
const fieldsOfNode: ReadonlySet<string> = new Set(["taints", "unschedulable"]);

const triesOnConflict = 3;

export const patchResource: ChangeAction = {
  name: "patch_resource",
  aliases: ["PatchConfiguration", "update_config", "PatchHPA"],
  type: "kubernetes",
  summary: "Writes named fields of one object by a JSON merge patch.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema(
    {
      namespace: namespaceParameter,
      kind: { enum: Object.keys(kinds), description: "Kind of the object. Default: the target's." },
      name: nameParameter("object", "the target"),
      patch: {
        type: "object",
        minProperties: 1,
        description:
          "The fields as they should be (RFC 7396): null removes one, a list replaces the whole list. Of metadata only labels and annotations; of a Node's spec only taints and unschedulable.",
      },
      reason: reasonParameter,
    },
    ["patch"],
  ),
  parameterAliases: { resource_type: "kind" },
  identity: ["namespace", "kind", "name"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    kind: { type: "string" },
    name: { type: "string" },
    fields: { type: "array", items: { type: "string" }, description: "JSON pointers of what was written." },
  }),
  rbac: [
    ...Object.values(kinds).map(({ apiVersion, resource }) => ({
      apiGroup: apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "",
      resource,
      verbs:
        resource === "horizontalpodautoscalers"
          ? (["get", "list", "patch"] as const)
          : (["get", "patch"] as const),
    })),
    ...autoscalerRbac.filter(({ apiGroup }) => apiGroup !== "autoscaling"),
  ],
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => [objectRef(input, situation)],
  preview: (input) => {
    const kind = textOf(input, "kind") ?? "object";
    const fields = isObject(input.patch) ? mergeWrites(input.patch, {}).map(({ pointer }) => pointer) : [];
    const shown = fields.slice(0, 3).join(", ");
    const more = fields.length > 3 ? ` and ${fields.length - 3} more` : "";
    return `write ${shown || "fields"}${more} of ${kind.toLowerCase()} ${named(input, "name")}`;
  },
  resolve: async (input, situation) => {
    const { kind, namespace, name } = objectRef(input, situation);
    checkedPatch(input, kind);
    return { ...input, kind, name, ...(namespace === null ? {} : { namespace }) };
  },
  prepare,
  settle: async (input, effect, context) => {
    const { kind, namespace, name } = objectRef(input, context);
    const fields = effect.kind === "patch" ? effect.changes.map(({ pointer }) => pointer) : [];
    return { namespace: namespace ?? "", kind, name, fields };
  },
};

/** @throws Problem PARAMETER_INVALID */
function objectRef(input: ActionInput, { cluster, target }: Situation): ObjectRef {
  const kind = textOf(input, "kind") ?? target?.kind ?? null;
  const namespace = kind === "Node" ? null : (textOf(input, "namespace") ?? target?.namespace ?? null);
  const isTarget = target !== null && target.kind === kind && target.namespace === namespace;
  const name = textOf(input, "name") ?? (isTarget ? target.name : null);
  if (kind === null || !Object.hasOwn(kinds, kind))
    throw new Problem(
      "PARAMETER_INVALID",
      `patch_resource may change ${Object.keys(kinds).join(", ")}, no ${kind ?? "other kind"}`,
    );
  if ((namespace === null && kind !== "Node") || name === null)
    throw new Problem(
      "PARAMETER_INVALID",
      `say which ${kind}: the input has no "name" and the incident's target is no ${kind}`,
    );
  return { cluster, apiVersion: kinds[kind as Kind].apiVersion, kind, namespace, name };
}

/** @throws Problem PARAMETER_INVALID */
function checkedPatch({ patch }: ActionInput, kind: string): JsonObject {
  if (!isObject(patch)) throw new Problem("PARAMETER_INVALID", '"patch" must be the fields to write');
  refuseForbidden(patch);
  if (kind === "Node") refuseOtherOfNode(patch);
  return patch;
}

function refuseOtherOfNode({ metadata: _metadata, spec, ...others }: JsonObject): void {
  const top = spec === undefined || isObject(spec) ? Object.keys(others)[0] : "spec";
  const inner = Object.keys(isObject(spec) ? spec : {}).find((key) => !fieldsOfNode.has(key));
  const field = top ?? (inner === undefined ? null : `spec/${inner}`);
  if (field === null) return;
  throw new Problem(
    "PARAMETER_INVALID",
    `a patch may not write /${field} of a Node: only single labels and annotations, /spec/taints and /spec/unschedulable`,
  );
}

async function prepare(input: ActionInput, context: ActionContext, tools: ActionTools): Promise<PatchEffect> {
  const ref = objectRef(input, context);
  const patch = checkedPatch(input, ref.kind);
  for (let tries = 1; ; tries += 1) {
    const object = await tools.cluster(ref.cluster).get(ref);
    if (object === null || object.metadata.deletionTimestamp !== undefined)
      throw new Problem("TARGET_GONE", `${objectText(ref)} no longer exists`);
    const effect = patchEffect(ref, object, mergeWrites(patch, object as unknown as Json));
    if (effect.changes.some(({ pointer }) => pointer === "/spec/replicas"))
      await refuseAutoscaled(ref, tools);
    try {
      return patchEffect(ref, object, await asStored(effect, object, tools));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "API_CONFLICT" || tries === triesOnConflict)
        throw error;
    }
  }
}

/**
 * The server completes and respells what it is given (defaults, quantities). What it would store is what is written, so that
 * the fields can be told later from fields that somebody has changed.
 */
async function asStored(
  effect: PatchEffect,
  object: KubernetesObject,
  tools: ActionTools,
): Promise<readonly FieldWrite[]> {
  const stored = await dryRun(effect, tools);
  return effect.changes.flatMap((change) => {
    const { pointer } = change;
    const value = stored === null ? change.after : valueAt(stored, pointer);
    if (value === undefined) refuseDropped(change, effect.object);
    const changes = differences(valueAt(object, pointer), value, segmentsOf(pointer));
    const writes = changes.map((one) => ({ pointer: one.pointer, value: one.after }));
    return writes.length === 0 ? [{ pointer, value }] : writes;
  });
}

/** null: gitmend may only read here, so what the server would make of it is not known. */
async function dryRun(effect: PatchEffect, tools: ActionTools): Promise<KubernetesObject | null> {
  const { object } = effect;
  try {
    return await tools.cluster(object.cluster).patch(object, patchOperations(effect, {}), { dryRun: true });
  } catch (error) {
    if (error instanceof Problem && error.code === "API_FORBIDDEN") return null;
    throw error;
  }
}

/** The server leaves out what it does not know without a word; false, 0 and what is empty it may leave out too. */
function refuseDropped({ pointer, before, after }: FieldChange, { kind, name }: ObjectRef): void {
  const empty = !after || (typeof after === "object" && Object.keys(after).length === 0);
  if (before !== undefined || empty) return;
  throw new Problem(
    "API_INVALID",
    `the API server knows no field ${pointer} of ${kind} ${name}: nothing was written`,
  );
}
