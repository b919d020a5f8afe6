// Who writes a target's manifest, in words for people: what gitmend changed there, they would change back.
import type { ManagedBy, Manager, ManagerKind, Target } from "../facts/objects.ts";

const someone: Readonly<Record<Exclude<ManagedBy, "none" | "disputed">, string>> = {
  flux: "Flux",
  argocd: "Argo CD",
  helm: "Helm",
  operator: "an operator",
};

/** One sentence without its full stop; null: nobody but the cluster itself. */
export function managerText({ managedBy, managedByWhy, manager }: Target): string | null {
  if (managedBy === "none") return null;
  if (managedBy === "disputed")
    return `somebody else may own it and revert changes: ${managedByWhy ?? "its marks name an owner that does not list it"}`;
  const name = manager === null ? someone[managedBy] : managerName(manager);
  return `${name} owns it and will revert changes${manager?.suspended === true ? " when it is resumed" : ""}: change it there`;
}

const titles: Readonly<Record<ManagerKind, string>> = {
  "flux-kustomization": "Flux Kustomization",
  "flux-helmrelease": "Flux HelmRelease",
  "argo-application": "Argo CD application",
  helm: "Helm release",
  operator: "",
};

/** `Flux Kustomization flux-system/apps`. */
function managerName({ kind, object }: Pick<Manager, "kind" | "object">): string {
  const name = object.namespace === null ? object.name : `${object.namespace}/${object.name}`;
  return `${titles[kind] === "" ? `the operator of ${object.kind}` : titles[kind]} ${name}`;
}
