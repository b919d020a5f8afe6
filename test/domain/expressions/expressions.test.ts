// The expression language: what it can say, what it refuses, and that text from outside stays text.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkExpression, readText } from "../../../src/domain/expressions/check-expression.ts";
import {
  evaluateCondition,
  evaluateExpression,
  evaluateText,
} from "../../../src/domain/expressions/evaluate.ts";
import { splitText } from "../../../src/domain/expressions/literals.ts";
import { rootsOf, rootsOfExpression } from "../../../src/domain/expressions/roots.ts";
import { alertScope, factScope, type Scope } from "../../../src/domain/expressions/scope.ts";
import { Problem } from "../../../src/domain/problem.ts";
import { givenAlert, givenFacts } from "../../fixtures/facts.ts";

const scope: Scope = {
  alert: alertScope(givenAlert(), { kind: "Pod", namespace: "shop", name: "api-0", container: null }),
  subject: { kind: "Pod", namespace: "shop", name: "api-0", container: null },
  target: null,
  namespace: { name: "shop", labels: { team: "sre" } },
  cluster: { name: "prod-eu", labels: { env: "prod" } },
  params: { n: 3, factor: 1.5, "with-hyphen": 7, list: [1, 2, 3] },
  steps: { "assess-pod-state": { output: { restarts: 5, ratio: 0.5 }, status: "succeeded" } },
  history: { attempts: [{ at: "2026-11-17T09:00:00.000Z" }, { at: "2026-11-15T09:00:00.000Z" }] },
  now: "2026-11-17T10:00:00.000Z",
};

const value = (source: string) => evaluateExpression(source, scope);
const messages = (source: string) => checkExpression(source, "step", "unknown").map(({ message }) => message);

function problemOf(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the Go-template spelling of the specification", () => {
  it.each([
    ["{{.Alert.Namespace}}", "shop"],
    ["{{.Alert.Resource}}", "api-0"],
    ["{{ .Alert.Labels.pod }}", "api-0"],
    ["{{.Params.n}}", 3],
    ["{{.Params.with-hyphen}}", 7],
    ["{{.Steps.assess-pod-state.output.restarts}}", 5],
    ["{{.Steps.assess-pod-state.Output.restarts}}", 5],
    ["{{.Cluster.Labels.env}}", "prod"],
    ["{{ .Alert.Name + '/' + .Alert.Resource }}", "KubePodCrashLooping/api-0"],
  ])("%s is understood", (text, expected) => {
    expect(evaluateText(text, scope)).toEqual(expected);
  });

  it.each([
    ["{{ .Alert.Name | upper }}", /pipelines/],
    ["{{ if .Alert.Name }}x{{ end }}", /control structures/],
    ["{{ range .Alert.Labels }}x", /control structures/],
    ["{{- .Alert.Name -}}", /trim markers/],
    ["{{ $x := 1 }}", /variables/],
    ["{{ .Alrt.Name }}", /unknown name ".Alrt"; did you mean "Alert"/],
  ])("%s is a finding", (text, expected) => {
    expect(readText(text, "step").faults[0]?.message).toMatch(expected);
  });
});

describe("text with expressions", () => {
  it("keeps the type when it is exactly one expression, and is text otherwise", () => {
    expect(evaluateText({ a: "{{ params.n }}", b: ["{{ params }}"], c: "n={{ params.n }}" }, scope)).toEqual({
      a: 3,
      b: [{ n: 3, factor: 1.5, "with-hyphen": 7, list: [1, 2, 3] }],
      c: "n=3",
    });
  });

  it("takes }} in strings and maps for what it is", () => {
    expect(evaluateText("{{ '}}' }} and {{ {'a': {'b': 1}}['a']['b'] }}", scope)).toBe("}} and 1");
    expect(readText("x {{ params.n", "step").faults).toEqual([{ message: "`{{` is not closed", offset: 2 }]);
  });

  it("points at the mistake inside the text", () => {
    expect(readText("pod {{ alert.nmae }}", "step").faults).toEqual([
      { message: 'alert has no "nmae"; did you mean "name"?', offset: 13 },
    ]);
  });

  it("never reads what came out for expressions again", () => {
    const evil = {
      ...scope,
      alert: alertScope(givenAlert({ annotations: { summary: "{{ params.n }}" } }), null),
    };
    expect(evaluateText("{{ alert.annotations.summary }}!", evil)).toBe("{{ params.n }}!");
  });

  it("does not write null into a text", () => {
    const problem = problemOf(() =>
      evaluateText("ns-{{ alert.resource }}", { ...scope, alert: alertScope(givenAlert(), null) }),
    );
    expect(problem.code).toBe("EXPRESSION_FAILED");
    expect(problem.details["missing"]).toBe(true);
  });

  it("is split so that nothing gets lost (property)", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("{", "}", "'", '"', "\\", "a", " ", "/", "\n") }),
        (text) => {
          const { parts, unclosedAt } = splitText(text);
          const back = parts
            .map((part) => (part.kind === "text" ? part.text : `{{${part.source}}}`))
            .join("");
          expect(unclosedAt === null ? back === text : text.startsWith(back)).toBe(true);
        },
      ),
    );
  });
});

