// Wall clocks of time zones: what they show at an instant, and when they show a given time. Reads no clock.
import { didYouMean } from "../did-you-mean.ts";
import { milliseconds } from "../instant.ts";

/** Sunday first, as in a week's number. */
export const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
export type Weekday = (typeof weekdays)[number];

export interface WallTime {
  readonly weekday: Weekday;
  /** Since midnight. */
  readonly minutes: number;
}

/** What is wrong with the name of a zone; null: it is one. */
export function zoneFault(zone: string): string | null {
  try {
    formatter(zone);
    return null;
  } catch {
    const hint = didYouMean(zone, ["UTC", ...Intl.supportedValuesOf("timeZone")]);
    return `there is no time zone "${zone}"${hint || ": write Europe/Berlin or UTC"}`;
  }
}

/** @throws RangeError when there is no such zone */
export function wallClock(zone: string): (instant: number) => WallTime {
  const format = formatter(zone);
  return (instant) => {
    const { weekday, hour, minute } = parts(format, instant);
    return {
      weekday: (weekday ?? "").toLowerCase().slice(0, 3) as Weekday,
      minutes: Number(hour) * 60 + Number(minute),
    };
  };
}

/**
 * When the zone's clocks show `2026-12-20T18:00`. Where they skip it, an hour later; where they show it twice, one of the two.
 * NaN: there is no such day.
 */
export function instantOf(wall: string, zone: string): number {
  const asUtc = milliseconds(`${wall}:00Z`);
  const day = Number(wall.slice(8, 10));
  // Clocks agree that there is no 30 February; the parser takes it for the second of March.
  if (Number.isNaN(asUtc) || Number(parts(formatter("UTC"), asUtc).day) !== day) return Number.NaN;
  const format = formatter(zone);
  const guess = asUtc - offset(format, asUtc);
  return asUtc - offset(format, guess);
}

function offset(format: Intl.DateTimeFormat, instant: number): number {
  const { year, month, day, hour, minute, second } = parts(format, instant);
  return milliseconds(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - instant;
}

function formatter(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

type Parts = Partial<Record<Intl.DateTimeFormatPartTypes, string>>;

function parts(format: Intl.DateTimeFormat, instant: number): Parts {
  return Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
}
