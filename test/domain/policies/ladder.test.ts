// Which rung of a ladder an alert is at, by what was tried before; and ladders that must not get into a catalog.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import type { Facts } from "../../../src/domain/facts/facts.ts";
import { plusSeconds } from "../../../src/domain/instant.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";
import { factsNeeded } from "../../../src/domain/policies/facts-needed.ts";
import { selectTemplate } from "../../../src/domain/policies/select-template.ts";
import { givenFacts } from "../../fixtures/facts.ts";

const templates = ["restart", "raise"].map((name) => ({
  path: `templates/${name}.yaml`,
  text: `name: ${name}\nparameters: {x: {type: string, default: ""}}\nsteps: [{name: a, action: {action: get_pod_status}}]\n`,
}));

function compile(params: string, rest = "on: [KubePodCrashLooping]") {
  const text = `name: p\nrules:\n  - name: leak\n    ${rest}\n    event: {type: select-template, params: ${params}}\n`;
  const { catalog, findings } = compileCatalog(
    [...templates, { path: "policies/p.yaml", text }],
    "main@sha1:0",
    actions,
  );
  return { catalog, lines: findings.map(({ line, code, message }) => `${line} ${code} ${message}`) };
}

const now = givenFacts().now;
const ladder =
  "{ladder: [{template: restart}, {template: raise, times: 2, parameters: {x: a}}, {escalate: {to: sre, message: still}}], window: 6h}";

/** `hours` before now: the templates that were tried. */
function tried(...attempts: readonly (readonly [template: string, hours: number])[]): Facts {
  const past = attempts.map(([template, hours]) => ({
    at: plusSeconds(now, -hours * 3_600),
    template,
    outcome: "succeeded",
  }));
  const newestFirst = past.toSorted((left, right) => (left.at > right.at ? -1 : 1));
  return givenFacts({ history: { available: true, value: { attempts: newestFirst } } });
}

const compiled = compile(ladder).catalog;

async function selected(facts: Facts, catalog = compiled) {
  if (catalog === null) throw new Error("the ladder is not valid");
  return selectTemplate(facts, catalog);
}

