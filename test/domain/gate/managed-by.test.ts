import { describe, expect, it } from "vitest";
import type { Manager, ManagerKind, Target } from "../../../src/domain/facts/objects.ts";
import { managerText } from "../../../src/domain/gate/managed-by.ts";
import { givenTarget } from "../../fixtures/facts.ts";

function manager(kind: ManagerKind, object: object, parts: Partial<Manager> = {}): Manager {
  const ref = {
    cluster: "prod-eu",
    apiVersion: "v1",
    namespace: "flux-system",
    ...object,
  } as Manager["object"];
  return { kind, object: ref, confirmed: true, source: null, suspended: false, manager: null, ...parts };
}

const apps = { kind: "Kustomization", name: "apps" };

describe("who writes a target's manifest", () => {
  it.each<[string | null, Partial<Target>]>([
    [null, { managedBy: "none" }],
    [
      "Flux Kustomization flux-system/apps owns it and will revert changes: change it there",
      { managedBy: "flux", manager: manager("flux-kustomization", apps) },
    ],
    [
      "Flux Kustomization flux-system/apps owns it and will revert changes when it is resumed: change it there",
      { managedBy: "flux", manager: manager("flux-kustomization", apps, { suspended: true }) },
    ],
    [
      "Flux HelmRelease flux-system/shop owns it and will revert changes: change it there",
      { managedBy: "flux", manager: manager("flux-helmrelease", { kind: "HelmRelease", name: "shop" }) },
    ],
    [
      "Argo CD application argocd/shop owns it and will revert changes: change it there",
      {
        managedBy: "argocd",
        manager: manager("argo-application", { kind: "Application", namespace: "argocd", name: "shop" }),
      },
    ],
    [
      "Helm release shop/api owns it and will revert changes: change it there",
      { managedBy: "helm", manager: manager("helm", { kind: "Release", namespace: "shop", name: "api" }) },
    ],
    [
      "the operator of Kafka shop/events owns it and will revert changes: change it there",
      {
        managedBy: "operator",
        manager: manager("operator", { kind: "Kafka", namespace: "shop", name: "events" }),
      },
    ],
    [
      "somebody else may own it and revert changes: its marks name Kustomization flux-system/apps, which does not list it",
      {
        managedBy: "disputed",
        managedByWhy: "its marks name Kustomization flux-system/apps, which does not list it",
        manager: manager("flux-kustomization", apps, { confirmed: false }),
      },
    ],
  ])("is said: %s", (expected, parts) => {
    expect(managerText(givenTarget(parts))).toBe(expected);
  });

  it("is never left out, though nothing but the word is known", () => {
    for (const managedBy of ["flux", "argocd", "helm", "operator", "disputed"] as const)
      expect(managerText(givenTarget({ managedBy }))).not.toBeNull();
  });
});
