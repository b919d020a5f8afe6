// Text for terminals of any width: clean, wrapped, in columns. Widths are counted in characters as people see them.
import { durationText } from "../domain/duration.ts";
import { secondsBetween } from "../domain/instant.ts";

/** What others wrote (annotations, messages, names) must not move the cursor, colour or reorder the terminal's text. */
export function clean(text: string): string {
  return text
    .replaceAll(/\r?\n/g, " ")
    .replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "\uFFFD");
}

/** Every string of a JSON-like value, keys included, cleaned. */
export function cleanAll<T>(value: T): T {
  return cleanValue(value) as T;
}

function cleanValue(value: unknown): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map(cleanValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [clean(key), cleanValue(item)]));
}

export function width(text: string): number {
  return characters(text).length;
}

export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** At most `columns` wide, cut with an ellipsis. */
export function cut(text: string, columns: number): string {
  const points = characters(text);
  return points.length <= columns ? text : `${points.slice(0, Math.max(0, columns - 1)).join("")}…`;
}

/** Lines of at most `columns`; words that are longer are broken. Never empty. */
export function wrap(text: string, columns: number): readonly string[] {
  const room = Math.max(columns, 10);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((long) => pieces(long, room))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (width(longer) <= room) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

function pieces(word: string, room: number): readonly string[] {
  const points = characters(word);
  const parts: string[] = [];
  for (let start = 0; start < points.length; start += room) {
    parts.push(points.slice(start, start + room).join(""));
  }
  return parts.length === 0 ? [""] : parts;
}

function characters(text: string): readonly string[] {
  if (/^[ -~]*$/.test(text)) return text.split("");
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** Cells under each other, two blanks between; the last column is not padded. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, width(cell));
  }
  return rows.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : pad(cell, (widths[index] ?? 0) + 2))),
  );
}

/** `0.3s`, `48s`, `3m20s`. */
export function tookText(seconds: number): string {
  return seconds < 10 ? `${Math.max(0, seconds).toFixed(1)}s` : durationText(seconds);
}

/** How long ago, in its largest unit: `42s`, `12m`, `3h`, `7d`. */
export function ageText(from: string, now: string): string {
  const seconds = Math.max(0, secondsBetween(from, now));
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `10:00:05`. */
export function clockText(instant: string): string {
  return instant.slice(11, 19);
}

/** `2026-11-17 10:00:05 UTC`. */
export function dateText(instant: string): string {
  return `${instant.slice(0, 10)} ${clockText(instant)} UTC`;
}
