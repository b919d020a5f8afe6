import { describe, expect, it } from "vitest";
import type { Target } from "../../../src/domain/facts/objects.ts";
import { managerText } from "../../../src/domain/gate/managed-by.ts";
import { givenTarget } from "../../fixtures/facts.ts";

describe("who writes a target's manifest", () => {
  it.each<[string | null, Partial<Target>]>([
    [null, { managedBy: "none" }],
    [
      "Flux (flux-system/apps)",
      {
        managedBy: "flux",
        labels: {
          "kustomize.toolkit.fluxcd.io/name": "apps",
          "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        },
      },
    ],
    ["Flux (shop)", { managedBy: "flux", labels: { "helm.toolkit.fluxcd.io/name": "shop" } }],
    ["Flux", { managedBy: "flux" }],
    [
      "Argo CD (shop)",
      {
        managedBy: "argocd",
        annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/api" },
      },
    ],
    ["Argo CD", { managedBy: "argocd" }],
    ["Helm (api)", { managedBy: "helm", annotations: { "meta.helm.sh/release-name": "api" } }],
  ])("is %s", (expected, parts) => {
    expect(managerText(givenTarget(parts))).toBe(expected);
  });

  it("is never left out", () => {
    for (const managedBy of ["flux", "argocd", "helm", "operator", "disputed"] as const)
      expect(managerText(givenTarget({ managedBy }))).not.toBeNull();
  });
});
