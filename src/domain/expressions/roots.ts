// Which data an expression, or all the {{ }} in plain data, would read: decides what is fixed when and what is fetched.
import { isObject, type Json } from "../json.ts";
import { runningEnvironment } from "./cel-environment.ts";
import { expressionTree } from "./compile-expression.ts";
import { splitText } from "./literals.ts";
import { readTree } from "./syntax-tree.ts";

function rootsIn(source: string): readonly string[] {
  const tree = expressionTree(source, runningEnvironment);
  return tree === null ? [] : readTree(tree).accesses.map(({ root }) => root);
}

function rootsOfStrings(value: Json): readonly string[] {
  if (typeof value === "string") {
    return splitText(value).parts.flatMap((part) => (part.kind === "text" ? [] : rootsIn(part.source)));
  }
  if (Array.isArray(value)) return value.flatMap((item: Json) => rootsOfStrings(item));
  if (!isObject(value)) return [];
  return Object.values(value).flatMap((member) => rootsOfStrings(member ?? null));
}

/** Roots that a condition (CEL) reads. Names that stand for list elements are not among them; what cannot be parsed reads nothing. */
export function rootsOfExpression(source: string): ReadonlySet<string> {
  return new Set(rootsIn(source));
}

/** Roots that the `{{ }}` in a value read, at any depth. */
export function rootsOf(value: Json): ReadonlySet<string> {
  return new Set(rootsOfStrings(value));
}
