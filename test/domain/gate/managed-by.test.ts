import { describe, expect, it } from "vitest";
import type { Manager, ManagerKind, Target } from "../../../src/domain/facts/objects.ts";
import { managerDenial, managerText, repairOf, wantedRepair } from "../../../src/domain/gate/managed-by.ts";
import type { Undo } from "../../../src/domain/planning/plan.ts";
import { givenTarget } from "../../fixtures/facts.ts";
import { plan, step } from "../../support/given.ts";

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

const call = (action: string, input: object = {}) => ({
  call: { action, input: input as Record<string, string> },
});
const onApps = { kind: "Kustomization", namespace: "flux-system", name: "apps" };
const suspend = step("suspend", { ...call("suspend_gitops", onApps), dependsOn: [] });
const restart = step("restart", { ...call("restart_deployment"), dependsOn: ["suspend"] });
const resume = step("finally/resume", { ...call("resume_gitops", onApps), dependsOn: [] });
const restartInstead = [{ ...call("restart_deployment"), undo: { how: "restore" as const } }];
const owned = (parts: Partial<Target> = {}) =>
  givenTarget({ managedBy: "flux", manager: manager("flux-kustomization", apps), ...parts });

const scale = step("scale", { ...call("scale_deployment"), dependsOn: [] });
const asked = step("scale/git", { ...call("git_patch_manifest"), dependsOn: ["scale"] });

describe("where a target is repaired", () => {
  const said = (repair: "live" | "git" | "both", rule = `p/${repair}`, waitSeconds = 60) =>
    ({ rule, reason: "fires", effect: "repair", repair, waitSeconds }) as const;
  const denied = (
    made: Parameters<typeof managerDenial>[0],
    target: Target,
    ...rules: ReturnType<typeof said>[]
  ) => managerDenial(made, target, wantedRepair(rules, target));

  it("is in Git if somebody else applies it, and live if nobody does, as long as no rule says otherwise", () => {
    expect(wantedRepair([], owned())).toMatchObject({ repair: "git", rule: null });
    expect(wantedRepair([], givenTarget())).toMatchObject({ repair: "live", rule: null });
    expect(wantedRepair([], null)).toMatchObject({ repair: "live" });
  });

  it("is what the strictest of the rules says, and waits as long as the most impatient of these", () => {
    const all = [said("live"), said("both", "p/b", 90), said("both", "p/a", 30)];
    expect(wantedRepair(all, owned())).toEqual({ repair: "both", rule: "p/b", waitSeconds: 30 });
    expect(wantedRepair([...all, said("git")], owned())).toMatchObject({ repair: "git", rule: "p/git" });
  });

  it("is live where a rule says so, but not where it is not known whose it is", () => {
    expect(denied(plan([scale]), owned(), said("live"))).toBeNull();
    expect(denied(plan([scale]), owned({ managedBy: "helm" }), said("live"))).toBeNull();
    expect(denied(plan([scale]), owned(), said("live"), said("git"))).toContain("owns it");
    const disputed = owned({ managedBy: "disputed" });
    expect(denied(plan([scale]), disputed, said("live"))).toContain("somebody else may own it");
  });

  it("is both only with a step in Git behind each change, that nothing else can stop", () => {
    const both = said("both");
    expect(denied(plan([scale, asked]), owned(), both)).toBeNull();
    expect(denied(plan([scale]), owned(), both)).not.toBeNull();
    expect(denied(plan([scale, { ...asked, conditions: ["false"] }]), owned(), both)).not.toBeNull();
    expect(denied(plan([scale, { ...asked, dependsOn: ["scale", "other"] }]), owned(), both)).not.toBeNull();
    expect(denied(plan([scale, asked], { finally: [scale] }), owned(), both)).not.toBeNull();
    expect(denied(plan([scale, asked], { fallback: plan([scale]) }), owned(), both)).not.toBeNull();
  });

  it("is nowhere when a rule wants Git and nobody applies it from there", () => {
    expect(denied(plan([scale]), givenTarget(), said("git"))).toBe(
      "p/git has it repaired in Git alone: nobody is known to apply it from there",
    );
    expect(denied(plan([scale]), givenTarget(), said("both"))).toBeNull();
    expect(denied(plan([step("look", { changes: false })]), givenTarget(), said("git"))).toBeNull();
  });

  it("is in Git alone where a rule says so, not even live while its owner rests", () => {
    const rests = plan([suspend, restart], { finally: [resume] });
    expect(denied(rests, owned())).toBeNull();
    expect(denied(rests, owned(), said("git"))).toMatch(
      /^p\/git has it repaired in Git alone: Flux Kustomization flux-system\/apps owns it/,
    );
    expect(denied(plan([asked]), owned(), said("git"))).toBeNull();
    expect(denied(plan([asked], { fallback: plan([scale]) }), owned(), said("git"))).not.toBeNull();
  });

  it("is seen from the steps of a plan, its fallback's too", () => {
    expect([plan([scale]), plan([asked]), plan([scale, asked])].map(repairOf)).toEqual([
      "live",
      "git",
      "both",
    ]);
    expect(repairOf(plan([asked], { fallback: plan([scale]) }))).toBe("both");
    expect(repairOf(plan([asked, step("hurry", call("reconcile_flux"))]))).toBe("git");
  });
});

