// The value of a comparison as the compiled rule holds it: zones filled in, calendars looked up, so that nothing else is needed
// to ask it.
import { didYouMean } from "../did-you-mean.ts";
import type { Json } from "../json.ts";
import type { Calendars } from "./calendars.ts";
import type { OperatorName } from "./operators.ts";
import { readHours } from "./within-hours.ts";

export interface ValueSurroundings {
  /** Of the policy. */
  readonly timezone: string;
  /** null: `catalog.yaml` has errors of its own. */
  readonly calendars: Calendars | null;
}

export type CompiledValue =
  | { readonly wanted: Json }
  | { readonly code: "WRONG_VALUE" | "UNKNOWN_CALENDAR"; readonly fault: string };

export function compileValue(
  operator: OperatorName,
  value: Json,
  { timezone, calendars }: ValueSurroundings,
): CompiledValue {
  if (operator === "withinHours") {
    const reading = readHours(value, timezone);
    return "fault" in reading
      ? { code: "WRONG_VALUE", fault: reading.fault }
      : { wanted: reading.hours as unknown as Json };
  }
  if (operator !== "inCalendar") return { wanted: value };
  if (typeof value !== "string")
    return { code: "WRONG_VALUE", fault: '"inCalendar" needs the name of a calendar' };
  if (calendars === null) return { wanted: [] };
  const found = calendars.get(value);
  if (found !== undefined) return { wanted: found as unknown as Json };
  const fault = `catalog.yaml has no calendar "${value}"${didYouMean(value, calendars.keys())}`;
  return { code: "UNKNOWN_CALENDAR", fault };
}
