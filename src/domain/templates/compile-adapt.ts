// The bounds within which a step's parameters may be adapted: only what the action says can be, and never an empty range.
import { didYouMean } from "../did-you-mean.ts";
import type { DataPath } from "../yaml-findings.ts";
import { type IndexedAction, schemaTypes } from "./action-index.ts";
import type { StepSurroundings } from "./check-call.ts";
import { checkQuery } from "./check-query.ts";
import type { FindingList } from "./finding-list.ts";
import type { Step, AdaptBounds as WrittenBounds } from "./template.generated.ts";
import type { AdaptBounds } from "./template.ts";

/** Under canonical names. `action` is null when there is none of that name: that is a finding of its own. */
export function compileAdapt(
  { adapt = {} }: Step,
  action: IndexedAction | null,
  path: DataPath,
  surroundings: StepSurroundings,
): Readonly<Record<string, AdaptBounds>> {
  const { list } = surroundings;
  const bounds = Object.entries(adapt).map(([spelling, written]) => {
    const here = [...path, spelling];
    const fault = action === null ? null : parameterFault(spelling, action);
    if (fault !== null) list.error(here, fault.code, fault.message, { key: true });
    return [action?.spellings.get(spelling) ?? spelling, compileBounds(written, here, surroundings)] as const;
  });
  return Object.fromEntries(bounds);
}

const numbers: ReadonlySet<string> = new Set(["integer", "number"]);

function parameterFault(
  spelling: string,
  { description, spellings, properties }: IndexedAction,
): { readonly code: string; readonly message: string } | null {
  const name = spellings.get(spelling);
  if (name === undefined) {
    const hint = didYouMean(spelling, spellings.keys());
    return {
      code: "UNKNOWN_PARAMETER",
      message: `${description.name} has no parameter "${spelling}"${hint}`,
    };
  }
  const adaptable = Object.keys(description.adaptable ?? {});
  if (adaptable.includes(name)) return null;
  const types = schemaTypes(properties[name] ?? {});
  if (types.length > 0 && !types.some((type) => numbers.has(type)))
    return {
      code: "WRONG_TYPE",
      message: `"${spelling}" of ${description.name} is no number: it has no bounds`,
    };
  const known =
    adaptable.length === 0 ? "none of its parameters can" : `it can adapt ${adaptable.join(", ")}`;
  const message = `"${spelling}" of ${description.name} cannot be adapted: ${known}`;
  return { code: "NOT_ADAPTABLE", message };
}

function compileBounds(
  { minimum, maximum, promql, target }: WrittenBounds,
  path: DataPath,
  surroundings: StepSurroundings,
): AdaptBounds {
  const { list } = surroundings;
  if (minimum > maximum)
    list.error([...path, "minimum"], "WRONG_VALUE", `the minimum ${minimum} is above the maximum ${maximum}`);
  if (promql !== undefined) checkQuery(promql, [...path, "promql"], surroundings);
  if (promql !== undefined && target !== undefined) return { minimum, maximum, measure: { promql, target } };
  missingHalf(promql, target, path, list);
  return { minimum, maximum, measure: null };
}

function missingHalf(
  promql: string | undefined,
  target: number | undefined,
  path: DataPath,
  list: FindingList,
): void {
  if (promql !== undefined)
    list.error(path, "MISSING_KEY", 'a query needs "target": the load that one of them should carry');
  if (target !== undefined)
    list.error([...path, "target"], "MISSING_KEY", 'a target needs "promql": the load that one carries now');
}
