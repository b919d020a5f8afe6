// Ids are UUIDv7: their first 48 bits are milliseconds since 1970, so a month of time is a range of ids. All in UTC.

/** What is kept in one partition a month; in the order in which appends lock them. */
export const monthlyTables = ["events", "audit_outbox", "assessments", "snapshots"] as const;
export type MonthlyTable = (typeof monthlyTables)[number];

/** The smallest id of this moment. */
export function idFloor(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** When an id was made. */
export function idTime(id: string): Date {
  return new Date(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16));
}

/** The beginning of the month `months` after the one of `time`. */
export function monthAfter(time: Date, months: number): Date {
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + months, 1));
}

/** `_2026_12` */
export function monthSuffix(start: Date): string {
  return `_${start.toISOString().slice(0, 7).replace("-", "_")}`;
}
