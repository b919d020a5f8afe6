import { describe, expect, it } from "vitest";
import { type GateRules, weighGate } from "../../../src/domain/gate/weigh-gate.ts";
import type { GuardVerdict } from "../../../src/domain/policies/selection.ts";
import { plan, step, target } from "../../support/given.ts";

const everywhere: GateRules = { live: [{}], manager: null, protection: [] };
const deny: GuardVerdict = { rule: "p/freeze", effect: "deny", reason: "change freeze" };
const ask = (from: string, expiresSeconds: number): GuardVerdict => ({
  rule: `p/${from}`,
  effect: "require-approval",
  reason: "",
  from: [from],
  approvals: 1,
  expiresSeconds,
});
const change = plan([step("a")]);

describe("the gate", () => {
  it("is open when nothing speaks against it", () => {
    expect(weighGate(change, [], everywhere)).toMatchObject({ gate: { kind: "open", reasons: [] }, mode: "live" });
  });
  it("refuses when one rule denies, whatever others ask for", () => {
    const { gate } = weighGate(change, [ask("team:sre", 60), deny], everywhere);
    expect(gate).toMatchObject({ kind: "refused", reasons: [{ rule: "p/freeze", reason: "change freeze" }] });
  });
  it("asks for every approval that fired and takes the shortest expiry", () => {
    const { gate } = weighGate(change, [ask("team:sre", 600), ask("team:shop", 60)], everywhere);
    expect(gate).toMatchObject({
      kind: "approval",
      expiresSeconds: 60,
      demands: [{ from: ["team:sre"] }, { from: ["team:shop"] }],
    });
  });
  it("asks for one approval of a high risk, even without any policy", () => {
    expect(weighGate(plan([step("a")], { risk: "high" }), [], everywhere).gate).toMatchObject({
      kind: "approval",
      expiresSeconds: 1800,
      reasons: [{ rule: "built-in/high-risk" }],
    });
  });
  it("asks when the template says so", () => {
    expect(weighGate(plan([step("a")], { approvalRequired: true }), [], everywhere).gate).toMatchObject({
      reasons: [{ rule: "built-in/template" }],
    });
  });
  it("refuses what is protected, what an operator owns, and changes without a target", () => {
    const refused = (rules: Partial<GateRules>, options = {}) =>
      weighGate(plan([step("a")], options), [], { ...everywhere, ...rules }).gate;
    expect(refused({ protection: ["in kube-system"] })).toMatchObject({
      kind: "refused",
      reasons: [{ rule: "built-in/protected" }],
    });
    expect(refused({ manager: "Helm" })).toMatchObject({
      kind: "refused",
      reasons: [{ rule: "built-in/managed" }],
    });
    expect(refused({}, { target: null })).toMatchObject({
      kind: "refused",
      reasons: [{ rule: "built-in/no-target" }],
    });
  });
  it("lets evidence be collected where nothing may be changed", () => {
    const evidence = plan([step("look", { changes: false })]);
    expect(weighGate(evidence, [], { ...everywhere, manager: "Helm" }).gate.kind).toBe("open");
  });
});

describe("observe or live", () => {
  const mode = (live: GateRules["live"], options = {}) =>
    weighGate(plan([step("a")], options), [], { ...everywhere, live }).mode;

  it("observes everything that no entry of the live list covers", () => {
    expect(mode([])).toBe("observe");
    expect(mode([{ clusters: ["staging"] }])).toBe("observe");
    expect(mode([{ clusters: ["prod-*"], namespaces: ["pay*"] }])).toBe("observe");
    expect(mode([{ clusters: ["prod-*"], namespaces: ["sh*p"] }])).toBe("live");
  });
  it("observes what is riskier than the entry allows", () => {
    expect(mode([{ max_risk: "medium" }], { risk: "high" })).toBe("observe");
    expect(mode([{ max_risk: "medium" }], { risk: "medium" })).toBe("live");
  });
  it("needs an entry for all namespaces before it touches a node", () => {
    const touches = { ...change.touches, objects: [{ ...target, kind: "Node", namespace: null }] };
    expect(mode([{ namespaces: ["shop"] }], { touches })).toBe("observe");
    expect(mode([{ namespaces: ["*"] }], { touches })).toBe("live");
  });
  it("observes unless every object is covered", () => {
    const touches = { ...change.touches, objects: [target, { ...target, namespace: "pay" }] };
    expect(mode([{ namespaces: ["shop"] }], { touches })).toBe("observe");
  });
});
