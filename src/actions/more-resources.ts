// How much more memory or CPU a container gets, exact and never less than it has. The request keeps its share of the limit, so
// that the pod's quality of service stays what it was.
import { multiplyQuantity, parseQuantity, Quantity, quantityText } from "../domain/expressions/quantity.ts";
import { isObject, type Json, type JsonObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";

export type ResourceName = "memory" | "cpu";

/** As it stands in a container; a missing side is not set and stays so. */
export interface Amounts {
  readonly request: Quantity | null;
  readonly limit: Quantity | null;
}

/** `why`: there is nothing to raise, for people. */
export type Raise = { readonly amounts: Amounts } | { readonly amounts: null; readonly why: string };

/** A bound from outside, such as a LimitRange. */
export interface Ceiling {
  readonly most: Quantity;
  readonly name: string;
}

/**
 * `wanted`: a quantity, or {factor | add, max}. What it says counts for the limit; for the request where there is no limit.
 * @throws Problem PARAMETER_INVALID; PRECONDITION_FAILED: the ceiling is below what is asked for
 */
export function raiseAmounts(wanted: Json, present: Amounts, ceiling: Ceiling | null): Raise {
  const { request, limit } = present;
  const base = limit ?? request;
  if (base === null) return { amounts: null, why: "has neither request nor limit" };
  const { value, cappedBy } = bounded(wanted, asked(wanted, base), ceiling);
  if (value.nanos <= base.nanos) {
    const why = cappedBy === null ? "" : ` and may have ${cappedBy}`;
    return { amounts: null, why: `is ${quantityText(base)} already${why}` };
  }
  if (limit === null) return { amounts: { request: value, limit: null } };
  return {
    amounts: { request: request === null ? null : proportional(request, value, limit), limit: value },
  };
}

function asked(wanted: Json, base: Quantity): Quantity {
  if (!isObject(wanted)) return quantityOf(wanted);
  const { factor, add } = wanted;
  if (typeof factor === "number") return multiplyQuantity(base, factor);
  if (add !== undefined) return new Quantity(base.nanos + quantityOf(add).nanos, base.family);
  throw new Problem("PARAMETER_INVALID", "write a quantity, {factor: …} or {add: …}");
}

function bounded(
  wanted: Json,
  value: Quantity,
  ceiling: Ceiling | null,
): { readonly value: Quantity; readonly cappedBy: string | null } {
  const max = isObject(wanted) && wanted.max !== undefined ? quantityOf(wanted.max) : null;
  const own = max !== null && value.nanos > max.nanos ? max : null;
  const least = own ?? value;
  if (ceiling === null || least.nanos <= ceiling.most.nanos)
    return { value: least, cappedBy: own === null ? null : `at most ${quantityText(own)}` };
  const text = `at most ${quantityText(ceiling.most)} (${ceiling.name})`;
  // An amount that somebody wrote out is given whole or not at all.
  if (!isObject(wanted)) throw new Problem("PRECONDITION_FAILED", `a container may have ${text}`);
  return { value: ceiling.most, cappedBy: text };
}

/** Rounded up to whole bytes or millicores, and never above the limit. */
function proportional(request: Quantity, limit: Quantity, before: Quantity): Quantity {
  if (before.nanos === 0n) return request;
  const unit = request.family === "binary" ? 1_000_000_000n : 1_000_000n;
  const exact = (request.nanos * limit.nanos) / before.nanos;
  const rounded = ((exact + unit - 1n) / unit) * unit;
  const nanos = rounded > limit.nanos ? limit.nanos : rounded;
  return new Quantity(nanos > request.nanos ? nanos : request.nanos, request.family);
}

/** @throws Problem PARAMETER_INVALID */
export function quantityOf(value: Json): Quantity {
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  const quantity = readQuantity(text);
  if (quantity === null || quantity.nanos <= 0n)
    throw new Problem("PARAMETER_INVALID", `"${text}" is no amount: write 512Mi, 2Gi, 250m or 2`);
  return quantity;
}

export function readQuantity(text: string): Quantity | null {
  try {
    return parseQuantity(text);
  } catch {
    return null;
  }
}

/** What a container asks for; a text that is no quantity counts as not set. */
export function amountsOf(resources: unknown, name: ResourceName): Amounts {
  const { requests, limits } = isObject(resources) ? resources : {};
  const side = (of: JsonObject[string]) => {
    const value = isObject(of) ? of[name] : undefined;
    return typeof value === "string" || typeof value === "number" ? readQuantity(String(value)) : null;
  };
  return { request: side(requests), limit: side(limits) };
}
