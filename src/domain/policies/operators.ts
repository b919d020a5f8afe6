// Comparison operators of policy conditions: json-rules-engine's own under their own names, and gitmend's.
// An operator is prepared once for its value; the prepared form never throws. What it cannot compare (text where it needs a list)
// is a Problem and no quiet "no": a guard would not fire.
import { durationSeconds } from "../duration.ts";
import { compilePattern } from "../expressions/cel-environment.ts";
import { compileExpression } from "../expressions/compile-expression.ts";
import { asCondition } from "../expressions/evaluate.ts";
import { globMatcher } from "../glob.ts";
import { milliseconds } from "../instant.ts";
import type { Json } from "../json.ts";
import { Problem, toProblem } from "../problem.ts";
import { calendarTest, type Stretch } from "./calendars.ts";
import type { Condition } from "./policy.generated.ts";
import { type Hours, hoursTest } from "./within-hours.ts";

export type OperatorName = NonNullable<Condition["operator"]>;

/** Compares what was found, which is never null or undefined. A Problem: the comparison could not be made. */
export type Comparison = (found: unknown, now: string) => boolean | Problem;

/** What is wrong with the value, or the comparison. */
export type Preparation = { readonly comparison: Comparison } | { readonly fault: string };

type Scalar = string | number | boolean;

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isScalar(value: unknown): value is Scalar {
  return isText(value) || typeof value === "boolean" || (typeof value === "number" && !Number.isNaN(value));
}

/** Labels are text: `"3"` counts as a number, `3Gi` does not. */
function numberOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isNaN(value) ? null : value;
  return isText(value) && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : null;
}

function timeOf(value: unknown): number | null {
  const instant = isText(value) ? milliseconds(value) : Number.NaN;
  return Number.isNaN(instant) ? null : instant;
}

/** Reads what was found as the operator needs it; null: it is something else. */
const readings = {
  "a single value": (found: unknown) => (isScalar(found) ? found : null),
  "a list": (found: unknown) => (Array.isArray(found) ? (found as readonly unknown[]) : null),
  "a number": numberOf,
  text: (found: unknown) => (isText(found) ? found : null),
  "text or a list of text": (found: unknown) =>
    isText(found) ? [found] : Array.isArray(found) && found.every(isText) ? found : null,
  "a time": timeOf,
} as const;
type Shape = keyof typeof readings;
type Read<S extends Shape> = NonNullable<ReturnType<(typeof readings)[S]>>;

interface Operator {
  /** What is wrong with the value; null: nothing. */
  readonly fault: (value: Json) => string | null;
  /** @throws Problem EXPRESSION_FAILED: the value is wrong in a way that only shows now */
  readonly prepare: (value: never) => Comparison;
  /** The value may be another fact's. */
  readonly takesFact: boolean;
}

function wrongShape(shape: Shape, found: unknown): Problem {
  const text = JSON.stringify(found) ?? "nothing";
  return new Problem("EXPRESSION_FAILED", `needs ${shape}, found ${text.slice(0, 80)}`, {
    details: { missing: false },
  });
}

function over<S extends Shape>(shape: S, compare: (found: Read<S>, now: string) => boolean): Comparison {
  const read = readings[shape] as (found: unknown) => Read<S> | null;
  return (found, now) => {
    const value = read(found);
    return value === null ? wrongShape(shape, found) : compare(value, now);
  };
}

const scalar = (value: Json) => (isScalar(value) ? null : "needs text, a number, true or false");
const scalars = (value: Json) =>
  Array.isArray(value) && value.every(isScalar) ? null : "needs a list of text or numbers";
const number = (value: Json) => (numberOf(value) === null ? "needs a number" : null);
const text = (value: Json) => (isText(value) ? null : "needs text");
const texts = (value: Json) => (Array.isArray(value) && value.every(isText) ? null : "needs a list of text");

function fixed<Value extends Json>(
  fault: Operator["fault"],
  prepare: (value: Value) => Comparison,
): Operator {
  return { fault, prepare: prepare as (value: never) => Comparison, takesFact: false };
}

