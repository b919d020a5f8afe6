// Arithmetic on instants written as ISO 8601 UTC text. No clock is read here: the caller passes `now`.
// The lint rule that keeps clocks out of the domain is lifted for the one constructor that parses text.

/** `2026-11-17T10:00:00.000Z` + 90 -> `2026-11-17T10:01:30.000Z`. Such texts compare as strings. */
export function plusSeconds(instant: string, seconds: number): string {
  // oxlint-disable-next-line no-restricted-globals -- parses and prints a given instant
  return new Date(Math.min(milliseconds(instant) + seconds * 1000, 253_402_300_799_999)).toISOString();
}

export function secondsBetween(from: string, to: string): number {
  return (milliseconds(to) - milliseconds(from)) / 1000;
}

/** Since 1970; NaN for what is no instant. */
export function milliseconds(instant: string): number {
  // oxlint-disable-next-line no-restricted-globals -- parses a given instant
  return Date.parse(instant);
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339 -> ISO 8601, UTC, as all instants here; null: it is none. */
export function utcInstant(text: string): string | null {
  return rfc3339.test(text) && !Number.isNaN(milliseconds(text)) ? plusSeconds(text, 0) : null;
}
