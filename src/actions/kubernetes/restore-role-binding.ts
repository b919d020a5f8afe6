// restore_role_binding: puts back a RoleBinding that is gone, exactly as it stood. What it was comes from what gitmend itself has seen of
// the cluster, never from a template or an alert; nothing is granted that was not granted before, and the API server has the last word.
import type { ObjectRef } from "../../domain/facts/objects.ts";
import { plusSeconds } from "../../domain/instant.ts";
import { isObject, type JsonObject } from "../../domain/json.ts";
import type { CreateEffect } from "../../domain/planning/effect.ts";
import { Problem } from "../../domain/problem.ts";
import type { ActionContext, ActionInput, ActionTools, ChangeAction } from "../action.ts";
import { grantsTo, grantText, type KnownBinding, rbacApi, roleOf, rulesOf } from "../bindings.ts";
import { leastKeptSeconds } from "../engines/new-run.ts";
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
import { readWorkload, workloadRbac } from "../workload.ts";

export const restoreRoleBinding: ChangeAction = {
  name: "restore_role_binding",
  aliases: ["RestoreRoleBinding"],
  type: "kubernetes",
  summary:
    "Puts back a RoleBinding for the target's service account that is gone, exactly as gitmend has seen it stand.",
  risk: "high",
  changes: true,
  idempotent: true,
  input: objectSchema({
    namespace: namespaceParameter,
    name: nameParameter("RoleBinding", "the one that the target's service account has lost"),
    known: {
      type: "string",
      pattern: "^[0-9a-f]{64}$",
      description:
        "Checksum (sha256) of what it was; the plan has it. Another one that gitmend remembers is refused.",
    },
    grants: { type: "string", description: "What it grants, for people. The plan has it." },
    reason: reasonParameter,
  }),
  parameterAliases: {},
  identity: ["namespace", "name", "known"],
  text: ["reason", "grants"],
  output: outputSchema({
    namespace: { type: "string" },
    name: { type: "string" },
    role: { type: "string", description: "Kind and name of what it grants: `Role/reader`." },
  }),
  rbac: [
    {
      apiGroup: "rbac.authorization.k8s.io",
      resource: "rolebindings",
      verbs: ["get", "list", "create", "delete"],
    },
    { apiGroup: "rbac.authorization.k8s.io", resource: "roles", verbs: ["get", "list"] },
    { apiGroup: "rbac.authorization.k8s.io", resource: "clusterroles", verbs: ["get"] },
    ...workloadRbac("get"),
    // For what it remembers while they stand.
    { apiGroup: "", resource: "namespaces", verbs: ["get", "list"] },
  ],
  undo: { how: "restore" },
  timeoutSeconds: 30,
  waitParameter: null,
  objects: (input, situation) => {
    const name = textOf(input, "name");
    return name === null ? [] : [bindingRef(input, situation, name)];
  },
  preview: (input) =>
    `put back rolebinding ${named(input, "name")} as it stood: it grants ${textOf(input, "grants") ?? "rights"}`,
  resolve: async (input, situation, tools) => {
    const found = await chooseBinding(input, situation, tools);
    const { namespace } = bindingRef(input, situation, found.name);
    const grants = await grantsOf(found, situation, namespace, tools);
    return { ...input, namespace, name: found.name, known: found.fingerprint, grants };
  },
  prepare,
  settle: async (input, effect, context) => {
    const { namespace, name } = bindingRef(input, context, textOf(input, "name") ?? "");
    const role = (effect as CreateEffect).manifest["roleRef"];
    const { kind = "", name: of = "" } = isObject(role) ? role : {};
    return { namespace: namespace ?? "", name, role: `${kind as string}/${of as string}` };
  },
};

async function prepare(
  input: ActionInput,
  context: ActionContext,
  tools: ActionTools,
): Promise<CreateEffect> {
  const binding = await chooseBinding(input, context, tools);
  const object = bindingRef(input, context, binding.name);
  const { labels, roleRef, subjects } = binding;
  const manifest: JsonObject = {
    ...(Object.keys(labels).length === 0 ? {} : { metadata: { labels } }),
    roleRef,
    subjects: [...subjects],
  };
  await assertMayGrant(object, manifest, tools);
  return { kind: "create", object, manifest, provenUntil: plusSeconds(tools.now(), leastKeptSeconds) };
}