describe("a ladder of a restart, more memory twice, then people", () => {
  it.each([
    [tried(), "restart", "p/leak is at rung 1 of 3, restart: try 1 of 1 within 6h"],
    [tried(["restart", 1]), "raise", "p/leak is at rung 2 of 3, raise: try 1 of 2 within 6h"],
    [tried(["restart", 2], ["raise", 1]), "raise", "p/leak is at rung 2 of 3, raise: try 2 of 2 within 6h"],
    [tried(["restart", 7]), "restart", "p/leak is at rung 1 of 3, restart: try 1 of 1 within 6h"],
    [tried(["someone-elses", 1]), "restart", "p/leak is at rung 1 of 3, restart: try 1 of 1 within 6h"],
  ])("goes up by what was tried, and says where it stands (%#)", async (facts, template, reason) => {
    const selection = await selected(facts);
    expect(selection).toMatchObject({ kind: "match", rule: "p/leak", template });
    expect(selection.reasons.at(-1)).toBe(reason);
  });

  it("gives each rung its own parameters", async () => {
    expect(await selected(tried())).toMatchObject({ parameters: {} });
    expect(await selected(tried(["restart", 1]))).toMatchObject({ parameters: { x: "a" } });
  });

  it("tells people after the last try, with what was tried", async () => {
    const selection = await selected(tried(["restart", 3], ["raise", 2], ["raise", 1]));
    expect(selection).toMatchObject({ kind: "escalate", to: "sre", message: "still", severity: "warning" });
    expect(selection.reasons.at(-1)).toBe(
      "p/leak is at rung 3 of 3, people: restart was tried once, raise twice within 6h",
    );
  });

  it("does not go down again when a lower rung was too long ago", async () => {
    expect(await selected(tried(["restart", 7], ["raise", 1]))).toMatchObject({ template: "raise" });
    expect(await selected(tried(["restart", 7], ["raise", 2], ["raise", 1]))).toMatchObject({
      kind: "escalate",
    });
  });

  it("never tries a rung more often than it says, whatever the past is", async () => {
    const past = fc.array(
      fc.tuple(fc.constantFrom("restart", "raise", "other"), fc.integer({ min: 1, max: 12 })),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(past, async (attempts) => {
        const selection = await selected(tried(...attempts));
        const within = (name: string) => attempts.filter(([one, hours]) => one === name && hours < 6).length;
        if (selection.kind === "match")
          expect(within(selection.template)).toBeLessThan(selection.template === "raise" ? 2 : 1);
        else expect(within("raise")).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 200 },
    );
  });

  it("waits while nobody knows what was tried", async () => {
    const facts = givenFacts({ history: { available: false, why: "the database is away" } });
    expect(await selected(facts)).toMatchObject({ kind: "undecided", fact: "history" });
  });

  it("asks for the history", () => {
    expect([...factsNeeded("KubePodCrashLooping", compiled!)]).toContain("history");
  });
});

describe("a ladder without people at its end", () => {
  it("does nothing more until the oldest try of its last rung leaves the window", async () => {
    const selection = await selected(
      tried(["raise", 5], ["raise", 1]),
      compile("{ladder: [{template: restart}, {template: raise, times: 2}], window: 6h}").catalog,
    );
    expect(selection).toMatchObject({ kind: "exhausted", rule: "p/leak", until: plusSeconds(now, 3_600) });
    expect(selection.reasons.at(-1)).toBe(
      "p/leak is at its end, nothing more is tried: raise was tried twice within 6h",
    );
  });
});

describe("a ladder that must not get into a catalog", () => {
  it.each([
    ["{ladder: []}", /^5 .*must NOT have fewer than 1 items|at least 1/],
    ["{ladder: [{template: restrat}]}", /^5 UNKNOWN_TEMPLATE there is no template "restrat"; did you mean/],
    ["{ladder: [{template: restart, times: 0}]}", /^5 .*>= 1/],
    ["{ladder: [{escalate: {}}, {template: restart}]}", /^5 WRONG_VALUE nothing comes after "escalate"/],
    ["{ladder: [{escalate: {}}]}", /^5 WRONG_VALUE nothing is tried before/],
    ["{ladder: [{times: 2}]}", /^5 MISSING_KEY a rung needs "template" or "escalate"/],
    ["{ladder: [{template: restart}, {template: restart}]}", /^5 DUPLICATE_NAME rung 1 is "restart" too/],
    ["{ladder: [{template: restart, escalate: {}}]}", /^5 WRONG_VALUE a template or people/],
    ["{template: restart, ladder: [{template: raise}]}", /^5 WRONG_VALUE a template or a ladder, not both/],
    ["{}", /^5 MISSING_KEY "template" is missing/],
    ["{template: restart, window: 1h}", /^5 MISSING_KEY nothing is counted within "window"/],
    ["{ladder: [{template: restart}], window: 8d}", /^5 WRONG_VALUE a ladder looks back for up to 7d/],
    ["{ladder: [{template: restart, parameters: {y: 1}}]}", /^5 UNKNOWN_PARAMETER .* has no parameter "y"/],
    ["{ladder: [{template: restart}], parameters: {x: a}}", /^5 WRONG_VALUE give each rung parameters/],
    [
      '{ladder: [{template: restart}, {escalate: {message: "{{ alert.nmae }}"}}]}',
      /^5 EXPRESSION alert has no "nmae"/,
    ],
  ])("%s", (params, expected) => {
    const { catalog, lines } = compile(params);
    expect(catalog).toBeNull();
    expect(lines.join("\n")).toMatch(expected);
  });

  it("nor one in a rule of conditions", () => {
    const conditions =
      "conditions: {all: [{fact: alert, path: $.name, operator: equal, value: KubePodCrashLooping}]}";
    expect(compile(ladder, conditions).lines).toEqual([]);
    expect(compile("{ladder: [{template: nope}]}", conditions).lines[0]).toMatch(/UNKNOWN_TEMPLATE/);
  });
});
