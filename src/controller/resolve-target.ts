// Subject -> target: walks controller owners to the top (Pod -> ReplicaSet -> Deployment).
// Reads only. A subject that is gone has no target; an owner that is no built-in workload makes the target the operator's.
import type { ActionTools } from "../actions/action.ts";
import type {
  KubernetesObject,
  ObjectRef,
  OwnerReference,
  Subject,
  Target,
} from "../domain/facts/objects.ts";
import { subjectApis } from "../domain/intake/subject-of.ts";
import { controllerOf, type Management, managedBy, managedByOwner } from "./managed-by.ts";

const longestChain = 8;
const unending: Management = { by: "operator", why: null, manager: null };

/** null: the object does not exist (any more). @throws Problem API_*: the fact is unavailable. */
export async function resolveTarget(
  cluster: string,
  subject: Pick<Subject, "kind" | "namespace" | "name">,
  tools: ActionTools,
): Promise<Target | null> {
  const api = tools.cluster(cluster);
  const apiVersion = subjectApis[subject.kind];
  if (apiVersion === undefined) return null;
  const { kind, namespace, name } = subject;
  let object = await api.get({ cluster, apiVersion, kind, namespace, name });
  if (object === null) return null;
  for (let depth = 0; depth < longestChain; depth += 1) {
    const owner = controllerOf(object);
    if (owner === undefined) return toTarget(cluster, object, await managedBy(cluster, object, tools));
    // A static pod belongs to its node's kubelet: as little for gitmend to change as what an operator owns.
    if (!isBuiltIn(owner) || owner.kind === "Node")
      return toTarget(cluster, object, await managedByOwner(cluster, object, owner, tools));
    const parent = await api.get(ownerRef(cluster, object, owner));
    // An owner with another uid is a new object under the old name: the link is stale.
    if (parent === null || parent.metadata.uid !== owner.uid)
      return toTarget(cluster, object, await managedBy(cluster, object, tools));
    object = parent;
  }
  return toTarget(cluster, object, unending);
}

function isBuiltIn(owner: OwnerReference): boolean {
  return subjectApis[owner.kind] === owner.apiVersion;
}

function ownerRef(cluster: string, object: KubernetesObject, owner: OwnerReference): ObjectRef {
  const namespace = object.metadata.namespace ?? null;
  return { cluster, apiVersion: owner.apiVersion, kind: owner.kind, namespace, name: owner.name };
}

function toTarget(cluster: string, object: KubernetesObject, { by, why, manager }: Management): Target {
  const { metadata } = object;
  return {
    cluster,
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: metadata.namespace ?? null,
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    spec: object.spec ?? {},
    status: object.status ?? {},
    managedBy: by,
    ...(why === null ? {} : { managedByWhy: why }),
    manager,
  };
}
