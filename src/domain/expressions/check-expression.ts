// What is wrong with an expression, or with every {{ }} of a text, before anything runs.
import {
  type Compilation,
  type CompiledExpression,
  compileExpression,
  type ResultType,
} from "./compile-expression.ts";
import type { ExpressionFault } from "./go-spelling.ts";
import { splitText } from "./literals.ts";
import type { ScopeName } from "./scope.ts";

export type { ExpressionFault } from "./go-spelling.ts";

/** Whether an expression of type `found` can fill a place of type `wanted`. What is only known at run time passes. */
export function fits(found: ResultType, wanted: ResultType): boolean {
  if (found === "unknown" || wanted === "unknown" || found === wanted) return true;
  return found === "integer" && wanted === "number";
}

function typeFaults(compilation: Compilation, expected: ResultType): readonly ExpressionFault[] {
  if (compilation.expression === null) return compilation.faults;
  const { type } = compilation.expression;
  return fits(type, expected)
    ? []
    : [{ message: `gives ${type}, but ${expected} is needed here`, offset: 0 }];
}

/** `expected` is the JSON type that the place needs; `unknown` takes any. Empty: nothing is wrong. */
export function checkExpression(
  source: string,
  scope: ScopeName,
  expected: ResultType,
): readonly ExpressionFault[] {
  return typeFaults(compileExpression(source, scope), expected);
}

export interface TextReading {
  /** `string` when text is joined; the expression's own type when the text is exactly one `{{ }}`. */
  readonly type: ResultType;
  readonly expressions: readonly { readonly expression: CompiledExpression; readonly offset: number }[];
  readonly faults: readonly ExpressionFault[];
}

/** All `{{ }}` of one string. Offsets count from the beginning of the string. */
export function readText(text: string, scope: ScopeName): TextReading {
  const { parts, unclosedAt } = splitText(text);
  const faults: ExpressionFault[] =
    unclosedAt === null ? [] : [{ message: "`{{` is not closed", offset: unclosedAt }];
  const expressions: { readonly expression: CompiledExpression; readonly offset: number }[] = [];
  for (const part of parts) {
    if (part.kind === "text") continue;
    const { expression, faults: found } = compileExpression(part.source, scope);
    if (expression !== null) expressions.push({ expression, offset: part.offset });
    faults.push(...found.map(({ message, offset }) => ({ message, offset: offset + part.offset })));
  }
  const [only] = expressions;
  const type = parts.length === 1 && only !== undefined ? only.expression.type : "string";
  return { type, expressions, faults };
}
