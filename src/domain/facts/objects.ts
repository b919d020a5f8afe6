// Kubernetes objects as gitmend names them. Types, and the one spelling of their key.

export interface ObjectRef {
  /** A configured cluster's name. */
  readonly cluster: string;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** null for cluster-scoped objects. */
  readonly namespace: string | null;
  readonly name: string;
}

/** The object that an alert names. */
export interface Subject {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly container: string | null;
}

/** What gitmend repairs: the subject's top owner, as read when the decision was made. */
export interface Target extends ObjectRef {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>>;
  readonly managedBy: ManagedBy;
  /** Why it is disputed, for people. */
  readonly managedByWhy?: string;
  /** Who is named by what stands in `managedBy`, confirmed or not; null: nobody. */
  readonly manager: Manager | null;
}

/**
 * Who writes the target's manifest. `operator`: its top owner is no built-in workload. `disputed`: labels name an owner that
 * does not list the object. Whatever is not `none` is only observed and escalated: a live change would be undone.
 */
export type ManagedBy = "none" | "flux" | "argocd" | "helm" | "operator" | "disputed";

export type ManagerKind =
  | "flux-kustomization"
  | "flux-helmrelease"
  | "argo-application"
  | "helm"
  | "operator";

/** A folder of a Git repository. */
export interface ManifestSource {
  /** As the cluster names it, without a password. */
  readonly url: string;
  /** Branch, tag, range or commit that it follows; null: the repository's default. */
  readonly follows: string | null;
  /** The commit that the cluster has by now; null: nobody says so. */
  readonly revision: string | null;
  /** Within the repository, without `./`; empty: its root. */
  readonly path: string;
}

export interface Manager {
  readonly kind: ManagerKind;
  /** The Kustomization, HelmRelease, Application or owner; of plain Helm the release, which is no object (`helm.sh/v1`, `Release`). */
  readonly object: ObjectRef;
  /** Both ends agree. Otherwise it is a mark that anybody can set: good for no source, and nothing to suspend. */
  readonly confirmed: boolean;
  /** null: not confirmed, not in Git, or nobody can tell which of several. */
  readonly source: ManifestSource | null;
  /** It applies nothing by itself now. */
  readonly suspended: boolean;
  /** Who writes the manager's own manifest. null: nobody, or it is not confirmed. */
  readonly manager: Manager | null;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** An object as the API server returns it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
    readonly managedFields?: readonly {
      readonly manager?: string;
      readonly time?: string;
      readonly fieldsV1?: unknown;
    }[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** `cluster/group/kind/namespace/name`: the key of claims. The core group is empty, so is the namespace of a node. */
export function objectKey(ref: ObjectRef): string {
  const group = ref.apiVersion.includes("/") ? ref.apiVersion.split("/")[0] : "";
  return [ref.cluster, group, ref.kind, ref.namespace ?? "", ref.name].join("/");
}

const shortKinds: Readonly<Record<string, string>> = {
  Deployment: "deploy",
  StatefulSet: "sts",
  DaemonSet: "ds",
  ReplicaSet: "rs",
  Pod: "pod",
  Node: "node",
};

/** `prod-eu/shop/deploy/api`: how people, commit subjects and tables name a target. */
export function objectText(ref: Omit<ObjectRef, "apiVersion">): string {
  const kind = shortKinds[ref.kind] ?? ref.kind.toLowerCase();
  return [ref.cluster, ref.namespace, kind, ref.name].filter((part) => part !== null).join("/");
}
