// Rules are bucketed by alert name and asked by prepared comparisons. One plain json-rules-engine over all rules is the oracle:
// whatever the index does, the same rules hold.
import fc from "fast-check";
import { Engine, type RuleProperties, type TopLevelCondition } from "json-rules-engine";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { actions } from "../../../src/actions/registry.ts";
import type { Facts } from "../../../src/domain/facts/facts.ts";
import { bucketsFor } from "../../../src/domain/policies/catalog.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { factValues } from "../../../src/domain/policies/fact-values.ts";
import { selectTemplate } from "../../../src/domain/policies/select-template.ts";
import { givenAlert, givenFacts, givenTarget } from "../../fixtures/facts.ts";

const template = {
  path: "templates/one.yaml",
  text: "name: one\nsteps: [{name: a, action: {action: get_pod_status}}]\n",
};
const names = ["A", "B", "C"];
const words = fc.constantFrom("a", "b", "c");
const list = fc.uniqueArray(words, { minLength: 1, maxLength: 3 });
const number = fc.integer({ min: 0, max: 4 });

interface Comparison {
  readonly fact: string;
  readonly path: string;
  readonly operator: string;
  readonly value: unknown;
}

function compare(
  fact: string,
  path: string,
  operators: readonly string[],
  value: fc.Arbitrary<unknown>,
): fc.Arbitrary<Comparison> {
  return fc.record({
    fact: fc.constant(fact),
    path: fc.constant(path),
    operator: fc.constantFrom(...operators),
    value,
  });
}

/** Only what json-rules-engine knows itself, on values that are there. */
const leaf = fc.oneof(
  compare("alert", "$.name", ["equal", "notEqual"], fc.constantFrom(...names)),
  compare("alert", "$.name", ["in", "notIn"], fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 })),
  compare("alert", "$.labels.alertname", ["equal"], fc.constantFrom(...names)),
  compare("alert", "$.labels.team", ["equal", "notEqual"], words),
  compare("alert", "$.labels.team", ["in", "notIn"], list),
  compare(
    "target",
    "$.spec.replicas",
    ["lessThan", "lessThanInclusive", "greaterThan", "greaterThanInclusive"],
    number,
  ),
  compare("target", "$.spec.zones", ["contains", "doesNotContain"], words),
  compare(
    "alert",
    "$.labels.team",
    ["equal", "notEqual"],
    fc.constant({ fact: "cluster", path: "$.labels.team" }),
  ),
);

type Tree = Comparison | { all: Tree[] } | { any: Tree[] } | { not: Tree } | { condition: string };

const conditions = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    leaf as fc.Arbitrary<Tree>,
    fc.record({ all: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie("tree") }),
    fc.constant({ condition: "shared-one" }),
  ),
})).tree;

interface Generated {
  readonly on: readonly string[] | null;
  readonly conditions: Tree;
}

const rule: fc.Arbitrary<Generated> = fc.record({
  on: fc.option(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 })),
  conditions,
});

const situation = fc.record({
  name: fc.constantFrom(...names),
  team: words,
  owner: words,
  replicas: number,
  zones: fc.uniqueArray(words),
});

type Situation = typeof situation extends fc.Arbitrary<infer S> ? S : never;

function factsOf({ name, team, owner, replicas, zones }: Situation): Facts {
  return givenFacts({
    alert: givenAlert({ name, labels: { alertname: name, team } }),
    cluster: { name: "prod-eu", labels: { team: owner } },
    target: { available: true, value: givenTarget({ spec: { replicas, zones } }) },
  });
}

/** The whole rule, alert names included, as json-rules-engine's documentation would have it. */
function plainRule({ on, conditions: tree }: Generated, index: number): RuleProperties {
  const named = on === null ? [] : [{ fact: "alert", path: "$.name", operator: "in", value: on }];
  const all = { all: [...named, tree] } as TopLevelCondition;
  return { name: `p/r${index}`, conditions: all, event: { type: "holds" } };
}

async function oracle(rules: readonly Generated[], shared: Tree, facts: Facts): Promise<readonly string[]> {
  const engine = new Engine(rules.map(plainRule), { allowUndefinedFacts: true });
  engine.setCondition("shared-one", { all: [shared] } as TopLevelCondition);
  const { results } = await engine.run({ ...factValues(facts, null).scope });
  return results.map(({ name }) => String(name)).toSorted();
}

function catalogOf(rules: readonly Generated[], shared: Tree) {
  const text = stringify({
    name: "p",
    shared: { "shared-one": shared },
    rules: rules.map(({ on, conditions: tree }, index) => ({
      name: `r${index}`,
      priority: index + 1,
      ...(on === null ? {} : { on }),
      conditions: tree,
      event: { type: "select-template", params: { template: "one" } },
    })),
  });
  const { catalog, findings } = compileCatalog(
    [template, { path: "policies/p.yaml", text }],
    "main@sha1:0",
    actions,
  );
  if (catalog === null) throw new Error(JSON.stringify(findings, null, 1));
  return catalog;
}

describe("the index over many rules (property)", () => {
  it("holds what one json-rules-engine over all of them holds, and the highest of it wins", async () => {
    const shared = leaf as fc.Arbitrary<Tree>;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rule, { minLength: 1, maxLength: 8 }),
        shared,
        fc.array(situation, { minLength: 1, maxLength: 4 }),
        async (rules, one, situations) => {
          const catalog = catalogOf(rules, one);
          for (const given of situations) {
            const facts = factsOf(given);
            const holding = await oracle(rules, one, facts);
            const values = factValues(facts, null);
            const asked = bucketsFor(given.name, catalog.selection);
            const answers = (await Promise.all(asked.map((set) => set.answer(values)))).flat();
            const held = answers.filter(({ state }) => state === "holds").map((answer) => answer.rule.name);
            expect(held.toSorted()).toEqual(holding);
            const selection = await selectTemplate(facts, catalog);
            const best = holding.map((name) => Number(name.slice(3))).toSorted((a, b) => b - a)[0];
            expect(selection.kind === "match" ? selection.rule : null).toBe(
              best === undefined ? null : `p/r${best}`,
            );
          }
        },
      ),
      { numRuns: 150 },
    );
  }, 120_000);
});
