// What a template takes back when the incident is over: read, checked, and part of what people approve.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";

const look = "{name: look, action: {action: get_pod_status}}";

function compile(waiting: string, rest = "") {
  const text = `name: t\n${rest}steps: [${look}]\nwhen_resolved:\n${waiting}`;
  const { catalog, findings } = compileCatalog([{ path: "templates/t.yaml", text }], "main@sha1:0", actions);
  const lines = findings.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
  return { template: catalog?.templates.get("t"), lines };
}

const uncordon = (keep: string) =>
  `  - {name: uncordon, ${keep}action: {action: uncordon_node, parameters: {node: n1}}}\n`;

describe("steps of when_resolved", () => {
  it("wait for a day unless they say how long", () => {
    const { template, lines } = compile(uncordon(""));
    expect(lines.filter((line) => !line.includes("NO_RULE"))).toEqual([]);
    expect(template?.whenResolved).toMatchObject([{ name: "uncordon", keepSeconds: 86_400, dependsOn: [] }]);
    expect(compile(uncordon("keep: 2h, ")).template?.whenResolved).toMatchObject([{ keepSeconds: 7_200 }]);
  });

  it("wait for some time, and for 30 days at most", () => {
    expect(compile(uncordon("keep: 0s, ")).lines).toContain("4:28 WRONG_VALUE must be longer than 0s");
    expect(compile(uncordon("keep: 30d, ")).template?.whenResolved).toMatchObject([
      { keepSeconds: 2_592_000 },
    ]);
    expect(compile(uncordon("keep: 30d1s, ")).lines).toContain("4:28 WRONG_VALUE must be at most 30d");
    expect(compile(uncordon("keep: soon, ")).template).toBeUndefined();
  });

  it("share their names with no other step, and read those that ran", () => {
    const { lines } = compile(
      `  - {name: look, action: {action: get_pod_status}}
  - {name: a, conditions: ["steps['look'].output.redy"], action: {action: get_pod_status}}
  - {name: b, conditions: ["steps['a'].status == 'succeeded'", "steps['c'].status == 'succeeded'"], action: {action: get_pod_status}}
  - {name: c, action: {action: get_pod_status}}
`,
    );
    expect(lines).toEqual([
      '4:12 DUPLICATE_NAME step 1 is called "look" too',
      '5:29 EXPRESSION the output has no "redy"; did you mean "ready"?',
      '6:65 EXPRESSION "c" need not have ended before this step',
    ]);
  });

  it("count in the risk", () => {
    const { lines } = compile("  - {name: a, action: {action: rollback_deployment}}\n", "risk: low\n");
    expect(lines.join("\n")).toMatch(/RISK_TOO_LOW .*rollback_deployment/);
  });
});
