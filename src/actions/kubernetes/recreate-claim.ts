// recreate_claim: deletes a claim of a StatefulSet that never bound because its storage class does not exist, so that the StatefulSet
// makes it anew from its template. Whatever could hold data, or could still bind, is left alone.
import type { KubernetesObject, ObjectRef } from "../../domain/facts/objects.ts";
import type { DeleteEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction, ClusterApi } from "../action.ts";
import { type ClaimOwner, claimsOf, type Storage, whyKept } from "../claims.ts";
import {
  durationParameter,
  named,
  nameParameter,
  namespaceParameter,
  objectSchema,
  outputSchema,
  reasonParameter,
  type Situation,
  secondsOf,
  textOf,
} from "../parameters.ts";
import { waitFor } from "../wait.ts";
import { readWorkload } from "../workload.ts";

export const recreateClaim: ChangeAction = {
  name: "recreate_claim",
  aliases: ["FixStatefulSetPVC"],
  type: "kubernetes",
  summary:
    "Deletes a claim of a StatefulSet that never bound, because its storage class does not exist; the StatefulSet makes it anew with its pod.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    workload: nameParameter("StatefulSet", "the target, when that is a StatefulSet"),
    claim: nameParameter(
      "PersistentVolumeClaim",
      "the one claim of the StatefulSet that waits for a class that does not exist",
    ),
    wait_timeout: durationParameter("30s", "How long the claim may take to go."),
    reason: reasonParameter,
  }),
  parameterAliases: { statefulset: "workload", name: "workload" },
  identity: ["namespace", "workload", "claim"],
  text: ["reason"],
  output: outputSchema({
    namespace: { type: "string" },
    claim: { type: "string", description: "The claim that was deleted." },
  }),
  rbac: [
    { apiGroup: "apps", resource: "statefulsets", verbs: ["get"] },
    { apiGroup: "", resource: "persistentvolumeclaims", verbs: ["get", "list", "delete"] },
    { apiGroup: "", resource: "persistentvolumes", verbs: ["list"] },
    { apiGroup: "storage.k8s.io", resource: "storageclasses", verbs: ["list"] },
  ],
  undo: { how: "nothing", why: "a claim that never bound holds nothing" },
  timeoutSeconds: 60,
  waitParameter: "wait_timeout",
  objects: (input, situation) => {
    const claim = textOf(input, "claim");
    return claim === null ? [] : [claimRef(input, situation, claim)];
  },
  preview: (input) =>
    `delete claim ${textOf(input, "claim") === null ? "that never bound" : named(input, "claim")}, which never bound, so that its StatefulSet makes it anew`,
  resolve: async (input, situation, tools) => {
    const { ref } = await readSet(input, situation, tools);
    const claim = textOf(input, "claim") ?? (await chooseClaim(input, situation, tools));
    return { ...input, namespace: ref.namespace, workload: ref.name, claim };
  },
  prepare,
  settle: async (input, effect, context, tools) => {
    const { namespace, name } = claimRef(input, context, textOf(input, "claim") ?? "");
    const { uid } = effect as DeleteEffect;
    await waitFor(tools, secondsOf(input, "wait_timeout", "30s"), async () => {
      const present = await tools.cluster(context.cluster).get((effect as DeleteEffect).object);
      if (present?.metadata.uid !== uid) return { done: true, value: null };
      return { done: false, waitingFor: `claim ${name} is held by a pod or by its storage still` };
    });
    return { namespace: namespace ?? "", claim: name };
  },
};

async function prepare(
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<DeleteEffect> {
  const api = tools.cluster(context.cluster);
  const { owner } = await readSet(input, context, tools);
  const claim = textOf(input, "claim") ?? (await chooseClaim(input, context, tools));
  const object = claimRef(input, context, claim);
  const found = await api.get(object);
  const text = `claim ${object.namespace}/${claim}`;
  if (found === null) throw new Problem("TARGET_GONE", `${text} no longer exists`);
  const why = whyKept(found, owner, await readStorage(api));
  if (why !== null) throw new Problem("PRECONDITION_FAILED", `${text} is not made anew: ${why}`);
  const { uid, resourceVersion } = found.metadata;
  return { kind: "delete", object, uid, resourceVersion, gracePeriodSeconds: null };
}

/** @throws Problem PARAMETER_INVALID: the target is no StatefulSet, and none is named. TARGET_GONE */
async function readSet(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<{ readonly ref: ObjectRef; readonly owner: ClaimOwner }> {
  const { ref, object } = await readWorkload({ ...input, kind: "StatefulSet" }, situation, tools);
  return { ref, owner: object };
}

/** @throws Problem PRECONDITION_FAILED: there is no such claim, or there are several */
async function chooseClaim(input: ActionInput, situation: Situation, tools: ActionTools): Promise<string> {
  const api = tools.cluster(situation.cluster);
  const { ref, owner } = await readSet(input, situation, tools);
  const query = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: ref.namespace };
  const claims = claimsOf(owner, await api.list(query));
  const storage = await readStorage(api);
  const fit = claims.filter((claim) => whyKept(claim, owner, storage) === null);
  const [only] = fit;
  if (only !== undefined && fit.length === 1) return only.metadata.name;
  throw new Problem("PRECONDITION_FAILED", whyNone(ref, owner, claims, fit, storage));
}

function whyNone(
  { namespace, name }: ObjectRef,
  owner: ClaimOwner,
  claims: readonly KubernetesObject[],
  fit: readonly KubernetesObject[],
  storage: Storage,
): string {
  const of = `statefulset ${namespace}/${name}`;
  const names = (all: readonly KubernetesObject[]) => all.slice(0, 5).map(({ metadata }) => metadata.name);
  if (fit.length > 1)
    return `several claims of ${of} wait for a class that does not exist, so say which: ${names(fit).join(", ")}`;
  const pending = claims.filter(({ status }) => status?.["phase"] === "Pending");
  if (pending.length === 0) return `no claim of ${of} waits to be bound`;
  const why = pending.slice(0, 3).map((claim) => `${claim.metadata.name}: ${whyKept(claim, owner, storage)}`);
  return `no claim of ${of} may be made anew: ${why.join("; ")}`;
}

async function readStorage(api: ClusterApi): Promise<Storage> {
  const [classes, volumes] = await Promise.all([
    api.list({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", namespace: null }),
    api.list({ apiVersion: "v1", kind: "PersistentVolume", namespace: null }),
  ]);
  return { classes, volumes };
}

function claimRef(input: ActionInput, { cluster, target }: Situation, name: string): ObjectRef {
  const namespace = textOf(input, "namespace") ?? target?.namespace ?? null;
  return { cluster, apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name };
}