describe("a plan for a target that somebody else writes", () => {
  const denied = (made: Parameters<typeof managerDenial>[0], target = owned()) => managerDenial(made, target);

  it("may have Flux or Argo CD do it, and tell people", () => {
    for (const action of ["reconcile_flux", "sync_argo_application", "rollback_helm_release", "notify_team"])
      expect(denied(plan([step("a", call(action))]))).toBeNull();
    expect(denied(plan([step("read", { changes: false })]))).toBeNull();
  });

  it("may take a taint off a node that its pods wait for, and change nothing else with it", () => {
    const untaint = step("untaint", call("untaint_node", { node: "node-1" }));
    expect(denied(plan([untaint]))).toBeNull();
    expect(denied(plan([untaint, restart]))).not.toBeNull();
    expect(denied(plan([{ ...untaint, alternatives: restartInstead }]))).not.toBeNull();
    expect(denied(plan([untaint]), owned({ kind: "Node" }))).not.toBeNull();
  });

  it("may change it once its owner rests, however far behind", () => {
    const later = step("later", { ...call("scale_deployment"), dependsOn: ["restart"] });
    expect(denied(plan([suspend, restart, later], { finally: [resume] }))).toBeNull();
  });

  it.each<[string, Partial<typeof suspend>]>([
    ["is suspended only under a condition", { conditions: ["alert.severity == 'critical'"] }],
    ["may not be suspended after all", { onFailure: "continue" }],
    [
      "may be something else instead",
      { alternatives: [{ ...call("notify_team"), undo: { how: "nothing", why: "" } }] },
    ],
    ["is another one", call("suspend_gitops", { ...onApps, name: "other" })],
    ["is one of that name elsewhere", call("suspend_gitops", { ...onApps, namespace: "team-a" })],
  ])("may not when what it suspends %s", (_why, parts) => {
    expect(denied(plan([{ ...suspend, ...parts }, restart]))).toContain(
      "Flux Kustomization flux-system/apps",
    );
  });

  it("may not change it beside the suspension, in finally, later, or in a fallback that suspends nothing", () => {
    const change = step("change", { ...call("scale_deployment"), dependsOn: [] });
    expect(denied(plan([suspend, change]))).not.toBeNull();
    expect(denied(plan([suspend, restart], { finally: [change] }))).not.toBeNull();
    expect(
      denied(plan([suspend, restart], { whenResolved: [{ ...change, keepSeconds: 60 }] })),
    ).not.toBeNull();
    expect(denied(plan([suspend, restart], { fallback: plan([change]) }))).not.toBeNull();
  });

  it("may not take something back by changing it", () => {
    const undo: Undo = { how: "action", ...call("scale_deployment") };
    expect(denied(plan([step("a", { ...call("reconcile_flux"), undo })]))).not.toBeNull();
  });

  it("may not on the word of a mark alone: what only claims to own it is not suspended for it", () => {
    const claim = manager("flux-kustomization", apps, { confirmed: false });
    for (const target of [
      owned({ manager: claim }),
      owned({ managedBy: "disputed" }),
      owned({ manager: null }),
    ])
      expect(denied(plan([suspend, restart]), target)).not.toBeNull();
  });
});
