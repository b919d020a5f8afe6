// Runs expressions that were checked before: a value, a condition, and every {{ }} in plain data.
import { isObject, type Json } from "../json.ts";
import { Problem } from "../problem.ts";
import { type CompiledExpression, compileExpression } from "./compile-expression.ts";
import { splitText } from "./literals.ts";
import type { Scope, ScopeName } from "./scope.ts";

function compiled(source: string, scope: ScopeName): CompiledExpression {
  const { expression, faults } = compileExpression(source, scope);
  if (expression !== null) return expression;
  const message = faults.map((fault) => fault.message).join("; ");
  throw new Problem("EXPRESSION_FAILED", `${source}: ${message}`, { details: { missing: false, source } });
}

/** What may be read is what `scope` holds, so the widest list of names applies. */
function widest(scope: Scope): ScopeName {
  if ("value" in scope) return "value";
  if ("status" in scope) return "answer";
  if ("object" in scope) return "object";
  if ("effect" in scope) return "action";
  return "plan" in scope ? "guard" : "postcondition";
}

/** @throws Problem EXPRESSION_FAILED; `details.missing` says that a value which it reads is not there. */
export function evaluateExpression(source: string, scope: Scope): Json {
  return compiled(source, widest(scope)).evaluate(scope);
}

/** @throws Problem EXPRESSION_FAILED, also when the result is neither true nor false. */
export function evaluateCondition(source: string, scope: Scope): boolean {
  return asCondition(source, evaluateExpression(source, scope));
}

/** @throws Problem EXPRESSION_FAILED when the value is neither true nor false. */
export function asCondition(source: string, value: Json): boolean {
  if (typeof value === "boolean") return value;
  throw new Problem("EXPRESSION_FAILED", `${source}: gives ${JSON.stringify(value)}, not true or false`, {
    details: { missing: value === null, source },
  });
}

function joined(source: string, value: Json): string {
  if (value === null) {
    throw new Problem("EXPRESSION_FAILED", `${source.trim()}: there is no value to put into the text`, {
      details: { missing: true, source },
    });
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function evaluateString(text: string, scope: Scope): Json {
  const { parts, unclosedAt } = splitText(text);
  if (unclosedAt !== null) throw new Problem("EXPRESSION_FAILED", `"${text}": \`{{\` is not closed`);
  const [first] = parts;
  if (parts.length === 1 && first?.kind === "expression") return evaluateExpression(first.source, scope);
  const texts = parts.map((part) =>
    part.kind === "text" ? part.text : joined(part.source, evaluateExpression(part.source, scope)),
  );
  return texts.join("");
}

/**
 * Fills in every `{{ }}` at any depth; keys are left alone. A string that is exactly one `{{ }}` becomes the value itself.
 * What comes out is never read again for `{{ }}`. @throws Problem EXPRESSION_FAILED
 */
export function evaluateText(value: Json, scope: Scope): Json {
  if (typeof value === "string") return value.includes("{{") ? evaluateString(value, scope) : value;
  if (Array.isArray(value)) return value.map((item: Json) => evaluateText(item, scope));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([key, member]) => [key, evaluateText(member ?? null, scope)]));
}