function operator<S extends Shape, Value extends Json>(
  shape: S,
  fault: Operator["fault"],
  compare: (found: Read<S>, wanted: Value) => boolean,
): Operator {
  const prepare = (wanted: Value) => over(shape, (found) => compare(found, wanted));
  return { ...fixed(fault, prepare), takesFact: true };
}

function numeric(compare: (found: number, wanted: number) => boolean): Operator {
  return operator("a number", number, (found, wanted: Json) => compare(found, numberOf(wanted) ?? 0));
}

const listed = (list: readonly unknown[], one: unknown) => list.includes(one);

function celComparison(source: string): Comparison {
  const { expression, faults } = compileExpression(source, "value");
  if (expression === null)
    throw new Problem("EXPRESSION_FAILED", faults.map(({ message }) => message).join("; "));
  return (found) => {
    try {
      return asCondition(source, expression.evaluate({ value: found }));
    } catch (error) {
      return toProblem(error);
    }
  };
}

function duration(value: Json): string | null {
  try {
    durationSeconds(isText(value) ? value : "");
    return null;
  } catch {
    return "needs a duration like 90s, 15m or 1d";
  }
}

function olderThan(value: string): Comparison {
  const limit = durationSeconds(value) * 1000;
  return over("a time", (found, now) => milliseconds(now) - found > limit);
}

const operators: Readonly<Record<OperatorName, Operator>> = {
  equal: operator("a single value", scalar, (found, wanted: Scalar) => found === wanted),
  notEqual: operator("a single value", scalar, (found, wanted: Scalar) => found !== wanted),
  in: operator("a single value", scalars, (found, wanted: Scalar[]) => listed(wanted, found)),
  notIn: operator("a single value", scalars, (found, wanted: Scalar[]) => !listed(wanted, found)),
  contains: operator("a list", scalar, (found, wanted: Scalar) => listed(found, wanted)),
  doesNotContain: operator("a list", scalar, (found, wanted: Scalar) => !listed(found, wanted)),
  lessThan: numeric((found, wanted) => found < wanted),
  lessThanInclusive: numeric((found, wanted) => found <= wanted),
  greaterThan: numeric((found, wanted) => found > wanted),
  greaterThanInclusive: numeric((found, wanted) => found >= wanted),
  anyIn: operator("a list", scalars, (found, wanted: Scalar[]) => found.some((one) => listed(wanted, one))),
  allIn: operator("a list", scalars, (found, wanted: Scalar[]) => found.every((one) => listed(wanted, one))),
  matches: fixed(text, (pattern: string) => over("text", compilePattern(pattern))),
  glob: fixed(text, (pattern: string) => over("text", globMatcher([pattern]))),
  anyGlob: fixed(texts, (globs: string[]) => {
    const matches = globMatcher(globs);
    return over("text or a list of text", (found) => found.some(matches));
  }),
  noneGlob: fixed(texts, (globs: string[]) => {
    const matches = globMatcher(globs);
    return over("text or a list of text", (found) => !found.some(matches));
  }),
  // Values of these two are read by the compiler (compile-value.ts), which knows zones and calendars.
  withinHours: fixed(
    () => null,
    (hours: Json) => over("a time", hoursTest(hours as unknown as Hours)),
  ),
  inCalendar: fixed(
    () => null,
    (stretches: Json) => over("a time", calendarTest(stretches as unknown as readonly Stretch[])),
  ),
  olderThan: fixed(duration, olderThan),
  cel: fixed(text, celComparison),
};

export function takesFact(name: OperatorName): boolean {
  return operators[name].takesFact;
}

export function prepareOperator(name: OperatorName, value: Json): Preparation {
  const { fault, prepare } = operators[name];
  const wrong = fault(value);
  if (wrong !== null) return { fault: `"${name}" ${wrong}` };
  try {
    return { comparison: prepare(value as never) };
  } catch (error) {
    return { fault: toProblem(error).message };
  }
}
