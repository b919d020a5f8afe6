// What guards come to with every event and operator, and when a value is missing, unknown or of the wrong kind.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import type { Facts } from "../../../src/domain/facts/facts.ts";
import type { Usage } from "../../../src/domain/facts/usage.ts";
import type { Catalog } from "../../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { asksForUsage, evaluateGuards } from "../../../src/domain/policies/evaluate-guards.ts";
import { factsNeeded } from "../../../src/domain/policies/facts-needed.ts";
import type { GuardedPlan } from "../../../src/domain/policies/rule.ts";
import { selectTemplate } from "../../../src/domain/policies/select-template.ts";
import { givenFacts, givenTarget } from "../../fixtures/facts.ts";

const plan: GuardedPlan = {
  risk: "medium",
  digest: "sha256:0",
  template: { name: "one" },
  touches: {
    clusters: ["prod-eu"],
    namespaces: ["shop", "pay"],
    objects: [
      { kind: "Deployment", namespace: "shop", name: "api", labels: { tier: "gold" } },
      { kind: "Pod", namespace: "pay", name: "worker-0", labels: { tier: "silver" } },
    ],
    actions: ["restart_pod"],
  },
};

const template = {
  path: "templates/one.yaml",
  text: "name: one\nsteps: [{name: a, action: {action: get_pod_status}}]\n",
};
const calendars = `calendars:
  freeze: [{from: 2026-12-20, to: 2027-01-03, zone: Europe/Berlin}, {from: 2026-11-26T18:00, to: 2026-11-27T06:00}]
`;
const shared = `
  is-production: {fact: cluster, path: $.labels.env, operator: equal, value: prod}
  has-tier: {fact: target, path: $.labels.tier, operator: equal, value: gold}
  broken: {fact: plan, path: $.risk, operator: contains, value: low}
  either: {any: [{condition: is-production}, {condition: has-tier}]}
  said: {fact: target, path: $.labels.tier, operator: equal, value: gold, missing: true}`;

