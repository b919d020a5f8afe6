// Who writes an object's manifest, and from which place in Git, as the cluster's own objects say it. Types only.
// What stands here was read from the cluster: it says where a source is, never that gitmend may go there.
import type { ObjectRef } from "./objects.ts";

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

const titles: Readonly<Record<ManagerKind, string>> = {
  "flux-kustomization": "Flux Kustomization",
  "flux-helmrelease": "Flux HelmRelease",
  "argo-application": "Argo CD application",
  helm: "Helm release",
  operator: "",
};

/** `Flux Kustomization flux-system/apps`. */
export function managerName({ kind, object }: Pick<Manager, "kind" | "object">): string {
  const name = object.namespace === null ? object.name : `${object.namespace}/${object.name}`;
  return `${titles[kind] === "" ? `the operator of ${object.kind}` : titles[kind]} ${name}`;
}
