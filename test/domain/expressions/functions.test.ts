// The functions that CEL has not, and the Go spelling to its end.
import { describe, expect, it } from "vitest";
import { readText } from "../../../src/domain/expressions/check-expression.ts";
import {
  evaluateCondition,
  evaluateExpression,
  evaluateText,
} from "../../../src/domain/expressions/evaluate.ts";
import type { Scope } from "../../../src/domain/expressions/scope.ts";
import { Problem } from "../../../src/domain/problem.ts";

const containers = [{ name: "app", resources: { limits: { memory: "64Mi" } } }];
const deployment = {
  kind: "Deployment",
  spec: { template: { spec: { containers, initContainers: [{ name: "init" }] } } },
};
const scope: Scope = {
  target: deployment,
  subject: { kind: "Pod", namespace: "shop", name: "api-0", container: "app" },
  subjects: [{ name: "api-0" }, { name: "api-1" }],
  owner: { team: "payments" },
  params: { n: 3 },
};
const value = (source: string, more: Scope = {}) => evaluateExpression(source, { ...scope, ...more });

function problemOf(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("container(target, name)", () => {
  it("finds it in a workload, a pod and a cron job", () => {
    expect(value("container(target, subject.container).resources.limits.memory")).toBe("64Mi");
    expect(value("container(target, 'init').name")).toBe("init");
    expect(value("container(target, 'app').name", { target: { spec: { containers } } })).toBe("app");
    const job = { spec: { jobTemplate: { spec: { template: { spec: { containers } } } } } };
    expect(value("container(target, 'app').name", { target: job })).toBe("app");
  });

  it("is missing, not wrong, where there is none", () => {
    for (const target of [deployment, null, {}, { spec: { containers: "none" } }]) {
      const problem = problemOf(() => value("container(target, 'db')", { target }));
      expect(problem.details["missing"]).toBe(true);
      expect(problem.message).toMatch(/there is no container "db"; the target has (app, init|none)/);
    }
  });

  it("gives sizes to calculate with", () => {
    const doubled = "quantity(container(target, 'app').resources.limits.memory) * 2";
    expect(value(doubled)).toBe("128Mi");
    expect(value(`least(${doubled}, quantity('100Mi')).text()`)).toBe("100Mi");
    expect(value(`${doubled} > quantity('1Gi')`)).toBe(false);
  });
});

describe("promql(x)", () => {
  it.each([
    ["'shop'", '"shop"'],
    ["'a\"} or up{b=\"c'", '"a\\"} or up{b=\\"c"'],
    ["'back\\\\slash'", '"back\\\\slash"'],
    ["'two\\nlines'", '"two\\nlines"'],
    ["'grün'", '"grün"'],
    ["params.n", '"3"'],
    ["2.5", '"2.5"'],
    ["true", '"true"'],
  ])("%s is the one string %s", (source, expected) => {
    expect(value(`promql(${source})`)).toBe(expected);
  });

  it("takes nothing that is no single value", () => {
    expect(problemOf(() => value("promql(params)")).code).toBe("EXPRESSION_FAILED");
    expect(problemOf(() => value("promql(null)")).code).toBe("EXPRESSION_FAILED");
  });
});

describe("numbers as Prometheus and Kubernetes write them", () => {
  it.each([
    ["value < 0.05", 0, true],
    ["value < 0.05", 0.2, false],
    ["value == 1.0", 1, true],
    ["value >= 1", 1.5, true],
    ["value > 2", 1e12, true],
  ])("%s for %d is %s", (source, answer, expected) => {
    expect(evaluateCondition(source, { value: answer })).toBe(expected);
  });

  it("stay whole as long as nothing else is asked for", () => {
    expect(value("params.n * 2")).toBe(6);
    expect(value("params.n / 2")).toBe(1);
    expect(value("params.n / 2.0")).toBe(1.5);
    expect(value("params.n * 1.5")).toBe(4.5);
  });
});

describe("subjects and owner", () => {
  it("are in scope, in both spellings", () => {
    expect(value("subjects.map(one, one.name)")).toEqual(["api-0", "api-1"]);
    expect(evaluateText("{{ .Owner.Team }}: {{ .Subject.Name }}", scope)).toBe("payments: api-0");
    expect(evaluateText("{{.Subjects}}", scope)).toEqual(scope["subjects"]);
    expect(readText("{{ owner.teem }}", "step").faults[0]?.message).toMatch(/did you mean "team"/);
  });
});

describe("what Go templates have and CEL has not", () => {
  it.each([
    ['{{ index .Alert.Labels "app" }}', /Go functions are not supported: write CEL/],
    ['{{ printf "%s-x" .Alert.Name }}', /Go functions/],
    ["{{ eq .Alert.Name `x` }}", /Go functions/],
    ["{{ . }}", /the Go dot alone/],
    ["{{/* a remark */}}", /Go comments/],
    ["{{ else }}", /control structures/],
  ])("%s is told apart", (text, expected) => {
    expect(readText(text, "step").faults[0]?.message).toMatch(expected);
  });

  it("does not take CEL's own words for Go's", () => {
    for (const text of ["{{ !params.n == 3 }}", "{{ [1].map(index, index + 1) }}", "{{ {'or': 1}.or }}"])
      expect(
        readText(text, "step")
          .faults.map(({ message }) => message)
          .join(),
      ).not.toMatch(/Go /);
  });
});
