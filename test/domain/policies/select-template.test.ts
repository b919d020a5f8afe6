// Which rule wins, what a missing value or an unavailable fact does, and what people are told.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import type { Facts } from "../../../src/domain/facts/facts.ts";
import type { Catalog } from "../../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { evaluateGuards } from "../../../src/domain/policies/evaluate-guards.ts";
import type { GuardedPlan } from "../../../src/domain/policies/rule.ts";
import { selectTemplate } from "../../../src/domain/policies/select-template.ts";
import { givenAlert, givenFacts, givenTarget } from "../../fixtures/facts.ts";

const templates = ["one", "two", "three"].map((name) => ({
  path: `templates/${name}.yaml`,
  text: `name: ${name}\nparameters: {x: {type: string, default: ""}}\nsteps: [{name: a, action: {action: get_pod_status}}]\n`,
}));

function catalogOf(rules: readonly string[], shared = "{}"): Catalog {
  const text = `name: p\nshared: ${shared}\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
  const { catalog, findings } = compileCatalog(
    [...templates, { path: "policies/p.yaml", text }],
    "main@sha1:0",
    actions,
  );
  if (catalog === null) throw new Error(JSON.stringify(findings));
  return catalog;
}

const choose = (template: string, rest = "") =>
  `event: {type: select-template, params: {template: ${template}${rest}}}`;
const unavailable = { available: false, why: "the API server did not answer" } as const;

async function chosen(catalog: Catalog, facts: Facts = givenFacts()): Promise<string> {
  const selection = await selectTemplate(facts, catalog);
  return selection.kind === "match" ? selection.template : selection.kind;
}

describe("several rules hold", () => {
  const catalog = catalogOf([
    `{name: low, on: [KubePodCrashLooping], priority: 1, ${choose("one")}}`,
    `{name: high, on: [KubePodCrashLooping], priority: 9, ${choose("two")}}`,
    `{name: other, on: [Other], priority: 99, ${choose("three")}}`,
    `{name: always, priority: 5, when: alert.severity == 'warning', ${choose("three")}}`,
  ]);

  it("the highest priority wins", async () => {
    expect(await chosen(catalog)).toBe("two");
  });

  it("rules without alert names count for every alert", async () => {
    expect(await chosen(catalog, givenFacts({ alert: givenAlert({ name: "Unheard" }) }))).toBe("three");
  });

  it("an alert that no rule is about selects nothing, and it is said", async () => {
    const facts = givenFacts({ alert: givenAlert({ name: "Unheard", severity: "" }) });
    expect(await selectTemplate(facts, catalog)).toEqual({
      kind: "none",
      reasons: ["p/always does not match: alert.severity == 'warning' is false"],
    });
  });

  it("many decisions at once do not disturb each other", async () => {
    const all = await Promise.all(Array.from({ length: 300 }, () => chosen(catalog)));
    expect(new Set(all)).toEqual(new Set(["two"]));
  });
});

describe("a value that is missing", () => {
  const found = (operator: string, value: string, rest = "") =>
    catalogOf([
      `{name: r, conditions: {fact: alert, path: $.labels.nope, operator: ${operator}, value: ${value}${rest}}, ${choose("one")}}`,
    ]);

  it.each([
    ["equal", "x"],
    ["notEqual", "x"],
    ["notIn", "[x]"],
    ["doesNotContain", "x"],
    ["noneGlob", "[x]"],
    ["lessThan", "3"],
    ["matches", "'.*'"],
    ["cel", "'true'"],
  ])("does not let a selection rule match (%s)", async (operator, value) => {
    expect(await chosen(found(operator, value))).toBe("none");
  });

  it("counts as the rule says, when it says so", async () => {
    expect(await chosen(found("equal", "x", ", missing: true"))).toBe("one");
  });

  it("does not match under a `not` either", async () => {
    const not = catalogOf([
      `{name: r, conditions: {not: {fact: alert, path: $.labels.nope, operator: equal, value: x}}, ${choose("one")}}`,
    ]);
    expect(await chosen(not)).toBe("none");
  });

  it("does not match in CEL, and is called missing", async () => {
    const selection = await selectTemplate(
      givenFacts(),
      catalogOf([`{name: r, when: alert.labels.nope != 'x', ${choose("one")}}`]),
    );
    expect(selection).toEqual({
      kind: "none",
      reasons: ["p/r does not match: alert.labels.nope != 'x' (missing)"],
    });
  });
});

describe("an unavailable fact", () => {
  const onTarget = "conditions: {fact: target, path: $.kind, operator: equal, value: Deployment}";

  it("leaves the decision open when a higher rule hangs on it", async () => {
    const catalog = catalogOf([
      `{name: high, priority: 9, ${onTarget}, ${choose("two")}}`,
      `{name: low, ${choose("one")}}`,
    ]);
    const selection = await selectTemplate(givenFacts({ target: unavailable }), catalog);
    expect(selection).toMatchObject({
      kind: "undecided",
      rule: "p/high",
      fact: "target",
      why: unavailable.why,
    });
    expect(await chosen(catalog)).toBe("two");
  });

  it("does not matter below the rule that wins", async () => {
    const catalog = catalogOf([
      `{name: low, ${onTarget}, ${choose("two")}}`,
      `{name: high, priority: 9, ${choose("one")}}`,
    ]);
    expect(await chosen(catalog, givenFacts({ target: unavailable }))).toBe("one");
  });

  it.each([
    "conditions: {all: [{fact: target, path: $.kind, operator: equal, value: Deployment}, {fact: alert, path: $.name, operator: equal, value: Other}]}",
    "when: target.kind == 'Deployment' && alert.name == 'Other'",
    "conditions: {not: {any: [{fact: target, path: $.kind, operator: equal, value: X}, {fact: alert, path: $.severity, operator: equal, value: warning}]}}",
  ])("does not matter when the rest of the rule decides: %s", async (condition) => {
    const catalog = catalogOf([
      `{name: high, priority: 9, ${condition}, ${choose("two")}}`,
      `{name: low, ${choose("one")}}`,
    ]);
    expect(await chosen(catalog, givenFacts({ target: unavailable }))).toBe("one");
  });

  it("that only the parameters read leaves the decision open too", async () => {
    const catalog = catalogOf([`{name: r, ${choose("one", ', parameters: {x: "{{ target.name }}"}')}}`]);
    expect(await selectTemplate(givenFacts({ target: unavailable }), catalog)).toMatchObject({
      kind: "undecided",
      fact: "target",
    });
    expect(await selectTemplate(givenFacts(), catalog)).toMatchObject({
      kind: "match",
      parameters: { x: "api" },
    });
  });
});

describe("a target that does not exist", () => {
  it("is a value: rules about it do not match, rules without it do", async () => {
    const catalog = catalogOf([
      `{name: a, priority: 2, when: target.kind == 'Deployment', ${choose("one")}}`,
      `{name: b, when: target == null, ${choose("two")}}`,
    ]);
    expect(await chosen(catalog, givenFacts({ target: { available: true, value: null } }))).toBe("two");
  });
});

describe("an escalation", () => {
  it("carries its message, filled in", async () => {
    const catalog = catalogOf([
      '{name: e, event: {type: escalate, params: {to: sre, severity: critical, message: "{{ alert.name }} on {{ target.name }}"}}}',
    ]);
    expect(await selectTemplate(givenFacts(), catalog)).toMatchObject({
      kind: "escalate",
      to: "sre",
      severity: "critical",
      message: "KubePodCrashLooping on api",
    });
  });

  it("reaches people even when its message cannot be filled in", async () => {
    const catalog = catalogOf([
      '{name: e, event: {type: escalate, params: {message: "{{ alert.labels.nope }} is down"}}}',
    ]);
    const selection = await selectTemplate(givenFacts(), catalog);
    expect(selection).toMatchObject({ kind: "escalate", to: null, severity: "warning" });
    expect(selection.kind === "escalate" && selection.message).toMatch(/is down .*No such key: nope/);
  });
});

describe("operators", () => {
  const facts = givenFacts({
    alert: givenAlert({ labels: { app: "shop-api", "app.kubernetes.io/name": "api" } }),
    target: {
      available: true,
      value: givenTarget({ spec: { replicas: 3, args: ["-a", "--verbose"], list: [1, 2] } }),
    },
  });
  it.each([
    ["alert", "$.labels.app", "equal", "shop-api", true],
    ["alert", "$.labels.app", "notEqual", "shop-api", false],
    ["alert", "$.labels.app", "in", "[a, shop-api]", true],
    ["alert", "$.labels.app", "notIn", "[a]", true],
    ["alert", "$.labels.app", "matches", "'^shop-(api|web)$'", true],
    ["alert", "$.labels.app", "matches", "'^(a+)+$'", false],
    ["alert", "$.labels.app", "glob", "'shop-*'", true],
    ["alert", "$.labels.app", "glob", "'*-a?i'", true],
    ["alert", "$.labels.app", "glob", "'shop'", false],
    ["alert", "$.labels['app.kubernetes.io/name']", "equal", "api", true],
    ["target", "$.spec.args", "contains", "--verbose", true],
    ["target", "$.spec.args", "doesNotContain", "-x", true],
    ["target", "$.spec.args[0]", "equal", "-a", true],
    ["target", "$.spec.args", "anyGlob", "['--v*']", true],
    ["target", "$.spec.args", "noneGlob", "['--v*']", false],
    ["target", "$.spec.list", "anyIn", "[2, 9]", true],
    ["target", "$.spec.list", "allIn", "[1, 2, 3]", true],
    ["target", "$.spec.list", "allIn", "[1]", false],
    ["target", "$.spec.replicas", "lessThan", "4", true],
    ["target", "$.spec.replicas", "greaterThanInclusive", "4", false],
    ["target", "$.spec", "cel", "'value.replicas > 2'", true],
    ["target", "$.spec.constructor.name", "equal", "Object", false],
  ])("%s %s %s %s is %s", async (fact, path, operator, value, expected) => {
    const catalog = catalogOf([
      `{name: r, conditions: {fact: ${fact}, path: "${path}", operator: ${operator}, value: ${value}}, ${choose("one")}}`,
    ]);
    expect(await chosen(catalog, facts)).toBe(expected ? "one" : "none");
  });
});

describe("guards", () => {
  const plan: GuardedPlan = {
    risk: "medium",
    digest: "sha256:0",
    template: { name: "one" },
    touches: {
      clusters: ["prod-eu"],
      namespaces: ["shop"],
      objects: [{ kind: "Deployment", namespace: "shop", name: "api" }],
      actions: ["restart_pod"],
    },
  };
  const deny = "event: {type: deny, params: {reason: no}}";
  const weigh = (rule: string, facts = givenFacts()) => evaluateGuards(catalogOf([rule]), facts, plan);

  it("judge what the plan touches", async () => {
    expect(
      await weigh(
        `{name: g, conditions: {fact: plan, path: $.namespaces, operator: anyGlob, value: [sh*]}, ${deny}}`,
      ),
    ).toHaveLength(1);
    expect(await weigh(`{name: g, when: "plan.objects.exists(o, o.kind == 'Node')", ${deny}}`)).toEqual([]);
    expect(
      await weigh(`{name: g, when: "plan.risk in ['medium', 'high'] && plan.template == 'one'", ${deny}}`),
    ).toHaveLength(1);
  });

  it("say what they ask for and why", async () => {
    const rule =
      "{name: g, when: plan.risk == 'medium', event: {type: require-approval, params: {from: [team:sre], approvals: 2, expires: 1h}}}";
    expect(await weigh(rule)).toEqual([
      {
        rule: "p/g",
        effect: "require-approval",
        reason: "p/g fires: plan.risk == 'medium' is true",
        from: ["team:sre"],
        approvals: 2,
        expiresSeconds: 3_600,
        remindSeconds: null,
      },
    ]);
  });

  it.each([
    "conditions: {fact: cluster, path: $.labels.nope, operator: equal, value: x}",
    "conditions: {fact: cluster, path: $.labels.nope, operator: notEqual, value: x}",
    "conditions: {not: {fact: cluster, path: $.labels.nope, operator: equal, value: x}}",
    "when: cluster.labels.nope == 'x'",
  ])("fire when a value is missing: %s", async (condition) => {
    expect(await weigh(`{name: g, ${condition}, ${deny}}`)).toHaveLength(1);
  });

  it("do not fire for it when the condition says so, or when the rest of the rule decides", async () => {
    expect(
      await weigh(
        `{name: g, conditions: {fact: cluster, path: $.labels.nope, operator: equal, value: x, missing: false}, ${deny}}`,
      ),
    ).toEqual([]);
    const both =
      "{all: [{fact: cluster, path: $.labels.nope, operator: equal, value: x}, {fact: plan, path: $.risk, operator: equal, value: low}]}";
    expect(await weigh(`{name: g, conditions: ${both}, ${deny}}`)).toEqual([]);
  });

  it("deny when they cannot be evaluated, whatever they would have asked for", async () => {
    const approval = "event: {type: require-approval, params: {}}";
    const open = await weigh(
      `{name: g, conditions: {fact: target, path: $.kind, operator: equal, value: X}, ${approval}}`,
      givenFacts({ target: unavailable }),
    );
    expect(open).toMatchObject([
      {
        effect: "deny",
        reason: expect.stringContaining("target is not available: the API server did not answer"),
      },
    ]);
    const failing = await weigh(`{name: g, when: "1 / (size(plan.namespaces) - 1) == 1", ${approval}}`);
    expect(failing).toMatchObject([{ effect: "deny", reason: expect.stringContaining("division by zero") }]);
  });

  it("all count, in the order of their names", async () => {
    const catalog = catalogOf([
      `{name: z, ${deny}}`,
      `{name: a, on: [KubePodCrashLooping], ${deny}}`,
      `{name: n, on: [Other], ${deny}}`,
    ]);
    expect((await evaluateGuards(catalog, givenFacts(), plan)).map(({ rule }) => rule)).toEqual([
      "p/a",
      "p/z",
    ]);
  });

  it("never become laxer when a fact goes missing (property)", async () => {
    const leaf = fc.constantFrom(
      "{fact: target, path: $.kind, operator: equal, value: Deployment}",
      "{fact: target, path: $.kind, operator: notEqual, value: Deployment}",
      "{fact: target, path: $.labels.app, operator: equal, value: x}",
      "{fact: namespace, path: $.labels.team, operator: notIn, value: [a]}",
      "{fact: alert, path: $.name, operator: equal, value: KubePodCrashLooping}",
      "{fact: plan, path: $.risk, operator: equal, value: low}",
    );
    const tree = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((parts) => `{all: [${parts.join(", ")}]}`),
        fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((parts) => `{any: [${parts.join(", ")}]}`),
        tie("tree").map((part) => `{not: ${part}}`),
      ),
    })).tree;
    await fc.assert(
      fc.asyncProperty(tree, async (conditions) => {
        const rule = `{name: g, conditions: ${conditions}, ${deny}}`;
        const known = await weigh(rule);
        const blind = await weigh(rule, givenFacts({ target: unavailable, namespace: unavailable }));
        expect(known.length === 0 || blind.length === 1).toBe(true);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
