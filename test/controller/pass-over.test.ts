// A remedy that was chosen and does not fit what is there: the next rule decides, and when none is left people are told why.
import { describe, expect, it } from "vitest";
import { orPassOver } from "../../src/controller/pass-over.ts";
import type { FiringDecision } from "../../src/controller/ports.ts";
import { selectTemplate } from "../../src/domain/policies/select-template.ts";
import type { Selection } from "../../src/domain/policies/selection.ts";
import { Problem, type ProblemCode } from "../../src/domain/problem.ts";
import { givenAlert, givenFacts } from "../fixtures/facts.ts";
import { compiled, restartTemplate } from "../support/decision-world.ts";

const rule = (name: string, priority: number, event: string) =>
  `  - {name: ${name}, priority: ${priority}, on: [Down], event: ${event}}\n`;
const choose = (template: string) => `{type: select-template, params: {template: ${template}}}`;
const catalogWith = (...rules: readonly string[]) =>
  compiled({
    "templates/one.yaml": restartTemplate("one"),
    "templates/two.yaml": restartTemplate("two"),
    "policies/p.yaml": `name: p\nrules:\n${rules.join("")}`,
  });
const facts = givenFacts({ alert: givenAlert({ name: "Down" }) });
const planned: FiringDecision = { kind: "no-match", revision: "r", reasons: [] };

/** What is decided on, one after the other, when these templates cannot be planned for this reason. */
async function decided(
  catalog: ReturnType<typeof catalogWith>,
  unfit: readonly string[],
  code: ProblemCode = "PRECONDITION_FAILED",
): Promise<readonly Selection[]> {
  const seen: Selection[] = [];
  const chosen = await selectTemplate(facts, catalog);
  if (chosen.kind !== "match") throw new Error(`nothing was chosen: ${chosen.kind}`);
  await orPassOver(chosen, facts, catalog, async (selection) => {
    seen.push(selection);
    if (selection.kind === "match" && unfit.includes(selection.template))
      throw new Problem(code, `${selection.template} finds nothing to mend`);
    return planned;
  });
  return seen;
}

describe("a remedy that does not fit what is there", () => {
  const both = () => catalogWith(rule("first", 9, choose("one")), rule("second", 1, choose("two")));

  it("leaves the decision to the next rule, and the record says why", async () => {
    const [, second, ...others] = await decided(both(), ["one"]);
    expect(others).toEqual([]);
    expect(second).toMatchObject({ kind: "match", rule: "p/second", template: "two" });
    expect(second).toMatchObject({
      reasons: expect.arrayContaining([
        "p/first is passed over: one does not fit: one finds nothing to mend",
      ]),
    });
  });

  it("is passed over where there is nothing to go back to", async () => {
    expect((await decided(both(), ["one"], "NOTHING_TO_ROLL_BACK")).at(-1)).toMatchObject({
      template: "two",
    });
  });

  it("is told to people with every reason when no rule is left", async () => {
    expect((await decided(both(), ["one", "two"])).at(-1)).toMatchObject({
      kind: "escalate",
      rule: "built-in/no-remedy-fits",
      message:
        "Down has no remedy that fits: one does not fit: one finds nothing to mend; two does not fit: two finds nothing to mend",
    });
  });

  it("leaves it to a rule that tells people itself", async () => {
    const event = '{type: escalate, params: {severity: critical, message: "yours"}}';
    const catalog = catalogWith(rule("first", 9, choose("one")), rule("second", 1, event));
    expect((await decided(catalog, ["one"])).at(-1)).toMatchObject({
      kind: "escalate",
      rule: "p/second",
      message: "yours",
    });
  });

  it.each(["API_UNREACHABLE", "API_FORBIDDEN", "API_INVALID", "TARGET_GONE", "PARAMETER_INVALID"] as const)(
    "is not passed over for what is no state of the target: %s",
    async (code) => {
      await expect(decided(both(), ["one"], code)).rejects.toMatchObject({ code });
    },
  );
});
