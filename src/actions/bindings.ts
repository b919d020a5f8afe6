// RoleBindings that may be put back: which of them gitmend remembers while they are there, and what they are told apart by. Only what
// gives rights in one namespace to service accounts of that namespace, and what nobody else puts back. Pure.
import type { KubernetesObject, ObjectRef } from "../domain/facts/objects.ts";
import { canonicalJson, isObject, type Json, type JsonObject, sha256 } from "../domain/json.ts";
import { oneLine } from "../domain/plain-text.ts";

export const rbacApi = "rbac.authorization.k8s.io/v1";

/** A RoleBinding as it was seen, without what belongs to that one object. */
export interface BindingContent {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly roleRef: JsonObject;
  readonly subjects: readonly JsonObject[];
  /** sha256 of the rules of its role: what it granted. */
  readonly rules: string;
  /** sha256 of its name, what it grants and to whom. */
  readonly fingerprint: string;
}

export interface KnownBinding extends BindingContent {
  /** It stood so, unchanged, for as long as `role_bindings.known_after` asks. */
  readonly settled: boolean;
  /** ISO 8601, UTC: since when it stood so, and when it was seen last. */
  readonly since: string;
  readonly seenAt: string;
}

/** What writes manifests puts back what it wrote. */
const managerMarks = [
  "kustomize.toolkit.fluxcd.io/",
  "helm.toolkit.fluxcd.io/",
  "argocd.argoproj.io/",
  "meta.helm.sh/",
  "olm.",
];
const plainName = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;

/** null: gitmend never puts it back, and need not remember it. */
export function contentOf(
  binding: KubernetesObject,
  role: KubernetesObject | undefined,
): BindingContent | null {
  const { name, namespace = "", labels = {}, annotations = {}, ownerReferences = [] } = binding.metadata;
  const { roleRef } = binding;
  const subjects = subjectsOf(binding);
  const marked = [...Object.keys(labels), ...Object.keys(annotations)].some((key) =>
    managerMarks.some((mark) => key.startsWith(mark)),
  );
  const own = subjects.length > 0 && subjects.every((subject) => isAccountOf(subject, namespace));
  if (role === undefined || !isObject(roleRef) || !own || marked) return null;
  if (ownerReferences.length > 0 || !plainName.test(name)) return null;
  const rights = { name, roleRef, subjects: [...subjects], rules: rulesOf(role) };
  return { ...rights, labels, fingerprint: sha256(canonicalJson(rights)) };
}

/** A ClusterRole that is put together from others has what they add up to in its rules, too. */
export function rulesOf(role: KubernetesObject): string {
  return sha256(canonicalJson((role["rules"] as Json | undefined) ?? []));
}

export function roleOf(
  { roleRef }: Pick<BindingContent, "roleRef">,
  cluster: string,
  namespace: string,
): ObjectRef | null {
  const { kind, name } = roleRef;
  if ((kind !== "Role" && kind !== "ClusterRole") || typeof name !== "string") return null;
  return { cluster, apiVersion: rbacApi, kind, namespace: kind === "Role" ? namespace : null, name };
}

/** What a role lets its accounts do, for people: `get, list configmaps; get pods.apps`. */
export function grantText({ rules }: KubernetesObject): string {
  const all = Array.isArray(rules) ? (rules as readonly Json[]).filter(isObject) : [];
  const words = (value: Json | undefined) => (Array.isArray(value) ? value.map(String).join(", ") : "");
  const texts = all.map(({ verbs, resources, nonResourceURLs, resourceNames }) => {
    const only = words(resourceNames);
    return `${words(verbs)} ${words(resources) || words(nonResourceURLs)}${only === "" ? "" : ` named ${only}`}`;
  });
  return oneLine(texts.length === 0 ? "nothing" : texts.join("; "), 300);
}

export function grantsTo({ subjects }: Pick<BindingContent, "subjects">, account: string): boolean {
  return subjects.some(({ name }) => name === account);
}

function subjectsOf({ subjects }: KubernetesObject): readonly JsonObject[] {
  return Array.isArray(subjects) ? (subjects as readonly Json[]).filter(isObject) : [];
}

function isAccountOf({ kind, namespace }: JsonObject, of: string): boolean {
  return kind === "ServiceAccount" && namespace === of;
}
