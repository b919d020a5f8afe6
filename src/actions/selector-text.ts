// A workload's label selector as the text that list calls take.
import { isObject } from "../domain/json.ts";
import { Problem } from "../domain/problem.ts";

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/**
 * `{matchLabels, matchExpressions}` -> `app=api,tier in (web)`. @throws Problem PARAMETER_INVALID for an empty or unknown
 * selector: an empty text would list every pod of the namespace.
 */
export function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = isObject(selector) ? selector : {};
  const labels = isObject(matchLabels)
    ? Object.entries(matchLabels).map(([key, value]) => `${key}=${value as string}`)
    : [];
  const requirements = Array.isArray(matchExpressions) ? (matchExpressions as unknown as Requirement[]) : [];
  const text = [...labels, ...requirements.map(requirementText)].join(",");
  if (text === "")
    throw new Problem("PARAMETER_INVALID", "the workload has no label selector, so its pods can't be told");
  return text;
}

function requirementText({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case "In":
      return `${key} in (${values.join(",")})`;
    case "NotIn":
      return `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    default:
      throw new Problem("PARAMETER_INVALID", `unknown operator ${operator} in a label selector`);
  }
}
