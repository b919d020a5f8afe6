// What can be said about fallbacks only when all templates are read: that they exist, lead nowhere in a circle, and get their
// parameters. A template answers for its fallback too: for the facts that it reads and the parameters that steer it.
import { didYouMean } from "../did-you-mean.ts";
import { fits } from "../expressions/check-expression.ts";
import type { ResultType } from "../expressions/compile-expression.ts";
import type { Finding } from "../finding.ts";
import type { JsonObject } from "../json.ts";
import { schemaTypes } from "./action-index.ts";
import type { CompiledTemplate, TemplateCompilation } from "./compile-template.ts";

export interface CheckedFallbacks {
  /** The same templates, each with what its fallback adds. null: the template has errors of its own. */
  readonly byName: ReadonlyMap<string, CompiledTemplate | null>;
  readonly findings: readonly Finding[];
}

type Fallback = NonNullable<TemplateCompilation["fallback"]>;

function finding({ position }: Fallback, code: string, message: string): Finding {
  return { ...position, severity: "error", code, message };
}

/** The way from a template over its fallbacks back to itself; null: it ends somewhere, or in a circle of others. */
function circleOf(start: string, next: ReadonlyMap<string, string>): readonly string[] | null {
  const way = [start];
  for (let name = next.get(start); name !== undefined; name = next.get(name)) {
    if (name === start) return [...way, name];
    if (way.includes(name)) return null;
    way.push(name);
  }
  return null;
}

/** Every parameter of a template says its one type. */
function typeOf(schema: JsonObject): ResultType {
  return schemaTypes(schema)[0] ?? "unknown";
}

/** It gets the parameters of the same names, then its own defaults. */
function parameterFaults(
  { template }: CompiledTemplate,
  fallback: Fallback,
  { template: other }: CompiledTemplate,
): readonly Finding[] {
  return Object.entries(other.parameters).flatMap(([name, wanted]) => {
    const given = template.parameters[name];
    if (given === undefined && wanted["default"] === undefined) {
      const message = `fallback "${fallback.name}" needs parameter "${name}": declare it here too, or give it a default there`;
      return [finding(fallback, "MISSING_PARAMETER", message)];
    }
    if (given === undefined || fits(typeOf(given), typeOf(wanted))) return [];
    const message = `parameter "${name}" is ${typeOf(given)} here and ${typeOf(wanted)} in fallback "${fallback.name}"`;
    return [finding(fallback, "WRONG_TYPE", message)];
  });
}

function withFallback(one: CompiledTemplate, fallback: CompiledTemplate): CompiledTemplate {
  const shared = [...fallback.steering].filter((name) => Object.hasOwn(one.template.parameters, name));
  return {
    ...one,
    steering: new Set([...one.steering, ...shared]),
    facts: new Set([...one.facts, ...fallback.facts]),
  };
}

/** @param byName every template, those with errors as null */
export function checkFallbacks(
  compilations: readonly TemplateCompilation[],
  byName: ReadonlyMap<string, CompiledTemplate | null>,
): CheckedFallbacks {
  const next = new Map<string, string>();
  for (const { name, fallback } of compilations) if (fallback !== null) next.set(name, fallback.name);
  const complete = new Map(byName);
  const findings: Finding[] = [];
  for (const { name, fallback, compiled } of compilations) {
    if (fallback === null) continue;
    const other = byName.get(fallback.name);
    const circle = circleOf(name, next);
    if (circle !== null) {
      const message = `fallbacks lead back to the template that failed: ${circle.join(" -> ")}`;
      findings.push(finding(fallback, "FALLBACK_LOOP", message));
    } else if (other === undefined) {
      const message = `there is no template "${fallback.name}"${didYouMean(fallback.name, byName.keys())}`;
      findings.push(finding(fallback, "UNKNOWN_TEMPLATE", message));
    } else if (other !== null && compiled !== null) {
      findings.push(...parameterFaults(compiled, fallback, other));
      complete.set(name, withFallback(compiled, other));
    }
  }
  return { byName: complete, findings };
}
