// What gitmend never changes, whatever a policy says: the cluster's foundations, itself, and what people opted out.
// Pure: the caller reads the objects of `protectionReads` and asks again before every change.
import { type KubernetesObject, type ObjectRef, objectKey, objectText } from "../domain/facts/objects.ts";
import { globMatcher } from "../domain/glob.ts";
import { Problem } from "../domain/problem.ts";

export interface ProtectionRules {
  /** Names or globs (`*`) of gitmend.yaml; foundationNamespaces when it says nothing. */
  readonly namespaces: readonly string[];
  /** Where gitmend itself runs; null outside a cluster. */
  readonly ownNamespace: string | null;
  readonly ownNode: string | null;
}

export const foundationNamespaces: readonly string[] = ["kube-system", "kube-public", "kube-node-lease"];

export const optOutLabel = "gitmend.dev/remediate";

export interface FoundObject {
  readonly ref: ObjectRef;
  /** null: there is no such object (any more). */
  readonly object: KubernetesObject | null;
}

/** The objects to read before asking: those that a change touches, and their namespaces. Pass the incident's target too. */
export function protectionReads(touched: readonly ObjectRef[]): readonly ObjectRef[] {
  const namespaces = touched.flatMap(({ cluster, namespace }) =>
    namespace === null
      ? []
      : [{ cluster, apiVersion: "v1", kind: "Namespace", namespace: null, name: namespace }],
  );
  return [...new Map([...touched, ...namespaces].map((ref) => [objectKey(ref), ref])).values()];
}

/** null: nothing of it is protected. Else the Problem PROTECTED_OBJECT (final) that says which object and why. */
export function protectionProblem(found: readonly FoundObject[], rules: ProtectionRules): Problem | null {
  for (const { ref, object } of found) {
    const why = protectionOf(ref, object, rules);
    if (why !== null) {
      return new Problem("PROTECTED_OBJECT", `${objectText(ref)} is protected: ${why}`, {
        details: { object: ref },
      });
    }
  }
  return null;
}

function protectionOf(
  ref: ObjectRef,
  object: KubernetesObject | null,
  rules: ProtectionRules,
): string | null {
  const namespace = ref.kind === "Namespace" ? ref.name : ref.namespace;
  if (namespace !== null && globMatcher(rules.namespaces)(namespace)) {
    return `namespace ${namespace} is`;
  }
  if (namespace !== null && namespace === rules.ownNamespace) return "gitmend runs in its namespace";
  if (ref.kind === "Node" && ref.name === rules.ownNode) return "gitmend runs on it";
  if (object?.metadata.labels?.[optOutLabel] === "false") return `its label ${optOutLabel} is "false"`;
  return null;
}
