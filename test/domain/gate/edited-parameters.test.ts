import { describe, expect, it } from "vitest";
import { renderApprovalFile } from "../../../src/domain/gate/approval-file.ts";
import { editedParameters } from "../../../src/domain/gate/edited-parameters.ts";
import { alert, approvalGate, plan, previews } from "../../fixtures/executions.ts";

const parameters = { grace_seconds: 30, token: "hush", image: "web:1.4" };
const file = "approvals/e1.yaml";
const asked = renderApprovalFile({
  executionId: "0192f1c0-2222-7ccc-8ddd-0000000000e3",
  incident: "i1",
  alert,
  match: { rule: "crash-loops/roll-back", reasons: [] },
  revision: "main@sha1:0",
  plan: { ...plan, parameters },
  previews,
  gate: approvalGate,
  expiresAt: "2026-11-17T10:30:00.000Z",
});
const own = asked.lastIndexOf("\nparameters:");
/** In the parameters above the plan, not in the plan. */
const edit = (from: string, to: string) =>
  editedParameters({
    file,
    asked,
    edited: asked.slice(0, own) + asked.slice(own).replace(from, to),
    parameters,
  });
const whole = (edited: string) => editedParameters({ file, asked, edited, parameters });

describe("an approval file that people have changed", () => {
  it("gives the parameter that is another, and keeps the others, also the secret that it does not show", () => {
    expect(asked).not.toContain("hush");
    expect(edit("grace_seconds: 30", "grace_seconds: 10 # faster")).toMatchObject({
      parameters: { grace_seconds: 10, token: "hush", image: "web:1.4" },
      changes: [{ pointer: "/grace_seconds", before: 30, after: 10 }],
    });
  });

  it("takes the template's default where a parameter was taken out", () => {
    expect(edit("  grace_seconds: 30\n", "")).toMatchObject({
      parameters: { token: "hush", image: "web:1.4" },
      changes: [{ pointer: "/grace_seconds", before: 30 }],
    });
  });

  it("has no change in its words, its spaces and its lines of approval", () => {
    const text = `# a note\n${asked.replaceAll("# ", "#  ")}  - {by: "ana"}\n`;
    expect(whole(text)).toMatchObject({ parameters, changes: [] });
  });

  it("says where something else was changed, and takes nothing", () => {
    expect(whole(asked.replace("\nrisk: high", "\nrisk: low"))).toMatch(
      /^approvals\/e1\.yaml:\d+:1: risk may not be changed here, only parameters$/,
    );
    expect(whole(asked.replace("\nplan:", "\nplan2: {}\nplan:"))).toMatch(/plan2 may not be changed/);
    expect(whole(asked.replace(/\ndigest: .*/, ""))).toMatch(/digest may not be changed/);
  });

  it.each([
    ["grace_seconds: 30", "grace_secs: 30", /:\d+:3: there is no parameter grace_secs.*grace_seconds/],
    ["image: web:1.4", "image: '[redacted]x'", /:\d+:3: a secret is not shown here/],
    ["grace_seconds: 30", "grace_seconds: [", /^approvals\/e1\.yaml:\d+:\d+: /],
    ["parameters:", "parameters: 7\nparameters2:", /parameters2? (may not|has to be)/],
  ])("says what is wrong with %s -> %s, and where", (from, to, message) => {
    expect(edit(from, to)).toMatch(message);
  });

  it.each([
    ["nothing", ""],
    ["a list", "- 1\n"],
    ["a bomb of aliases", `a: &a [1,2,3,4,5,6,7,8,9]\n${"b: [*a,*a,*a,*a]\n".repeat(3)}`],
    ["a prototype", "__proto__: {parameters: {}}\nparameters: {}\n"],
  ])("is refused when it is %s", (_what, text) => {
    expect(typeof whole(text)).toBe("string");
  });
});
