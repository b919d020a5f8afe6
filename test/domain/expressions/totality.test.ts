// Whatever is written, and whatever it meets: a value that JSON holds, or a Problem that says what is wrong. Nothing else.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileExpression } from "../../../src/domain/expressions/compile-expression.ts";
import { evaluateExpression, evaluateText } from "../../../src/domain/expressions/evaluate.ts";
import type { Scope } from "../../../src/domain/expressions/scope.ts";
import { Problem } from "../../../src/domain/problem.ts";

const words = [
  "alert.name",
  "alert.labels.pod",
  "alert['labels']",
  "subject.name",
  "subjects",
  "subjects[0].name",
  "target",
  "target.spec.replicas",
  "owner.team",
  "params",
  "params.n",
  "params['x']",
  "steps['a'].output",
  "history.attempts('1h')",
  "now",
  "null",
  "true",
  "'text'",
  "'constructor'",
  "'__proto__'",
  "1",
  "0",
  "-1",
  "2.5",
  "9223372036854775807",
  "[]",
  "[1, 'a', null]",
  "{'a': 1}",
  "quantity('64Mi')",
  "duration('1h')",
  "timestamp('2026-11-17T10:00:00Z')",
];
const binary = ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"];
const calls = [
  "size",
  "string",
  "int",
  "double",
  "dyn",
  "type",
  "ceil",
  "floor",
  "promql",
  "quantity",
  "timestamp",
  "duration",
  "has",
];
const pairs = ["least", "greatest", "container", "matches"];
const methods = [
  "size()",
  "matches('(a+)+$')",
  "split(',')",
  "join('-')",
  "text()",
  "getHours()",
  "attempts('1d')",
  "hasOwnProperty('a')",
  "toString()",
  "constructor",
  "all(x, x == 1)",
  "map(x, x)",
  "exists(x, x.name == 'a')",
];

/** Sources that mostly parse, and often have a type. */
const { source } = fc.letrec<{ source: string }>((tie) => {
  const inner = tie("source");
  return {
    source: fc.oneof(
      { maxDepth: 4, depthSize: "medium", withCrossShrink: true },
      fc.constantFrom(...words),
      fc.tuple(inner, fc.constantFrom(...binary), inner).map(([a, sign, b]) => `(${a} ${sign} ${b})`),
      fc.tuple(fc.constantFrom(...calls), inner).map(([name, a]) => `${name}(${a})`),
      fc.tuple(fc.constantFrom(...pairs), inner, inner).map(([name, a, b]) => `${name}(${a}, ${b})`),
      fc.tuple(inner, inner, inner).map(([a, b, c]) => `get(${a}, ${b}, ${c})`),
      fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      fc.tuple(inner, fc.constantFrom(...methods)).map(([a, method]) => `${a}.${method}`),
      fc.tuple(inner, inner).map(([a, key]) => `${a}[${key}]`),
    ),
  };
});

const data = fc.jsonValue({ maxDepth: 3 });
const scopes: fc.Arbitrary<Scope> = fc.record(
  {
    alert: data,
    subject: data,
    subjects: fc.array(data, { maxLength: 3 }),
    target: data,
    owner: data,
    params: fc.dictionary(fc.string(), data),
    steps: fc.dictionary(fc.constantFrom("a", "b"), data),
    history: fc.constant({ attempts: [{ at: "2026-11-17T09:30:00.000Z" }] }),
    now: fc.constant("2026-11-17T10:00:00.000Z"),
  },
  { requiredKeys: [] },
);

/** What came of it. @throws whatever is no answer. */
function answer(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof Problem && error.code === "EXPRESSION_FAILED") return error.message;
    throw error;
  }
}

describe("an expression", () => {
  it("gives plain data or says what is wrong, whatever it reads (property)", () => {
    fc.assert(
      fc.property(source, scopes, (text, scope) => {
        const result = answer(() => evaluateExpression(text, scope));
        expect(JSON.parse(JSON.stringify(result))).toEqual(result);
      }),
      { numRuns: 3_000 },
    );
  });

  it("has the type that was promised when it was checked (property)", () => {
    const typeNames = { string: "string", boolean: "boolean", integer: "number", number: "number" } as const;
    fc.assert(
      fc.property(source, scopes, (text, scope) => {
        const { expression } = compileExpression(text, "postcondition");
        const promised = typeNames[expression?.type as keyof typeof typeNames];
        if (expression === null || promised === undefined) return;
        let result: unknown;
        try {
          result = expression.evaluate(scope);
        } catch {
          return;
        }
        expect(typeof result, text).toBe(promised);
      }),
      { numRuns: 3_000 },
    );
  });

  it("is the same each time, and leaves what it reads as it was (property)", () => {
    fc.assert(
      fc.property(source, scopes, (text, scope) => {
        const before = structuredClone(scope);
        const first = answer(() => evaluateExpression(text, scope));
        expect(answer(() => evaluateExpression(text, scope))).toEqual(first);
        expect(scope).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  it("reaches nothing but own data, by whatever name (property)", () => {
    const names = Object.getOwnPropertyNames(Object.prototype).concat("prototype", "caller", "length");
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(20), (name, cut) => {
        const at = Math.min(cut, name.length);
        const computed = `params['${name.slice(0, at)}' + '${name.slice(at)}']`;
        expect(answer(() => evaluateExpression(computed, { params: {} }))).toMatch(/No such key/);
        expect(evaluateExpression(`get(params, '${name}', 'none')`, { params: {} })).toBe("none");
        expect(evaluateExpression(`'${name}' in params`, { params: {} })).toBe(false);
      }),
    );
  });

  it("names no method that is not CEL's", () => {
    for (const name of ["hasOwnProperty", "toString", "constructor", "valueOf", "__defineGetter__"]) {
      const { faults } = compileExpression(`params.x.${name}('y')`, "step");
      expect(faults[0]?.message, name).toMatch(/found no matching overload for|is not data/);
      expect(faults[0]?.message, name).not.toMatch(/native code/);
    }
  });
});

describe("text with expressions", () => {
  it("is filled in or refused, and holds no expression of what was filled in (property)", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), source), { maxLength: 3 }), scopes, (parts, scope) => {
        const text = parts.map((part, index) => (index % 2 === 0 ? part : `{{ ${part} }}`)).join("");
        const result = answer(() => evaluateText(text, scope));
        expect(JSON.parse(JSON.stringify(result))).toEqual(result);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("what an expression may grow to", () => {
  const problem = (text: string, scope: Scope) => answer(() => evaluateExpression(text, scope));

  it("is bounded, however it is put together", () => {
    const list = Array.from({ length: 1_000 }, () => "x".repeat(2_000));
    expect(problem("params.list", { params: { list } })).toMatch(/larger than 1048576/);
    expect(problem("params.list.map(a, params.list.map(b, a))", { params: { list } })).toMatch(
      /too long for a comprehension/,
    );
    expect(problem("cel.bind(a, 'x' + 'x', a + a)", {})).toMatch(/cel.bind is not supported/);
    const text = "x".repeat(70_000);
    expect(problem("params.text.matches('x')", { params: { text } })).toMatch(/at most 65536 characters/);
  });

  it("holds no regular expression that explodes when it is compiled", () => {
    expect(problem("'x'.matches('((a{100}){100}){100}')", {})).toMatch(/no RE2 regular expression/);
    expect(problem("'x'.matches(params.p)", { params: { p: "a".repeat(600) } })).toMatch(/too long/);
  });
});
