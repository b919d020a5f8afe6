// The next value of a parameter within its bounds, as a HorizontalPodAutoscaler computes it: present value times measured load
// over the load that is aimed at, rounded up. Pure. A step that adds never takes away, and the other way round: a broken measure
// or a bound that somebody has scaled past makes nothing worse.
import type { Scope } from "../expressions/scope.ts";
import type { AdaptBounds } from "../templates/template.ts";
import { filledText } from "./plan-call.ts";

/** Within this share of the target nothing is changed: the load is never exactly right. */
const tolerance = 0.1;
/** A load so many times the target is taken for a broken query. */
const absurd = 1_000;

export interface Adaptation {
  readonly to: number;
  /** For people. */
  readonly reason: string;
}

/**
 * @param planned what the step would set without bounds
 * @param present what stands there now
 * @param measured the load; a text says why nobody knows it, null that nobody asked
 */
export function adapt(
  planned: number,
  present: number,
  bounds: AdaptBounds,
  measured: number | string | null,
): Adaptation {
  const wanted = wantedValue(planned, present, bounds, measured);
  const { minimum, maximum } = bounds;
  const held = Math.min(Math.max(wanted.to, minimum), maximum);
  const to = planned < present ? Math.min(held, present) : Math.max(held, present);
  const limit = held > wanted.to ? [`at least ${minimum}`] : held < wanted.to ? [`at most ${maximum}`] : [];
  const turned = planned < present ? "a step that takes away adds none" : "a step that adds takes none away";
  const reasons = [wanted.reason, ...limit, ...(to === held ? [] : [`${turned}: ${present} stay`])];
  return { to, reason: reasons.filter((reason) => reason !== "").join("; ") };
}

function wantedValue(
  planned: number,
  present: number,
  { measure }: AdaptBounds,
  measured: number | string | null,
): Adaptation {
  if (measure === null || measured === null) return { to: planned, reason: "" };
  const fault = typeof measured === "string" ? measured : loadFault(measured, measure.target);
  if (fault !== null) return { to: planned, reason: `the load is not known, so the plan holds: ${fault}` };
  const share = Number(measured) / measure.target;
  const load = `the load is ${rounded(Number(measured))}, ${measure.target} is aimed at`;
  if (Math.abs(share - 1) <= tolerance) return { to: present, reason: `${load}: ${present} are right` };
  // A millionth less: 3 * (0.7 / 0.7 * 2) must not become 7 by the error of a floating-point number.
  const next = Math.ceil(present * share - 1e-6);
  return { to: next, reason: `${load}: ${present} would have to be ${next}` };
}

function loadFault(load: number, target: number): string | null {
  if (!Number.isFinite(load) || load < 0) return `the query gave ${load}`;
  return load > target * absurd ? `the query gave ${load}, ${absurd} times the target` : null;
}

function rounded(load: number): string {
  return String(Number(load.toPrecision(3)));
}

/** With the queries filled in. @throws Problem EXPRESSION_FAILED */
export function planBounds(
  adapted: Readonly<Record<string, AdaptBounds>>,
  scope: Scope,
): Readonly<Record<string, AdaptBounds>> {
  const filled = Object.entries(adapted).map(([name, { measure, ...bounds }]) => {
    const query = measure === null ? null : { ...measure, promql: filledText(measure.promql, scope) };
    return [name, { ...bounds, measure: query }] as const;
  });
  return Object.fromEntries(filled);
}
