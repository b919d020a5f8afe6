// Who writes a target's manifest, in words for people: what gitmend changed there, they would change back.
import { managerName } from "../facts/manager.ts";
import type { ManagedBy, Target } from "../facts/objects.ts";

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
