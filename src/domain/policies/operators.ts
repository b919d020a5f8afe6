// Comparison operators of policy conditions: json-rules-engine's own under their own names, and gitmend's.
// An operator is prepared once for its value when the catalog is compiled; the prepared form never throws.

import { compilePattern } from "../expressions/cel-environment.ts";
import { compileExpression } from "../expressions/compile-expression.ts";
import { asCondition } from "../expressions/evaluate.ts";
import { globMatcher } from "../glob.ts";
import type { Json } from "../json.ts";
import { type Problem, toProblem } from "../problem.ts";
import type { Condition } from "./policy.generated.ts";

export type OperatorName = NonNullable<Condition["operator"]>;

/** Compares what was found, which is never null or undefined. A Problem: the comparison could not be made. */
export type Comparison = (found: unknown, wanted: unknown) => boolean | Problem;

/** What is wrong with the value, or the comparison. */
export type Preparation = { readonly comparison: Comparison } | { readonly fault: string };

function isNumber(value: unknown): value is number {
  return typeof value === "number" && !Number.isNaN(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(isText) : isText(value) ? [value] : [];
}

function listed(wanted: unknown, found: unknown): boolean {
  return Array.isArray(wanted) && wanted.includes(found);
}

function numeric(compare: (found: number, wanted: number) => boolean): Comparison {
  return (found, wanted) => isNumber(found) && isNumber(wanted) && compare(found, wanted);
}

const plain: Readonly<Partial<Record<OperatorName, Comparison>>> = {
  equal: (found, wanted) => found === wanted,
  notEqual: (found, wanted) => found !== wanted,
  in: (found, wanted) => listed(wanted, found),
  notIn: (found, wanted) => !listed(wanted, found),
  contains: (found, wanted) => listed(found, wanted),
  doesNotContain: (found, wanted) => Array.isArray(found) && !found.includes(wanted),
  lessThan: numeric((found, wanted) => found < wanted),
  lessThanInclusive: numeric((found, wanted) => found <= wanted),
  greaterThan: numeric((found, wanted) => found > wanted),
  greaterThanInclusive: numeric((found, wanted) => found >= wanted),
  anyIn: (found, wanted) => Array.isArray(found) && found.some((item) => listed(wanted, item)),
  allIn: (found, wanted) => Array.isArray(found) && found.every((item) => listed(wanted, item)),
};

const listOperators: ReadonlySet<OperatorName> = new Set([
  "in",
  "notIn",
  "anyIn",
  "allIn",
  "anyGlob",
  "noneGlob",
]);
const numberOperators: ReadonlySet<OperatorName> = new Set([
  "lessThan",
  "lessThanInclusive",
  "greaterThan",
  "greaterThanInclusive",
]);

function isScalar(value: Json): boolean {
  return typeof value !== "object" || value === null;
}

function valueFault(operator: OperatorName, value: Json): string | null {
  if (!(Array.isArray(value) ? value.every(isScalar) : isScalar(value))) {
    return "a value is text, a number, true, false or a list of those";
  }
  if (listOperators.has(operator) && !Array.isArray(value)) return `"${operator}" needs a list`;
  if (numberOperators.has(operator) && !isNumber(value)) return `"${operator}" needs a number`;
  if (["matches", "glob", "cel"].includes(operator) && !isText(value)) return `"${operator}" needs a string`;
  if (["anyGlob", "noneGlob"].includes(operator) && texts(value).length !== (value as Json[]).length) {
    return `"${operator}" needs a list of strings`;
  }
  return null;
}

function prepareCel(source: string): Preparation {
  const { expression, faults } = compileExpression(source, "value");
  if (expression === null) return { fault: faults.map(({ message }) => message).join("; ") };
  return {
    comparison(found) {
      try {
        return asCondition(source, expression.evaluate({ value: found }));
      } catch (error) {
        return toProblem(error);
      }
    },
  };
}

function prepareMatches(pattern: string): Preparation {
  try {
    const test = compilePattern(pattern);
    return { comparison: (found) => isText(found) && test(found) };
  } catch (error) {
    return { fault: toProblem(error).message };
  }
}

export function prepareOperator(operator: OperatorName, value: Json): Preparation {
  const fault = valueFault(operator, value);
  if (fault !== null) return { fault };
  if (operator === "cel" && isText(value)) return prepareCel(value);
  if (operator === "matches" && isText(value)) return prepareMatches(value);
  const simple = plain[operator];
  if (simple !== undefined) return { comparison: simple };
  const globs = globMatcher(texts(value));
  const some: Comparison = (found) => texts(found).some(globs);
  return { comparison: operator === "noneGlob" ? (found) => !texts(found).some(globs) : some };
}