function catalogOf(...rules: readonly string[]): Catalog {
  const text = `name: p\ntimezone: Europe/Berlin\nshared: ${shared}\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
  const files = [template, { path: "policies/p.yaml", text }, { path: "catalog.yaml", text: calendars }];
  const { catalog, findings } = compileCatalog(files, "main@sha1:0", actions);
  if (catalog === null) throw new Error(JSON.stringify(findings, null, 1));
  return catalog;
}

const deny = "event: {type: deny, params: {reason: no}}";

async function verdict(rule: string, facts: Facts = givenFacts(), usage: Usage | null = null) {
  const verdicts = await evaluateGuards(catalogOf(rule), facts, plan, usage);
  return verdicts[0] ?? null;
}

async function fires(condition: string, facts?: Facts, usage?: Usage): Promise<boolean> {
  return (await verdict(`{name: g, ${condition}, ${deny}}`, facts, usage ?? null)) !== null;
}

describe("an event of a guard", () => {
  it("limits what is counted in a scope", async () => {
    expect(await verdict("{name: g, event: {type: limit, params: {scope: namespace, running: 2}}}")).toEqual({
      rule: "p/g",
      effect: "limit",
      reason: "p/g fires",
      limit: { scope: "namespace", running: 2, starts: null, perSeconds: 3_600 },
    });
    expect(
      await verdict("{name: g, event: {type: limit, params: {scope: global, starts: 5, per: 10m}}}"),
    ).toMatchObject({ limit: { running: null, starts: 5, perSeconds: 600 } });
  });

  it("sets the mode to observe", async () => {
    const rule = "{name: g, when: plan.risk != 'low', event: {type: set-mode, params: {mode: observe}}}";
    expect(await verdict(rule)).toEqual({
      rule: "p/g",
      effect: "observe",
      reason: "p/g fires: plan.risk != 'low' is true",
    });
  });

  it("waives the built-in approval, with its reason", async () => {
    const event = "event: {type: waive-approval, params: {max_risk: high, reason: harmless}}";
    expect(await verdict(`{name: g, when: shared('is-production'), ${event}}`)).toMatchObject({
      effect: "waive",
      maxRisk: "high",
      reason: "harmless (p/g fires: shared('is-production') is true)",
    });
  });

  it.each([
    "when: target.labels.tier == 'gold'",
    "when: shared('has-tier')",
    "conditions: {fact: target, path: $.labels.tier, operator: notEqual, value: gold}",
    "when: 1 / size(target.labels) == 1",
  ])("waives nothing for want of a value: %s", async (condition) => {
    const event = "event: {type: waive-approval, params: {max_risk: high, reason: harmless}}";
    expect(await verdict(`{name: g, ${condition}, ${event}}`)).toBeNull();
    const blind = givenFacts({ target: { available: false, why: "timeout" } });
    expect(await verdict(`{name: g, ${condition}, ${event}}`, blind)).toBeNull();
  });

  it.each([
    ["live", null],
    ["both", null],
    ["git", { effect: "repair", repair: "git", waitSeconds: 3600 }],
  ])("repairs %s for want of a value only where that is stricter", async (repair, expected) => {
    const event = `event: {type: set-repair, params: {repair: ${repair}}}`;
    const missing = await verdict(`{name: g, when: target.labels.tier == 'gold', ${event}}`);
    if (expected === null) expect(missing).toBeNull();
    else expect(missing).toMatchObject(expected);
    expect(await verdict(`{name: g, when: "plan.repair == 'live'", ${event}}`)).toMatchObject({
      effect: "repair",
      repair,
      rule: "p/g",
    });
  });

  it("asks the team that owns the target", async () => {
    const rule = '{name: g, event: {type: require-approval, params: {from: ["team:owner", ana]}}}';
    const owned = givenFacts({ owner: { available: true, value: { team: "shop" } } });
    expect(await verdict(rule, owned)).toMatchObject({
      effect: "require-approval",
      from: ["team:shop", "ana"],
    });
    expect([...factsNeeded("X", catalogOf(rule))]).toEqual(["owner"]);
  });

  it("asks the team that owns the target later, and others after it", async () => {
    const next = '[{after: 5m, from: ["team:owner"]}, {after: 10m, from: [ben]}]';
    const rule = `{name: g, event: {type: require-approval, params: {from: [ana], next: ${next}}}}`;
    const owned = givenFacts({ owner: { available: true, value: { team: "shop" } } });
    expect(await verdict(rule, owned)).toMatchObject({
      from: ["ana"],
      next: [
        { afterSeconds: 300, from: ["team:shop"] },
        { afterSeconds: 600, from: ["ben"] },
      ],
    });
    expect([...factsNeeded("X", catalogOf(rule))]).toEqual(["owner"]);
    expect(await verdict(rule)).toMatchObject({
      effect: "deny",
      reason: "p/g fires; team:owner cannot be asked: nobody is named as its owner",
    });
  });

  it("denies where nobody could be asked", async () => {
    const rule = '{name: g, event: {type: require-approval, params: {from: ["team:owner"]}}}';
    expect(await verdict(rule)).toMatchObject({
      effect: "deny",
      reason: "p/g fires; team:owner cannot be asked: nobody is named as its owner",
    });
    const unknown = givenFacts({ owner: { available: false, why: "the API server did not answer" } });
    expect(await verdict(rule, unknown)).toMatchObject({
      effect: "deny",
      reason: expect.stringContaining("the API server did not answer"),
    });
  });
});

describe("an escalation", () => {
  const rule = '{name: r, event: {type: escalate, params: {to: "team:owner"}}}';
  const told = async (owner: Facts["owner"]) => {
    const selection = await selectTemplate(givenFacts({ owner }), catalogOf(rule));
    return selection.kind === "escalate" ? selection.to : selection.kind;
  };

  it("goes to the team that owns the target, else to the default channel", async () => {
    expect(await told({ available: true, value: { team: "shop" } })).toBe("shop");
    expect(await told({ available: true, value: { team: null } })).toBeNull();
    expect(await told({ available: false, why: "timeout" })).toBeNull();
    expect([...factsNeeded("X", catalogOf(rule))]).toEqual(["owner"]);
  });
});

describe("shared('name') in an expression", () => {
  it.each([
    ["when: shared('is-production') && plan.risk == 'medium'", true],
    ["when: \"!shared('is-production')\"", false],
    ["when: shared(\"is-production\") == (plan.risk == 'low')", false],
    ["when: shared('either')", true],
    ["when: \"!shared('either')\"", false],
    ["when: \"plan.actions.exists(shared, shared == 'restart_pod')\"", true],
  ])("%s is %s", async (condition, expected) => {
    expect(await fires(condition)).toBe(expected);
  });

  it.each(["when: shared('has-tier')", "when: \"!shared('has-tier')\"", "when: \"!shared('either')\""])(
    "%s fires when its value is missing, and says so",
    async (condition) => {
      const dev = givenFacts({ cluster: { name: "dev", labels: { env: "dev" } } });
      const found = await verdict(`{name: g, ${condition}, ${deny}}`, dev);
      expect(found?.reason).toMatch(/\(missing\)/);
    },
  );

  it("does not ask for a value that does not matter", async () => {
    const condition = "when: plan.risk == 'low' && shared('has-tier')";
    expect(await fires(condition)).toBe(false);
    const gold = givenFacts({ target: { available: false, why: "timeout" } });
    expect(await fires(condition, gold)).toBe(false);
  });

  it("counts a missing value as the condition says", async () => {
    expect(await fires("when: shared('said')")).toBe(true);
    expect(await fires("when: \"!shared('said')\"")).toBe(false);
  });

  it("denies when the condition cannot be evaluated", async () => {
    const asks = "event: {type: require-approval, params: {}}";
    expect(await verdict(`{name: g, when: shared('broken'), ${asks}}`)).toMatchObject({
      effect: "deny",
      reason: expect.stringContaining('needs a list, found "medium"'),
    });
    const blind = givenFacts({ target: { available: false, why: "the API server did not answer" } });
    expect(await verdict(`{name: g, when: shared('has-tier'), ${asks}}`, blind)).toMatchObject({
      effect: "deny",
      reason: expect.stringContaining("the API server did not answer"),
    });
    expect([...factsNeeded("X", catalogOf(`{name: g, when: shared('has-tier'), ${asks}}`))]).toEqual([
      "target",
    ]);
  });
});

describe("a value of another fact", () => {
  const compare = (operator: string, other: string) =>
    `conditions: {fact: cluster, path: $.name, operator: ${operator}, value: ${other}}`;

  it("is compared as it is now", async () => {
    const same = "{fact: target, path: $.cluster}";
    expect(await fires(compare("equal", same))).toBe(true);
    expect(await fires(compare("notEqual", same))).toBe(false);
    expect(await fires(compare("in", "{fact: plan, path: $.clusters}"))).toBe(true);
    const scaled =
      "conditions: {fact: target, path: $.spec.replicas, operator: lessThan, value: {fact: target, path: $.spec.max}}";
    const target = givenTarget({ spec: { replicas: 3, max: 5 } });
    expect(await fires(scaled, givenFacts({ target: { available: true, value: target } }))).toBe(true);
  });

  it("that is missing makes the guard fire; one of the wrong kind denies", async () => {
    const none = "{fact: target, path: $.labels.home}";
    expect(await fires(compare("equal", none))).toBe(true);
    expect(await fires(compare("notEqual", none))).toBe(true);
    const asks = "event: {type: require-approval, params: {}}";
    expect(
      await verdict(`{name: g, ${compare("in", "{fact: target, path: $.name}")}, ${asks}}`),
    ).toMatchObject({
      effect: "deny",
      reason: expect.stringContaining('its value is wrong: "in" needs a list'),
    });
  });
});

describe("a path through a list", () => {
  const objects = (operator: string, value: string, path = "$.objects[*].labels.tier") =>
    `conditions: {fact: plan, path: "${path}", operator: ${operator}, value: ${value}}`;

  it("reads all entries", async () => {
    expect(await fires(objects("anyIn", "[gold]"))).toBe(true);
    expect(await fires(objects("allIn", "[gold]"))).toBe(false);
    expect(await fires(objects("noneGlob", "[bronze]"))).toBe(true);
    expect(await fires(objects("anyGlob", "[Node*]", "$.objects[*].kind"))).toBe(false);
  });

  it("is missing when one entry lacks the value", async () => {
    expect(await fires(objects("anyIn", "[x]", "$.objects[*].labels.zone"))).toBe(true);
    expect(await fires(objects("anyIn", "[x]", "$.risk[*]"))).toBe(true);
  });
});

describe("hours, calendars and ages", () => {
  const at = (now: string) => givenFacts({ now });
  const office = "conditions: {fact: now, operator: withinHours, value: {from: '09:00', to: '17:00'}}";
  const freeze = "conditions: {fact: now, operator: inCalendar, value: freeze}";

  it("go by the policy's time zone", async () => {
    expect(await fires(office, at("2026-11-17T08:30:00.000Z"))).toBe(true);
    expect(await fires(office, at("2026-11-17T16:30:00.000Z"))).toBe(false);
  });

  it("a calendar's last day belongs to it, in the calendar's own zone", async () => {
    expect(await fires(freeze, at("2026-12-19T22:59:59.999Z"))).toBe(false);
    expect(await fires(freeze, at("2026-12-19T23:00:00.000Z"))).toBe(true);
    expect(await fires(freeze, at("2027-01-03T22:59:59.999Z"))).toBe(true);
    expect(await fires(freeze, at("2027-01-03T23:00:00.000Z"))).toBe(false);
  });

  it("a calendar's times are exact", async () => {
    expect(await fires(freeze, at("2026-11-26T17:59:59.999Z"))).toBe(false);
    expect(await fires(freeze, at("2026-11-26T18:00:00.000Z"))).toBe(true);
    expect(await fires(freeze, at("2026-11-27T06:00:00.000Z"))).toBe(false);
  });

  it("an age is counted from the decision's now", async () => {
    const old = "conditions: {fact: alert, path: $.startsAt, operator: olderThan, value: 10m}";
    expect(await fires(old, at("2026-11-17T10:08:00.000Z"))).toBe(false);
    expect(await fires(old, at("2026-11-17T10:08:00.001Z"))).toBe(true);
  });

  it("say what they asked", async () => {
    const found = await verdict(`{name: g, ${freeze}, ${deny}}`, at("2026-12-24T18:00:00.000Z"));
    expect(found?.reason).toBe('no (p/g fires: now inCalendar "freeze" (found "2026-12-24T18:00:00.000Z"))');
  });
});

describe("usage", () => {
  const count = (running: number) => ({ running, starts: running });
  const usage: Usage = {
    global: count(9),
    cluster: count(7),
    namespace: count(3),
    target: count(0),
    template: count(1),
  };
  const rule = (condition: string) => `{name: g, on: [KubePodCrashLooping], ${condition}, ${deny}}`;

  it("is read by conditions and expressions", async () => {
    expect(await fires("when: usage.namespace.running >= 3", givenFacts(), usage)).toBe(true);
    expect(await fires("when: usage.cluster.starts > 7", givenFacts(), usage)).toBe(false);
    const condition = "conditions: {fact: usage, path: $.template.running, operator: equal, value: 1}";
    expect(await fires(condition, givenFacts(), usage)).toBe(true);
  });

  it("is counted only where a guard of the alert asks for it", () => {
    const asks = (condition: string) => asksForUsage("KubePodCrashLooping", catalogOf(rule(condition)));
    expect(asks("when: usage.global.running > 1")).toBe(true);
    expect(asks("conditions: {fact: usage, path: $.global.running, operator: equal, value: 1}")).toBe(true);
    const other = "{fact: plan, path: $.risk, operator: equal, value: {fact: usage, path: $.global.running}}";
    expect(asks(`conditions: {not: ${other}}`)).toBe(true);
    expect(asks("when: plan.template == 'usage'")).toBe(false);
    expect(asksForUsage("Other", catalogOf(rule("when: usage.global.running > 1")))).toBe(false);
  });
});

describe("facts that cost a call", () => {
  it("are fetched only for rules that read them", () => {
    const needed = (condition: string) => [
      ...factsNeeded("X", catalogOf(`{name: g, ${condition}, ${deny}}`)),
    ];
    expect(needed("when: owner.team == 'shop'")).toEqual(["owner"]);
    expect(needed("when: size(subjects) > 3")).toEqual(["subjects"]);
    expect(needed("conditions: {fact: subjects, path: '$[*].kind', operator: anyIn, value: [Node]}")).toEqual(
      ["subjects"],
    );
    expect(needed("when: plan.risk == 'low'")).toEqual([]);
  });

  it("that are unavailable deny", async () => {
    const blind = givenFacts({ owner: { available: false, why: "timeout" } });
    const found = await verdict(`{name: g, when: owner.team == 'shop', ${deny}}`, blind);
    expect(found?.reason).toMatch(/owner is not available: timeout/);
  });
});