/** `Role reader to reader: get configmaps`. */
async function grantsOf(
  binding: KnownBinding,
  { cluster }: Situation,
  namespace: string | null,
  tools: ActionTools,
): Promise<string> {
  const role = roleOf(binding, cluster, namespace ?? "");
  const present = role === null ? null : await tools.cluster(cluster).get(role);
  const accounts = binding.subjects.map(({ name }) => (typeof name === "string" ? name : "?")).join(", ");
  return present === null
    ? "rights"
    : `${present.kind} ${present.metadata.name} to ${accounts}: ${grantText(present)}`;
}

/** @throws Problem PRECONDITION_FAILED with what speaks against every one that it could be */
async function chooseBinding(
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<KnownBinding> {
  const { ref, object: workload } = await readWorkload({}, situation, tools);
  const account = accountOf(workload.spec);
  const { namespace } = bindingRef(input, situation, "");
  if (namespace !== ref.namespace)
    throw new Problem("PARAMETER_INVALID", "only a RoleBinding of the target's own namespace is put back");
  const wanted = textOf(input, "name");
  const all = await tools.knownBindings(situation.cluster, namespace ?? "");
  const own = all.filter((one) => grantsTo(one, account) && (wanted === null || one.name === wanted));
  const reasons: string[] = [];
  const fit: KnownBinding[] = [];
  for (const one of own) {
    const why = await whyNot(one, input, situation, tools);
    if (why === null) fit.push(one);
    else reasons.push(`${one.name}: ${why}`);
  }
  const [only] = fit;
  if (only !== undefined && fit.length === 1) return only;
  const of = `service account ${namespace}/${account}`;
  throw new Problem(
    "PRECONDITION_FAILED",
    fit.length > 1
      ? `${of} has lost several RoleBindings, so say which: ${fit.map(({ name }) => name).join(", ")}`
      : reasons.length === 0
        ? `gitmend remembers no RoleBinding${wanted === null ? "" : ` ${wanted}`} of ${of}`
        : `no RoleBinding of ${of} is put back: ${reasons.slice(0, 3).join("; ")}`,
  );
}

/** For people; null: it may be put back. */
async function whyNot(
  binding: KnownBinding,
  input: ActionInput,
  situation: Situation,
  tools: ActionTools,
): Promise<string | null> {
  const api = tools.cluster(situation.cluster);
  const known = textOf(input, "known");
  if (known !== null && known !== binding.fingerprint) return "it was another one when it was planned";
  const object = bindingRef(input, situation, binding.name);
  if ((await api.get(object)) !== null) return "it is there";
  if (!binding.settled) return `it was changed or new at ${binding.since}, too short before it was gone`;
  const role = roleOf(binding, situation.cluster, object.namespace ?? "");
  const present = role === null ? null : await api.get(role);
  if (role === null || present === null) return "its role is gone";
  return rulesOf(present) === binding.rules ? null : `${role.kind} ${role.name} grants other rights by now`;
}

/**
 * The API server lets nobody grant more than they have, unless they may `bind` that role. Asked while the plan is made: people are
 * not asked for what cannot be.
 */
async function assertMayGrant(object: ObjectRef, manifest: JsonObject, tools: ActionTools): Promise<void> {
  try {
    await tools.cluster(object.cluster).create(object, manifest, { dryRun: true });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "API_FORBIDDEN") throw error;
    throw new Problem(
      "PRECONDITION_FAILED",
      `the API server does not let gitmend grant what rolebinding ${object.name} grants: its account needs the verb bind on that role`,
      { cause: error },
    );
  }
}

function accountOf(spec: Readonly<Record<string, unknown>> = {}): string {
  const template = isObject(spec["template"]) ? spec["template"] : {};
  const pod = isObject(template.spec) ? template.spec : {};
  return typeof pod.serviceAccountName === "string" ? pod.serviceAccountName : "default";
}

function bindingRef(input: ActionInput, { cluster, target }: Situation, name: string): ObjectRef {
  const namespace = textOf(input, "namespace") ?? target?.namespace ?? null;
  return { cluster, apiVersion: rbacApi, kind: "RoleBinding", namespace, name };
}
