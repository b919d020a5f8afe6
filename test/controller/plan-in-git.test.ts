// Which plans stay as they are: nothing is read for them, and nothing of them becomes a repair in Git.
import { describe, expect, it } from "vitest";
import type { ActionTools } from "../../src/actions/action.ts";
import type { PlanPorts, PlanRequest } from "../../src/controller/make-plan.ts";
import { repairWhereWanted } from "../../src/controller/plan-in-git.ts";
import type { WeighedPlan } from "../../src/controller/weigh-plan.ts";
import type { Manager, Target } from "../../src/domain/facts/objects.ts";
import { wantedRepair } from "../../src/domain/gate/managed-by.ts";
import type { Plan } from "../../src/domain/planning/plan.ts";
import { givenTarget } from "../fixtures/facts.ts";
import { plan, step } from "../support/given.ts";

const nobody = new Proxy(
  {},
  {
    get: (_, name) => {
      throw new Error(`${String(name)} was asked for`);
    },
  },
);
const object = {
  cluster: "prod-eu",
  apiVersion: "v1",
  kind: "Kustomization",
  namespace: "flux-system",
  name: "apps",
};
const source = { url: "https://git.test/shop.git", follows: "main", revision: null, path: "apps" };
const flux: Manager = {
  kind: "flux-kustomization",
  object,
  confirmed: true,
  source,
  suspended: false,
  manager: null,
};
const owned = (parts: Partial<Target> = {}) => givenTarget({ managedBy: "flux", manager: flux, ...parts });
const scale = step("scale", { call: { action: "scale_deployment", input: {} }, dependsOn: [] });
const suspend = step("suspend", {
  call: {
    action: "suspend_gitops",
    input: { kind: "Kustomization", namespace: "flux-system", name: "apps" },
  },
  dependsOn: [],
});
const managed = { rule: "built-in/managed", effect: "deny", reason: "Flux owns it" } as const;

function decided(one: Plan, target: Target, ...rules: Parameters<typeof wantedRepair>[0]) {
  const made = { plan: one, previews: [] };
  const weighed = {
    gate: { kind: "refused", reasons: [managed] },
    repair: wantedRepair(rules, target),
  } as unknown as WeighedPlan;
  const request = { target } as PlanRequest;
  const weigh = async () => weighed;
  return repairWhereWanted(made, weigh, request, nobody as ActionTools, nobody as PlanPorts);
}
const reasonOf = async (...of: Parameters<typeof decided>) =>
  (await decided(...of)).weighed.gate.reasons[0]?.reason;
const said = (repair: "live" | "git") =>
  ({ rule: `p/${repair}`, reason: "fires", effect: "repair", repair, waitSeconds: 60 }) as const;

describe("a plan that may be as it is", () => {
  it.each<[string, Plan, Target, readonly ReturnType<typeof said>[]]>([
    ["nobody owns its target", plan([scale]), givenTarget(), []],
    ["its owner rests meanwhile", plan([suspend, { ...scale, dependsOn: ["suspend"] }]), owned(), []],
    ["a rule wants it live", plan([scale]), owned(), [said("live")]],
    ["it only looks", plan([step("look", { changes: false })]), owned(), []],
  ])("stays: %s", async (_why, one, target, rules) => {
    expect((await decided(one, target, ...rules)).made.plan).toBe(one);
    expect(await reasonOf(one, target, ...rules)).toBe("Flux owns it");
  });
});

describe("a plan that may not, and cannot be in Git either, says why", () => {
  it.each<[string, Plan, Target, readonly ReturnType<typeof said>[]]>([
    [
      "the plan changes more than once, or at its end",
      plan([scale, { ...scale, name: "again", dependsOn: ["scale"] }]),
      owned(),
      [],
    ],
    ["the plan changes more than once, or at its end", plan([], { finally: [scale] }), owned(), []],
    [
      "the plan suspends its owner",
      plan([suspend, { ...scale, dependsOn: ["suspend"] }]),
      owned(),
      [said("git")],
    ],
    [
      "its steps read what others put out",
      plan([scale, step("look", { changes: false, conditions: ["steps['scale'].output.replicas > 1"] })]),
      owned(),
      [],
    ],
    [
      "its owner names no folder of a Git repository",
      plan([scale]),
      owned({ manager: { ...flux, source: null } }),
      [],
    ],
  ])("%s", async (why, one, target, rules) => {
    const { made } = await decided(one, target, ...rules);
    expect(made.plan).toBe(one);
    expect(await reasonOf(one, target, ...rules)).toBe(`Flux owns it; gitmend cannot: ${why}`);
  });
});
