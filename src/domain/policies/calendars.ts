// Calendars of `catalog.yaml`: named stretches of time, as instants. A calendar belongs to everybody, so a policy's `timezone`
// changes nothing in it.
import type { Finding } from "../finding.ts";
import { plusSeconds } from "../instant.ts";
import { withDefaults } from "../schema-findings.ts";
import { findingList } from "../templates/finding-list.ts";
import type { YamlDocument } from "../yaml-findings.ts";
import { type CatalogFile, catalogSchema, type Period } from "./catalog.generated.ts";
import { instantOf, zoneFault } from "./zoned-time.ts";

/** Milliseconds; `to` does not belong to it. A list, so that it is plain data in a rule. */
export type Stretch = readonly [from: number, to: number];

export type Calendars = ReadonlyMap<string, readonly Stretch[]>;

/** `document` has passed the schema. */
export function readCalendars(document: YamlDocument): {
  readonly calendars: Calendars;
  readonly findings: readonly Finding[];
} {
  const file = withDefaults<CatalogFile>(document.value, catalogSchema);
  const list = findingList(document);
  const calendars = new Map<string, readonly Stretch[]>();
  for (const [name, periods] of Object.entries(file.calendars)) {
    const stretches = periods.map((period, index) => {
      const { stretch, at, fault } = readPeriod(period);
      if (fault !== null) list.error(["calendars", name, index, ...at], "WRONG_VALUE", fault);
      return stretch;
    });
    calendars.set(name, stretches);
  }
  return { calendars, findings: list.found };
}

interface PeriodReading {
  readonly stretch: Stretch;
  readonly at: readonly string[];
  readonly fault: string | null;
}

function readPeriod({ from, to, zone }: Period): PeriodReading {
  const wrong = (at: readonly string[], fault: string): PeriodReading => ({ stretch: [0, 0], at, fault });
  const unknownZone = zoneFault(zone);
  if (unknownZone !== null) return wrong(["zone"], unknownZone);
  const begin = instantOf(from.includes("T") ? from : `${from}T00:00`, zone);
  if (Number.isNaN(begin)) return wrong(["from"], `"${from}" is no day of the calendar`);
  const end = to.includes("T") ? instantOf(to, zone) : endOfDay(to, zone);
  if (Number.isNaN(end)) return wrong(["to"], `"${to}" is no day of the calendar`);
  if (end <= begin) return wrong(["to"], `it ends before it begins: ${from} to ${to}`);
  return { stretch: [begin, end], at: [], fault: null };
}

/** Midnight after the day: what its zone's clocks do on that day does not matter. */
function endOfDay(day: string, zone: string): number {
  if (Number.isNaN(instantOf(`${day}T00:00`, "UTC"))) return Number.NaN;
  const next = plusSeconds(`${day}T00:00:00Z`, 86_400).slice(0, 10);
  return instantOf(`${next}T00:00`, zone);
}

export function calendarTest(stretches: readonly Stretch[]): (instant: number) => boolean {
  return (instant) => stretches.some(([from, to]) => instant >= from && instant < to);
}
