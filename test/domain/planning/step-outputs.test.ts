// `steps['name']` as a running step reads it: its own template's names, whatever the plan calls them.
import { describe, expect, it } from "vitest";
import { evaluateCondition } from "../../../src/domain/expressions/evaluate.ts";
import { ownName } from "../../../src/domain/planning/step-names.ts";
import { stepOutputs } from "../../../src/domain/planning/step-outputs.ts";
import { plan, step } from "../../support/given.ts";

const done = (output: object | null, status = "succeeded") => ({ status, output: output as never });
const fallback = plan([step("fallback/restart")], { finally: [step("fallback/finally/tell")] });
const whole = plan(
  [
    step("workflow/preconditions"),
    step("look"),
    step("restart[0]"),
    step("restart[1]"),
    step("workflow/success"),
  ],
  { fallback, finally: [step("finally/tell")] },
);
const states = new Map([
  ["look", done({ restarts: 3 })],
  ["restart[0]", done({ ready: true })],
  ["restart[1]", done(null, "skipped")],
  ["finally/tell", done({ channel: "ops" })],
  ["fallback/restart", done({ revision: 7 }, "failed")],
]);

describe("the outputs that a step may read", () => {
  it("are those of its template, a list where there is one for each subject", () => {
    const steps = stepOutputs(whole, states, "workflow/success");
    expect(steps).toEqual({
      look: { status: "succeeded", output: { restarts: 3 } },
      restart: { status: "succeeded", output: [{ ready: true }, null] },
      tell: { status: "succeeded", output: { channel: "ops" } },
    });
    expect(evaluateCondition("steps['restart'].output.all(one, one == null || one.ready)", { steps })).toBe(
      true,
    );
  });

  it("are the fallback's own for a step of the fallback", () => {
    expect(stepOutputs(whole, states, "fallback/finally/tell")).toEqual({
      restart: { status: "failed", output: { revision: 7 } },
      tell: { status: "pending", output: null },
    });
  });

  it.each([
    [["succeeded", "failed"], "failed"],
    [["succeeded", "unknown", "failed"], "unknown"],
    [["skipped", "skipped"], "skipped"],
    [["skipped", "succeeded"], "succeeded"],
    [["succeeded", "running"], "running"],
  ])("%j together count as %s", (statuses, expected) => {
    const some = plan(statuses.map((_, index) => step(`each[${index}]`)));
    const known = new Map(statuses.map((status, index) => [`each[${index}]`, done(null, status)]));
    expect(stepOutputs(some, known, "each[0]")).toMatchObject({ each: { status: expected } });
  });
});

describe("the name of a planned step", () => {
  it.each([
    ["restart", "restart", null],
    ["restart[12]", "restart", 12],
    ["finally/tell", "tell", null],
    ["fallback/restart[0]", "restart", 0],
    ["fallback/finally/tell", "tell", null],
    ["workflow/success", null, null],
    ["fallback/workflow/preconditions", null, null],
    ["finally", "finally", null],
    ["fallback", "fallback", null],
  ])("%s is %s of its template", (planned, name, index) => {
    expect(ownName(planned)).toEqual({ name, index });
  });
});
