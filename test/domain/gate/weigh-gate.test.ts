import { describe, expect, it } from "vitest";
import { type GateRules, weighGate } from "../../../src/domain/gate/weigh-gate.ts";
import type { GuardVerdict } from "../../../src/domain/policies/selection.ts";
import { plan, step, target } from "../../support/given.ts";

const everywhere: GateRules = { live: [{}], manager: null, protection: [] };
const deny: GuardVerdict = { rule: "p/freeze", effect: "deny", reason: "change freeze" };
const ask = (from: string, expiresSeconds: number, remindSeconds: number | null = null): GuardVerdict => ({
  rule: `p/${from}`,
  effect: "require-approval",
  reason: "",
  from: [from],
  approvals: 1,
  expiresSeconds,
  remindSeconds,
});
const change = plan([step("a")]);

describe("the gate", () => {
  it("reminds people as often as the most impatient of those that ask, or not at all", () => {
    const asks = [ask("ana", 1800, 600), ask("ben", 1800, 300), ask("cleo", 1800)];
    expect(weighGate(change, asks, everywhere)).toMatchObject({ gate: { remindSeconds: 300 } });
    expect(weighGate(change, [ask("ana", 1800)], everywhere)).not.toHaveProperty("gate.remindSeconds");
  });

  it("keeps of each guard who is asked later, and nobody who would be asked after the end", () => {
    const next = [
      { afterSeconds: 300, from: ["dev"] },
      { afterSeconds: 900, from: ["ops"] },
    ];
    const asks = [{ ...ask("team:sre", 1800), next }, ask("team:dba", 900)] as const;
    expect(weighGate(change, asks, everywhere).gate).toMatchObject({
      demands: [
        { from: ["team:sre"], approvals: 1, next: [{ afterSeconds: 300, from: ["dev"] }] },
        { from: ["team:dba"], approvals: 1 },
      ],
      expiresSeconds: 900,
    });
    expect(weighGate(change, asks, everywhere)).not.toHaveProperty("gate.demands.0.next.1");
  });

  it("is open when nothing speaks against it", () => {
    expect(weighGate(change, [], everywhere)).toMatchObject({
      gate: { kind: "open", reasons: [] },
      mode: "live",
    });
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

describe("guards of all kinds", () => {
  const limit: GuardVerdict = {
    rule: "p/limit",
    effect: "limit",
    reason: "p/limit fires",
    limit: { scope: "namespace", running: 2, starts: null, perSeconds: 3_600 },
  };
  const observe: GuardVerdict = { rule: "p/observe", effect: "observe", reason: "p/observe fires" };
  const waive = (maxRisk: "high" | "critical"): GuardVerdict => ({
    rule: "p/waive",
    effect: "waive",
    reason: "harmless",
    maxRisk,
  });
  const risky = (risk: "high" | "critical", options = {}) => plan([step("a")], { risk, ...options });

  it("hand limits to the database, with what it has to count, and say so in the gate", () => {
    const { gate, limits, countsIn } = weighGate(change, [limit], everywhere);
    expect(gate).toEqual({
      kind: "open",
      reasons: [{ rule: "p/limit", effect: "limit", reason: "p/limit fires" }],
    });
    expect(limits).toEqual([{ ...limit.limit, rule: "p/limit", keys: ["namespace/prod-eu/shop"] }]);
    expect(countsIn).toContain("namespace/prod-eu/shop");
  });

  it("limit nothing that is only observed, refused, or changes no object", () => {
    const nothing = { limits: [], countsIn: [] };
    expect(weighGate(change, [limit], { ...everywhere, live: [] })).toMatchObject(nothing);
    expect(weighGate(change, [limit, deny], everywhere)).toMatchObject(nothing);
    expect(weighGate(change, [limit, observe], everywhere)).toMatchObject(nothing);
    const evidence = weighGate(plan([step("look", { changes: false })]), [limit], everywhere);
    expect(evidence).toMatchObject({ ...nothing, gate: { kind: "open", reasons: [] } });
  });

  it("lower the mode to observe, with the reason", () => {
    expect(weighGate(change, [observe], everywhere)).toMatchObject({
      mode: "observe",
      gate: { kind: "open", reasons: [{ rule: "p/observe", effect: "observe" }] },
    });
  });

  it("waive only the built-in approval, up to their risk", () => {
    expect(weighGate(risky("high"), [waive("high")], everywhere).gate).toEqual({
      kind: "open",
      reasons: [{ rule: "p/waive", effect: "waive", reason: "harmless" }],
    });
    expect(weighGate(risky("critical"), [waive("high")], everywhere).gate).toMatchObject({
      kind: "approval",
      reasons: [{ rule: "built-in/high-risk" }],
    });
    expect(weighGate(risky("critical"), [waive("critical")], everywhere).gate.kind).toBe("open");
  });

  it("waive neither what a policy nor what the template asks for", () => {
    expect(weighGate(risky("high"), [waive("high"), ask("team:sre", 60)], everywhere).gate).toMatchObject({
      kind: "approval",
      demands: [{ from: ["team:sre"] }],
    });
    const asking = risky("high", { approvalRequired: true });
    expect(weighGate(asking, [waive("critical")], everywhere).gate).toMatchObject({
      kind: "approval",
      reasons: [{ rule: "built-in/template" }],
    });
  });

  it("hold back nobody who is only told", () => {
    const tell = step("tell-people", { call: { action: "notify_team", input: {} } });
    const template = { name: "escalate-to-people", version: null, hash: "built-in" };
    const telling = plan([tell], { template });
    const rules = { ...everywhere, manager: "Helm", protection: ["in kube-system"] };
    expect(weighGate(telling, [deny, ask("team:sre", 60), observe, limit], rules)).toEqual({
      gate: { kind: "open", reasons: [] },
      mode: "live",
      unknown: false,
      limits: [],
      countsIn: [],
    });
  });

  it("say when they refuse only because something is not known now", () => {
    const unsure = { ...deny, unknown: true } as const;
    expect(weighGate(change, [unsure], everywhere).unknown).toBe(true);
    expect(weighGate(change, [unsure, deny], everywhere).unknown).toBe(false);
    expect(weighGate(change, [unsure], { ...everywhere, protection: ["in kube-system"] }).unknown).toBe(
      false,
    );
    expect(weighGate(change, [], everywhere).unknown).toBe(false);
  });

  it("name who writes the manifest", () => {
    const manager = "Flux Kustomization flux-system/apps owns it and will revert changes: change it there";
    const { gate } = weighGate(change, [], { ...everywhere, manager });
    expect(gate.reasons).toEqual([{ rule: "built-in/managed", effect: "deny", reason: manager }]);
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
  it("of a plan that touches nothing goes by its target, and without one by whether anything is live", () => {
    const touches = { ...change.touches, objects: [] };
    expect(mode([{ namespaces: ["shop"] }], { touches })).toBe("live");
    expect(mode([{ namespaces: ["pay"] }], { touches })).toBe("observe");
    expect(mode([{ namespaces: ["pay"] }], { touches, target: null })).toBe("live");
    expect(mode([], { touches, target: null })).toBe("observe");
  });
  it("observes unless every object is covered", () => {
    const touches = { ...change.touches, objects: [target, { ...target, namespace: "pay" }] };
    expect(mode([{ namespaces: ["shop"] }], { touches })).toBe("observe");
  });
});
