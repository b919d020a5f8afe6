// The floor of gitmend.yaml: weighed whatever the config repository says.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { openCatalog } from "../../../src/domain/policies/catalog.ts";
import { compileContent } from "../../../src/domain/policies/compile-catalog.ts";
import { compileFloor } from "../../../src/domain/policies/compile-floor.ts";
import { evaluateGuards } from "../../../src/domain/policies/evaluate-guards.ts";
import { factsNeeded } from "../../../src/domain/policies/facts-needed.ts";
import { readYaml } from "../../../src/domain/yaml-findings.ts";
import { givenFacts } from "../../fixtures/facts.ts";
import { plan, step } from "../../support/given.ts";

function floorOf(text: string) {
  const { document } = readYaml("gitmend.yaml", text);
  if (document === null) throw new Error("no YAML");
  return compileFloor(document);
}

const deny = "event: {type: deny, params: {reason: not here}}";

describe("a floor", () => {
  const { rules, findings } = floorOf(
    `floor:\n  - {name: not-shop, when: "'shop' in plan.namespaces", ${deny}}\n`,
  );
  const content = compileContent([], "main@sha1:0", actions).content;
  if (content === null) throw new Error("an empty catalog has errors");
  const catalog = openCatalog({ ...content, guards: [...rules, ...content.guards] });

  it("is weighed beside a catalog that has no guards", async () => {
    expect(findings).toEqual([]);
    const verdicts = await evaluateGuards(catalog, givenFacts(), plan([step("a")]));
    expect(verdicts).toMatchObject([{ rule: "floor/not-shop", effect: "deny" }]);
  });

  it("has its facts fetched", () => {
    const owned = floorOf(`floor: [{name: g, when: owner.team == 'shop', ${deny}}]`);
    expect([...factsNeeded("X", openCatalog({ ...content, guards: owned.rules }))]).toEqual(["owner"]);
  });

  it("may be left out, or empty", () => {
    expect(floorOf("live: []\n")).toEqual({ rules: [], findings: [] });
    expect(floorOf("floor: []\n")).toEqual({ rules: [], findings: [] });
  });
});

describe("a floor that nobody could rely on", () => {
  it.each([
    [
      "{name: g, event: {type: select-template, params: {template: one}}}",
      'gitmend.yaml:2:29 WRONG_VALUE the floor holds guards; "select-template" chooses and belongs into a policy',
    ],
    ["{name: g, event: {type: escalate}}", /WRONG_VALUE the floor holds guards; "escalate" chooses/],
    [`{name: g, when: plan.rsk == 'low', ${deny}}`, /gitmend.yaml:2:\d+ EXPRESSION plan has no "rsk"/],
    [`{name: g, wen: plan.risk == 'low', ${deny}}`, /UNKNOWN_KEY unknown key "wen"; did you mean "when"/],
    [
      `{name: g, conditions: {fact: now, operator: inCalendar, value: freeze}, ${deny}}`,
      /UNKNOWN_CALENDAR calendars stand in the config repository/,
    ],
    [`{name: g, conditions: {condition: is-prod}, ${deny}}`, /UNKNOWN_CONDITION/],
    [`{name: g, priority: 3, ${deny}}`, /PRIORITY_ON_GUARD/],
    [
      "{name: g, event: {type: require-approval, params: {from: [a], next: [{after: 30m, from: [b]}]}}}",
      /WRONG_VALUE 30m is not before `expires` \(30m\)/,
    ],
    [`{name: g, ${deny}}\n  - {name: g, ${deny}}`, /gitmend.yaml:3:12 DUPLICATE_NAME/],
    ["{name: g}", /MISSING_KEY "event" is missing/],
    ["no-rule", /WRONG_TYPE must be a map/],
  ])("is refused where it stands: %s", (rule, expected) => {
    const { rules, findings } = floorOf(`floor:\n  - ${rule}\n`);
    const lines = findings.map(
      ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
    );
    expect(rules).toEqual([]);
    if (typeof expected === "string") expect(lines).toEqual([expected]);
    else expect(lines.join("\n")).toMatch(expected);
  });
});
