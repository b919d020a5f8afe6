// The value of `withinHours`: a window of each day, over midnight too, by the wall clock of a zone. Where clocks are put
// forward the window is shorter, where they are put back longer: the clock on the wall counts.
import { didYouMean } from "../did-you-mean.ts";
import { isObject, type Json } from "../json.ts";
import { type Weekday, wallClock, weekdays, zoneFault } from "./zoned-time.ts";

export interface Hours {
  /** `08:00`. */
  readonly from: string;
  /** `18:00`; `24:00` is midnight at the end of the day. Earlier than `from`: on the next day. */
  readonly to: string;
  /** On which the window begins. */
  readonly days: readonly Weekday[];
  readonly zone: string;
}

const keys = ["from", "to", "days", "zone"];
const clock = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** The value as a policy has it, with its defaults, or what is wrong with it. */
export function readHours(
  value: Json,
  defaultZone: string,
): { readonly hours: Hours } | { readonly fault: string } {
  if (!isObject(value)) return { fault: '"withinHours" needs {from: "08:00", to: "18:00", days, zone}' };
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    return { fault: `"withinHours" has no "${unknown}"${didYouMean(unknown, keys)}` };
  const { from, to, days = [...weekdays], zone = defaultZone } = value;
  if (typeof from !== "string" || !clock.test(from)) return { fault: '"from" must be a time like "08:00"' };
  if (typeof to !== "string" || !(clock.test(to) || to === "24:00"))
    return { fault: '"to" must be a time like "18:00", at most "24:00"' };
  if (from === to) return { fault: '"from" and "to" are the same: from "00:00" to "24:00" is the whole day' };
  const dayFault = faultOfDays(days);
  if (dayFault !== null) return { fault: dayFault };
  if (typeof zone !== "string") return { fault: '"zone" must be the name of a time zone' };
  const fault = zoneFault(zone);
  return fault === null ? { hours: { from, to, days: days as readonly Weekday[], zone } } : { fault };
}

function faultOfDays(days: Json): string | null {
  if (!Array.isArray(days) || days.length === 0) return '"days" must be a list like [mon, tue]';
  const wrong = days.find((day: Json) => !weekdays.some((known) => known === day)) as Json | undefined;
  if (wrong === undefined) return null;
  const text = JSON.stringify(wrong);
  return `${text} is none of ${weekdays.join(", ")}${didYouMean(text.replaceAll('"', ""), weekdays)}`;
}

/** Asks whether an instant (milliseconds) lies within. */
export function hoursTest({ from, to, days, zone }: Hours): (instant: number) => boolean {
  const wall = wallClock(zone);
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  const begins = (weekday: Weekday) => days.includes(weekday);
  return (instant) => {
    const { weekday, minutes } = wall(instant);
    if (begin < end) return begins(weekday) && minutes >= begin && minutes < end;
    return (begins(weekday) && minutes >= begin) || (begins(dayBefore(weekday)) && minutes < end);
  };
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

function dayBefore(weekday: Weekday): Weekday {
  return weekdays[(weekdays.indexOf(weekday) + 6) % 7] ?? weekday;
}
