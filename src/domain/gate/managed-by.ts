// Who writes a target's manifest, in words for people: what gitmend changed there, they would change back.
import type { Target } from "../facts/objects.ts";

/** null: nobody but the cluster itself. */
export function managerText({ managedBy, managedByWhy, labels, annotations }: Target): string | null {
  switch (managedBy) {
    case "none":
      return null;
    case "flux":
      return `Flux${named(labels, ["kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"])}`;
    case "argocd":
      return `Argo CD${quoted(annotations["argocd.argoproj.io/tracking-id"]?.split(":")[0] ?? labels["argocd.argoproj.io/instance"])}`;
    case "helm":
      return `Helm${quoted(annotations["meta.helm.sh/release-name"])}`;
    case "operator":
      return "the operator that owns it (its top owner is no built-in workload)";
    case "disputed":
      return `somebody else: ${managedByWhy ?? "its marks name an owner that does not list it"}`;
  }
}

function named(labels: Target["labels"], groups: readonly string[]): string {
  for (const group of groups) {
    const [name, namespace] = [labels[`${group}/name`], labels[`${group}/namespace`]];
    if (name !== undefined) return quoted(namespace === undefined ? name : `${namespace}/${name}`);
  }
  return "";
}

function quoted(name: string | undefined): string {
  return name === undefined || name === "" ? "" : ` (${name})`;
}
