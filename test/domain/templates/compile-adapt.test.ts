// Bounds of a step that must not get into a catalog, and what their authors are told.
import { describe, expect, it } from "vitest";
import { actions } from "../../../src/actions/registry.ts";
import { compileCatalog } from "../../../src/domain/policies/compile-catalog.ts";

const compile = (adapt: string, action = "{action: scale_deployment, parameters: {replicas: {add: 2}}}") => {
  const text = `name: t\nsteps:\n  - name: scale\n    action: ${action}\n    adapt: ${adapt}\n`;
  const { catalog, findings } = compileCatalog([{ path: "templates/t.yaml", text }], "main@sha1:0", actions);
  return {
    step: catalog?.templates.get("t")?.steps[0],
    facts: catalog?.templateFacts.get("t"),
    lines: findings.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`),
  };
};

describe("the bounds of a step", () => {
  it("are kept with the query that says how much is needed, and what that query reads is fetched", () => {
    const query = "avg(load{namespace={{ promql(target.namespace) }}})";
    const { step, facts, lines } = compile(
      `{replicas: {minimum: 2, maximum: 10, promql: '${query}', target: 0.7}}`,
    );
    expect(lines).toEqual([]);
    expect(step?.adapt).toEqual({
      replicas: { minimum: 2, maximum: 10, measure: { promql: query, target: 0.7 } },
    });
    expect(facts).toEqual(new Set(["target"]));
  });

  it.each([
    [
      "{replica: {minimum: 1, maximum: 2}}",
      '5:13 UNKNOWN_PARAMETER scale_deployment has no parameter "replica"; did you mean "replicas"?',
    ],
    [
      "{namespace: {minimum: 1, maximum: 2}}",
      '5:13 WRONG_TYPE "namespace" of scale_deployment is no number: it has no bounds',
    ],
    ["{replicas: {minimum: 3, maximum: 2}}", "5:33 WRONG_VALUE the minimum 3 is above the maximum 2"],
    [
      "{replicas: {minimum: 1, maximum: 2, promql: up}}",
      '5:23 MISSING_KEY a query needs "target": the load that one of them should carry',
    ],
    [
      "{replicas: {minimum: 1, maximum: 2, target: 1}}",
      '5:56 MISSING_KEY a target needs "promql": the load that one carries now',
    ],
    ["{replicas: {minimum: 1}}", '5:23 MISSING_KEY "maximum" is missing'],
    [
      "{replicas: {minimum: 1, maximum: 2, target: 1, promql: 'up{pod=\"{{ alert.resource }}\"}'}}",
      "PROMQL_UNQUOTED",
    ],
    [
      "{replicas: {minimum: 1, maximum: 2, target: 1, promql: 'up{a={{ promql(alert.annotations.a) }}}'}}",
      "TEXT_CHOOSES",
    ],
    [
      "{replicas: {minimum: 1, maximum: 2, target: 1, promql: 'up{a={{ promql(steps.scale.output.replicas) }}}'}}",
      "EXPRESSION",
    ],
  ])("are refused as %s", (adapt, finding) => {
    expect(compile(adapt).lines.join("\n")).toContain(finding);
  });

  it("are refused where the action has nothing to adapt", () => {
    const action = "{action: restart_pod, parameters: {pod: a}}";
    expect(compile("{grace_period_seconds: {minimum: 1, maximum: 2}}", action).lines).toEqual([
      '5:13 NOT_ADAPTABLE "grace_period_seconds" of restart_pod cannot be adapted: none of its parameters can',
    ]);
  });
});
