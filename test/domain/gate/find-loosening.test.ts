// What lets something through that was stopped before is found, and nothing else; and while it is held, all of it is stopped still.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { findLoosening, keepGuards } from "../../../src/domain/gate/find-loosening.ts";
import { type Catalog, guardsOf } from "../../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import type { Scope } from "../../../src/domain/templates/scope.ts";

const calendar = (to: string) => `calendars: {freeze: [{from: 2026-12-20, to: ${to}}]}\n`;
const template = (extra = "", step = "") =>
  `name: one\n${extra}steps: [{name: a, ${step}action: {action: get_pod_status}}]\n`;
const action = (risk: string) =>
  `name: flush\ndescription: d\nrisk: ${risk}\nhttp_request: {endpoint: e, path: /x}\nundo: {nothing: it cannot be taken back}\n`;

function compiled(files: Readonly<Record<string, string>>, scopes: readonly Scope[] = []): Catalog {
  const given = Object.entries({ "templates/one.yaml": template(), ...files });
  const texts = given.map(([path, text]) => ({ path, text }));
  const { catalog, findings } = compileCatalog(texts, "main@sha1:0", actions, scopes);
  if (catalog === null) throw new Error(JSON.stringify(findings, null, 1));
  return catalog;
}
const policy = (rules: readonly string[], name = "p") =>
  `name: ${name}\nrules:\n  - {name: choose, on: [X], event: {type: select-template, params: {template: one}}}\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
const withRules = (...rules: readonly string[]) => compiled({ "policies/p.yaml": policy(rules) });
const found = (before: Catalog, after: Catalog) =>
  findLoosening(before, after).map(
    ({ file, line, column, message }) => `${file}:${line}:${column} ${message}`,
  );

const approval = (params: string, when = "plan.risk == 'high'") =>
  `{name: g, when: "${when}", event: {type: require-approval, params: {${params}}}}`;
const later = (...next: readonly string[]) =>
  approval(`from: ['team:sre']${next.length === 0 ? "" : `, next: [${next.join(", ")}]`}`);
const limit = (params: string) => `{name: g, event: {type: limit, params: {${params}}}}`;
const deny = (condition: string) => `{name: g, ${condition}, event: {type: deny, params: {reason: no}}}`;
const waiver = (risk: string, when = "true") =>
  `{name: g, when: "${when}", event: {type: waive-approval, params: {max_risk: ${risk}, reason: r}}}`;
const observe = `{name: g, when: "plan.risk == 'high'", event: {type: set-mode, params: {mode: observe}}}`;
const repair = (where: string, when = "true") =>
  `{name: g, when: "${when}", event: {type: set-repair, params: {repair: ${where}}}}`;
const fact = (operator: string, value: string, path = "risk") =>
  `conditions: {all: [{fact: plan, path: $.${path}, operator: ${operator}, value: ${value}}]}`;
const both = `conditions: {all: [{fact: plan, path: $.risk, operator: equal, value: high}, {fact: plan, path: $.template, operator: equal, value: one}]}`;

describe("a guard that stops less", () => {
  it.each([
    ["is gone", approval("approvals: 2"), null],
    ["asks fewer people", approval("approvals: 2"), approval("approvals: 1")],
    ["asks more teams", approval("from: ['team:sre']"), approval("from: ['team:sre', mallory]")],
    ["asks another team", approval("from: ['team:sre']"), approval("from: ['team:dev']")],
    ["asks anybody", approval("from: ['team:sre']"), approval("from: []")],
    ["lets others approve later", later(), later("{after: 10m, from: ['team:dev']}")],
    ["lets them approve earlier", later("{after: 10m, from: [dev]}"), later("{after: 9m, from: [dev]}")],
    ["lets more approve later", later("{after: 10m, from: [dev]}"), later("{after: 10m, from: [dev, ops]}")],
    [
      "lets others approve in between",
      later("{after: 10m, from: [dev]}"),
      later("{after: 5m, from: [ops]}, {after: 10m, from: [dev]}"),
    ],
    [
      "asks from the start who came later",
      later("{after: 10m, from: [dev]}"),
      approval("from: ['team:sre', dev]"),
    ],
    ["waits longer", approval("expires: 30m"), approval("expires: 31m")],
    ["has another condition", approval("approvals: 2"), approval("approvals: 2", "plan.risk == 'critical'")],
    ["has one condition more", deny(fact("equal", "high")), deny(both)],
    ["names fewer", deny(fact("in", "[high, critical]")), deny(fact("in", "[critical]"))],
    [
      "excepts more",
      deny(fact("noneGlob", "[dev]", "namespaces")),
      deny(fact("noneGlob", "[dev, prod]", "namespaces")),
    ],
    ["is about fewer alerts", deny("when: 'true'"), deny("on: [X], when: 'true'")],
    ["asks where it denied", deny(`when: "plan.risk == 'high'"`), approval("approvals: 20")],
    ["only observes where it denied", deny(`when: "plan.risk == 'high'"`), observe],
    ["no longer observes", observe, approval("approvals: 20")],
    ["allows more at once", limit("scope: namespace, running: 2"), limit("scope: namespace, running: 3")],
    ["counts in a larger scope", limit("scope: cluster, running: 2"), limit("scope: namespace, running: 2")],
    ["allows more starts", limit("scope: cluster, starts: 2"), limit("scope: cluster, starts: 3")],
    ["looks back less", limit("scope: cluster, starts: 2"), limit("scope: cluster, starts: 2, per: 30m")],
    ["takes a larger share", limit("scope: cluster, share: 10%"), limit("scope: cluster, share: 20%")],
    ["drops a share", limit("scope: cluster, share: 10%, running: 2"), limit("scope: cluster, running: 2")],
    ["repairs live what others apply", null, repair("live")],
    ["repairs live where it did so in Git too", repair("both"), repair("live")],
    ["repairs live in more places", repair("live", "plan.risk == 'low'"), repair("live")],
    ["repairs in Git no longer", repair("git"), null],
    ["is a new waiver", null, waiver("high")],
    ["became a waiver", approval("approvals: 2"), waiver("high")],
    ["waives more", waiver("high"), waiver("critical")],
    ["waives elsewhere", waiver("high", "plan.risk == 'high'"), waiver("high", "true")],
    [
      "reads another shared text",
      approval("approvals: 2", "plan.namespaces.exists(n, n == 'prod')"),
      approval("approvals: 2", "plan.namespaces.exists(n, n == 'dev')"),
    ],
  ])("is found: it %s; and held, it stops what it stopped", (_what, before, after) => {
    const old = withRules(...(before === null ? [] : [before]));
    const next = withRules(...(after === null ? [] : [after]));
    expect(findLoosening(old, next).map(({ code }) => code)[0]).toBe("GUARD_LOOSENED");
    expect(findLoosening(old, keepGuards(old, next, "0000000"))).toEqual([]);
  });

  it("is shown at its new place with what was and what is, or at its old one when it is gone", () => {
    const old = withRules(approval("from: ['team:sre'], approvals: 2"));
    expect(found(old, withRules(approval("from: ['team:sre'], approvals: 1")))).toEqual([
      `policies/p.yaml:4:5 p/g stops less: before, it asks 2 of team:sre within 30m when plan.risk == 'high'; now it asks 1 of team:sre within 30m when plan.risk == 'high'`,
    ]);
    expect(found(old, withRules())).toEqual([
      `policies/p.yaml:4:5 p/g is gone: it asks 2 of team:sre within 30m when plan.risk == 'high'`,
    ]);
  });

  it("says who would approve later", () => {
    expect(found(withRules(later()), withRules(later("{after: 10m, from: ['team:dev']}")))).toEqual([
      `policies/p.yaml:4:5 p/g stops less: before, it asks 1 of team:sre within 30m when plan.risk == 'high'; now it asks 1 of team:sre within 30m, after 10m also team:dev when plan.risk == 'high'`,
    ]);
  });

  it("is found when its file moves to a folder whose guards are about less", () => {
    const scope = { clusters: ["*"], actions: ["*"], uses: [], maxRisk: "medium", runAs: null } as const;
    const scopes = [
      { ...scope, path: ".", namespaces: ["*"] },
      { ...scope, path: "teams/shop", namespaces: ["shop"] },
    ];
    const at = (path: string) =>
      compiled({ [path]: policy([approval("approvals: 2")]).replace(/\n  - \{name: choose.*/, "") }, scopes);
    const [wide, narrow] = [at("policies/p.yaml"), at("teams/shop/policies/p.yaml")];
    expect(found(wide, narrow)).toEqual([expect.stringContaining("p/g stops less")]);
    expect(found(narrow, wide)).toEqual([]);
    expect(findLoosening(wide, keepGuards(wide, narrow, "0000000"))).toEqual([]);
  });

  it("is found when only the calendar, the shared condition or the time zone that it names has changed", () => {
    const rule =
      "{name: g, conditions: {all: [{fact: now, operator: inCalendar, value: freeze}]}, event: {type: deny, params: {reason: no}}}";
    const year = (to: string) =>
      compiled({ "policies/p.yaml": policy([rule]), "catalog.yaml": calendar(to) });
    expect(found(year("2027-01-03"), year("2026-12-21"))).toEqual([
      expect.stringContaining("what it reads has changed"),
    ]);
    const shared = (risk: string) =>
      compiled({
        "policies/p.yaml": `shared: {bad: {fact: plan, path: $.risk, operator: equal, value: ${risk}}}\n${policy([`{name: g, when: "shared('bad')", event: {type: deny, params: {reason: no}}}`])}`,
      });
    expect(found(shared("high"), shared("critical"))).toHaveLength(1);
    const hours = (zone: string) =>
      compiled({
        "policies/p.yaml": `timezone: ${zone}\n${policy([deny("conditions: {all: [{fact: now, operator: withinHours, value: {from: '22:00', to: '06:00'}}]}")])}`,
      });
    expect(found(hours("Europe/Berlin"), hours("Asia/Tokyo"))).toHaveLength(1);
  });

  it("is found when its policy, or all of them, are deleted", () => {
    const old = withRules(approval("approvals: 2"));
    expect(found(old, compiled({}))).toHaveLength(1);
    expect(guardsOf(keepGuards(old, compiled({}), "4f2c1d0")).map(({ name }) => name)).toEqual([
      "p/g@4f2c1d0",
    ]);
  });
});

describe("a lower risk", () => {
  it("of a template or an action is found, and held the higher one counts", () => {
    const old = compiled({
      "templates/one.yaml": template("risk: critical\n"),
      "actions/f.yaml": action("high"),
    });
    const next = compiled({ "templates/one.yaml": template(), "actions/f.yaml": action("low") });
    expect(found(old, next)).toEqual([
      "actions:1:1 the risk of action flush was high and is low",
      "templates/one.yaml:1:1 the risk of template one was critical and is low",
    ]);
    const held = keepGuards(old, next, "4f2c1d0");
    expect([held.templates.get("one")?.risk, held.actions.get("flush")?.risk]).toEqual(["critical", "high"]);
  });

  it("an approval that a template asked for, and a revocation, are kept too", () => {
    const asking = compiled({
      "templates/one.yaml": template("", "approval: required, "),
      "catalog.yaml": "revoked: [one@1.0.0]\n",
    });
    const next = compiled({});
    expect(found(asking, next)).toEqual([
      expect.stringContaining("one@1.0.0 was revoked and may be used again"),
      "templates/one.yaml:1:1 template one asks for no approval any more",
    ]);
    expect(findLoosening(asking, keepGuards(asking, next, "4f2c1d0"))).toEqual([]);
  });
});

describe("what stops as much as before", () => {
  it.each([
    ["asks more people", approval("approvals: 1"), approval("approvals: 2")],
    ["asks fewer teams, sooner", approval("from: [a, b]"), approval("from: [a], expires: 10m")],
    ["lets nobody approve later", later("{after: 10m, from: [dev]}"), later()],
    ["lets them approve later yet", later("{after: 10m, from: [dev]}"), later("{after: 600s, from: [dev]}")],
    ["lets fewer approve later", later("{after: 9m, from: [dev, ops]}"), later("{after: 10m, from: [dev]}")],
    [
      "asks later whom it asked",
      approval("from: [a, b]"),
      approval("from: [a], next: [{after: 5m, from: [b]}]"),
    ],
    ["denies", approval("approvals: 2"), deny(`when: "plan.risk == 'high'"`)],
    ["observes", approval("approvals: 2"), observe],
    ["has one condition less", deny(both), deny(fact("equal", "high"))],
    ["names more", deny(fact("in", "[high]")), deny(fact("in", "[high, critical]"))],
    ["is about all alerts", deny("on: [X], when: 'true'"), deny("when: 'true'")],
    [
      "allows less",
      limit("scope: cluster, starts: 3"),
      limit("scope: cluster, starts: 2, per: 2h, running: 1"),
    ],
    ["repairs in Git", null, repair("git")],
    ["repairs in Git where it did so live", repair("live"), repair("git")],
    ["repairs in Git too", repair("live"), repair("both")],
    ["waives less", waiver("critical"), waiver("high")],
    ["waives nothing any more", waiver("critical"), null],
    ["is new", null, deny("when: 'true'")],
    ["has another reason", deny("when: 'true'"), deny("when: 'true'").replace("reason: no", "reason: never")],
  ])("is no loosening: it %s", (_what, before, after) => {
    const old = withRules(...(before === null ? [] : [before]));
    expect(found(old, withRules(...(after === null ? [] : [after])))).toEqual([]);
  });

  it("a guard that is renamed, or moved to another file and policy, is the same guard", () => {
    const old = withRules(approval("approvals: 2"), deny("when: 'true'").replace("g,", "h,"));
    const rules = [
      approval("approvals: 2").replace("g,", "other,"),
      deny("when: 'true'").replace("g,", "h,"),
    ];
    expect(found(old, compiled({ "policies/elsewhere.yaml": policy(rules, "q") }))).toEqual([]);
  });
});

describe("whatever two sets of guards say", () => {
  const rules = [
    ...[1, 2].flatMap((count) =>
      ["[a]", "[a, b]", "[]"].map((from) => approval(`approvals: ${count}, from: ${from}`)),
    ),
    ...["{after: 5m, from: [b]}", "{after: 10m, from: [b]}", "{after: 5m, from: [b, c]}"].map((next) =>
      approval(`from: [a], next: [${next}]`),
    ),
    ...["[high]", "[high, critical]", "[low]"].map((risk) => deny(fact("in", risk))),
    deny(both),
    deny(`conditions: {not: {fact: plan, path: $.risk, operator: in, value: [low]}}`),
    deny(
      `conditions: {any: [{fact: plan, path: $.risk, operator: equal, value: low}, {fact: plan, path: $.template, operator: equal, value: one}]}`,
    ),
    limit("scope: cluster, running: 2"),
    limit("scope: cluster, running: 3"),
    observe,
    waiver("high"),
    waiver("critical"),
    repair("git"),
    repair("live"),
    repair("both"),
  ];
  const some = fc
    .uniqueArray(fc.constantFrom(...rules), { maxLength: 5 })
    .map((chosen) =>
      withRules(
        ...chosen.map((rule, index) =>
          rule.replace("name: g", `name: g${index % 3}${index > 2 ? index : ""}`),
        ),
      ),
    );

  it("what is kept beside the new ones stops all that the old ones stopped, and the new ones stop still", () => {
    fc.assert(
      fc.property(some, some, (old, next) => {
        const held = keepGuards(old, next, "4f2c1d0");
        expect(findLoosening(old, held)).toEqual([]);
        expect(findLoosening(next, held)).toEqual([]);
        expect(findLoosening(old, old)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

it("a condition made to take for ever is given up, and counts as another one", () => {
  const nested = (depth: number, leaf: string): string =>
    depth === 0
      ? `{fact: plan, path: $.risk, operator: equal, value: ${leaf}}`
      : `{${depth % 2 === 0 ? "all" : "any"}: [${nested(depth - 1, leaf)}, ${nested(depth - 1, leaf)}]}`;
  const rule = (leaf: string) => deny(`conditions: {all: [${nested(9, leaf)}]}`);
  expect(found(withRules(rule("high")), withRules(rule("critical")))).toHaveLength(1);
});