describe("numbers", () => {
  it.each([
    ["params.n + 1", 4],
    ["params.n / 2", 1],
    ["params.n * params.factor", 4.5],
    ["ceil(params.n * 1.5)", 5],
    ["floor(4.9)", 4],
    ["least(params.n, 2)", 2],
    ["greatest(1, 2.5)", 2.5],
    ["clamp(params.n * 10, 1, 20)", 20],
    ["size(params.list)", 3],
    ["params.list.map(x, x * 2)", [2, 4, 6]],
    ["get(params, 'nope', 9)", 9],
    ["get(params, 'n', 9)", 3],
  ])("%s is %j", (source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  it("that cannot be held exactly are refused", () => {
    expect(problemOf(() => value("9007199254740993 + 0")).message).toMatch(/too large/);
    expect(problemOf(() => value("1 / 0")).message).toMatch(/division by zero/);
  });
});

describe("time", () => {
  it("counts attempts within a window before now", () => {
    expect(value("history.attempts('24h')")).toBe(1);
    expect(value("history.attempts('7d')")).toBe(2);
    expect(problemOf(() => value("history.attempts('soon')")).message).toMatch(/not a duration/);
  });

  it("compares timestamps", () => {
    expect(value("timestamp(alert.startsAt) > now - duration('1h')")).toBe(true);
    expect(value("now")).toBe("2026-11-17T10:00:00.000Z");
  });
});

describe("namespace, a word that CEL keeps for itself", () => {
  it("is the namespace all the same", () => {
    expect(value("namespace.labels.team == 'sre' && alert.namespace == namespace.name")).toBe(true);
    expect(value("'namespace'")).toBe("namespace");
    expect(messages("namespace.nope")).toEqual(['namespace has no "nope"; did you mean "name"?']);
  });
});

describe("a value that is not there", () => {
  it.each([
    "alert.labels.nope == 'x'",
    "target.kind == 'Deployment'",
    "steps['b'].output.x > 1",
    "params.list[9] == 1",
  ])("makes %s fail as missing", (source) => {
    expect(problemOf(() => evaluateCondition(source, scope)).details["missing"]).toBe(true);
  });

  it("does not matter where another part decides", () => {
    expect(evaluateCondition("target == null || target.kind == 'Deployment'", scope)).toBe(true);
    expect(evaluateCondition("target.kind == 'Deployment' && false", scope)).toBe(false);
    expect(evaluateCondition("has(alert.labels.nope)", scope)).toBe(false);
  });

  it("is told from a mistake", () => {
    expect(problemOf(() => evaluateCondition("params.n > 'x'", scope)).details["missing"]).toBe(false);
    expect(problemOf(() => evaluateCondition("params.n", scope)).message).toMatch(/not true or false/);
  });
});

describe("what an expression may read", () => {
  it.each([
    "alert.labels.constructor",
    "alert['__proto__']",
    "params.prototype",
    "steps['a'].output.constructor.name",
  ])("%s is refused", (source) => {
    expect(messages(source)[0]).toMatch(/is not data and cannot be read/);
    expect(problemOf(() => value(source)).code).toBe("EXPRESSION_FAILED");
  });

  it("never goes beyond own properties, not even by a computed name", () => {
    const problem = problemOf(() => value("params['const' + 'ructor']"));
    expect(problem.details["missing"]).toBe(true);
  });

  it("depends on where the expression stands", () => {
    expect(checkExpression("plan.risk == 'low'", "selection", "boolean")[0]?.message).toMatch(
      /"plan" is not known here/,
    );
    expect(checkExpression("plan.risk == 'low'", "guard", "boolean")).toEqual([]);
    expect(checkExpression("steps['a'].output.x", "plan", "unknown")[0]?.message).toMatch(
      /"steps" is not known here/,
    );
    expect(checkExpression("allert.name", "plan", "unknown")[0]?.message).toMatch(/did you mean "alert"/);
  });

  it("is known beforehand", () => {
    expect([...rootsOfExpression("alert.labels.pod == 'x' && [1].all(target, target > 0)")]).toEqual([
      "alert",
    ]);
    expect([...rootsOf({ a: ["{{ steps['a'].output.x }} {{.Params.n}}"], b: "plain" })]).toEqual([
      "steps",
      "params",
    ]);
    expect([...rootsOf("{{ not valid")]).toEqual([]);
  });

  it("leaves out facts that are not available", () => {
    const facts = givenFacts({ target: { available: false, why: "timeout" } });
    expect("target" in factScope(facts) && factScope(facts).target !== undefined).toBe(false);
  });
});

describe("types", () => {
  it("are checked before anything runs", () => {
    expect(checkExpression("1 + 1", "step", "boolean")).toEqual([
      { message: "gives integer, but boolean is needed here", offset: 0 },
    ]);
    expect(messages("alert.name > 3")[0]).toMatch(/no such overload/);
    expect(checkExpression("params.n", "step", "boolean")).toEqual([]);
    expect(readText("{{ 1 + 1 }}", "step").type).toBe("integer");
    expect(readText("{{ 1 + 1 }}m", "step").type).toBe("string");
  });
});

describe("an expression that would cost too much", () => {
  it("is refused when it is long, large or deeply nested", () => {
    expect(messages(`'${"a".repeat(2_100)}'`)[0]).toMatch(/at most 2048 characters/);
    expect(messages(Array(300).fill("1").join("+"))[0]).toMatch(/maxAstNodes|maxDepth|[Ee]xceed/);
    expect(messages(`${"(".repeat(60)}1${")".repeat(60)}`)[0]).toMatch(/[Dd]epth|[Ee]xceed/);
    expect(messages("[1].all(a, [1].all(b, [1].all(c, true)))")[0]).toMatch(/more than 2 comprehensions/);
  });

  it("cannot hang on a regular expression", () => {
    // A backtracking engine needs longer than the age of the universe: the suite's time limit is the assertion.
    expect(value(`'${"a".repeat(1_500)}!'.matches('^(a+)+$')`)).toBe(false);
    expect(messages("'x'.matches('(?=x)')")[0]).toMatch(/no RE2 regular expression/);
  });

  it("cannot run over endless lists or make endless text", () => {
    const list = Array.from({ length: 1_001 }, (_, index) => index);
    expect(
      problemOf(() => evaluateExpression("params.list.all(x, x >= 0)", { params: { list } })).message,
    ).toMatch(/too long/);
    const long = { params: { list: Array(1_000).fill("a".repeat(100)) } };
    expect(problemOf(() => evaluateExpression("params.list.join('')", long)).message).toMatch(/join\(\)/);
    expect(
      problemOf(() => evaluateExpression("params.t.split('')", { params: { t: "a".repeat(2_000) } })).message,
    ).toMatch(/split/);
  });

  it("is answered, never thrown, whatever is written (property)", () => {
    const token = fc.constantFrom(
      "alert",
      ".",
      "name",
      "(",
      ")",
      "[",
      "]",
      "'",
      '"',
      "{",
      "}",
      "1",
      "+",
      "&&",
      "x",
      ",",
      "|",
      "$",
      ".Alert",
      "all",
      " ",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        expect(Array.isArray(checkExpression(tokens.join(""), "step", "unknown"))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
